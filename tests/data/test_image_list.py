"""Image lists: names and labels, one a line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe_nb.data.image_list import ImageFiles, ImageList
from caffe_nb.errors import FormatError, NetError
from tests.data.made import encoded, pixels, write_images


def listed(folder: Path, text: str, root: str = "", size: tuple[int, int] = (0, 0), color: bool = True) -> ImageList:
    (folder / "list.txt").write_bytes(text.encode())
    return ImageList("list.txt", ImageFiles(root, folder), size, color, folder)


def test_images_come_in_the_order_of_the_list_and_around_again(tmp_path: Path) -> None:
    images = write_images(tmp_path, 3)
    source = listed(tmp_path, "2.png 7\n0.png -1\n\n1.png +3\n")
    for index, label, line in [(2, 7, 1), (0, -1, 2), (1, 3, 4), (2, 7, 1)]:
        where, image, found = source.next()
        np.testing.assert_array_equal(image.transpose(2, 0, 1), images[index])
        assert (found, where) == (label, f"line {line} of '{tmp_path / 'list.txt'}'")


def test_names_may_have_spaces_and_lines_any_ending(tmp_path: Path) -> None:
    (tmp_path / "a b.png").write_bytes(encoded(pixels(0)))
    (tmp_path / "ä.png").write_bytes(encoded(pixels(1)))
    source = listed(tmp_path, "a b.png 1\r\nä.png\t2 \r\n")
    assert [source.next()[2] for _ in range(3)] == [1, 2, 1]


def test_the_root_folder_is_put_before_the_names(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_images(tmp_path / "in", 1)
    assert listed(tmp_path, "0.png 4", root=f"{tmp_path / 'in'}/").next()[2] == 4
    assert listed(tmp_path, "0.png 4", root="in/").next()[2] == 4
    with pytest.raises(NetError, match=r"'in0\.png' was not found.*'in/' would be a folder"):
        listed(tmp_path, "0.png 4", root="in").next()


def test_images_are_resized_and_made_grey(tmp_path: Path) -> None:
    write_images(tmp_path, 1)
    assert listed(tmp_path, "0.png 4", size=(5, 9), color=False).next()[1].shape == (5, 9, 1)


def test_shuffled_images_all_come_once_a_round_each_time_in_another_order(tmp_path: Path) -> None:
    write_images(tmp_path, 8)
    text = "".join(f"{index}.png {index}\n" for index in range(8))
    rounds = []
    for _ in range(2):
        source = listed(tmp_path, text)
        source.shuffle(np.random.default_rng(5))
        rounds.append([[source.next()[2] for _ in range(8)] for _ in range(3)])
    assert rounds[0] == rounds[1]
    assert all(sorted(labels) == list(range(8)) for labels in rounds[0])
    assert len({tuple(labels) for labels in [*rounds[0], list(range(8))]}) == 4


@pytest.mark.parametrize("line", ["a.png", "a.png x", "a.png 1.5", "3"])
def test_lines_that_are_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(FormatError, match=r"line 2 of '.*list\.txt': expected the name of an image and its label"):
        listed(tmp_path, f"0.png 1\n{line}\n")


def test_lists_and_images_that_are_missing_or_broken(tmp_path: Path) -> None:
    with pytest.raises(NetError, match="names no images"):
        listed(tmp_path, " \n\n")
    with pytest.raises(NetError, match=r"the list of images 'none\.txt' was not found"):
        ImageList("none.txt", ImageFiles("", None), (0, 0), True, tmp_path)
    with pytest.raises(NetError, match=r"the image of line 1 of '.*list\.txt', 'gone\.png' was not found; looked in"):
        listed(tmp_path, "gone.png 1").next()
    (tmp_path / "broken.png").write_bytes(b"noise")
    with pytest.raises(FormatError, match=r"'broken\.png', line 1 of '.*list\.txt', cannot be read as an image"):
        listed(tmp_path, "broken.png 1").next()
