"""Lists of images and of windows: what was written is read, and of noise comes an error of ours or nothing."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caffe_nb.data.image_list import ImageFiles, ImageList, read_list
from caffe_nb.data.window_list import WindowList
from caffe_nb.errors import CaffeError
from caffe_nb.ranks import Share
from tests.data.made import write_images

NAMES = (
    st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]) | st.just(" "), min_size=1)
    .map(str.strip)
    .filter(bool)
)
LABELS = st.integers(-(2**31), 2**31 - 1)
ENDS = st.sampled_from(["\n", "\r\n", "\n\n", " \n", "\n \t\n"])
MOST_IMAGES = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the images 0.png to 6.png."""
    folder = tmp_path_factory.mktemp("lists")
    write_images(folder, MOST_IMAGES)
    return folder


# images


@given(
    st.lists(st.tuples(NAMES, st.sampled_from([" ", "\t", " \t "]), LABELS, ENDS), min_size=1),
    st.sampled_from(["", "\ufeff", "\n"]),
)
def test_names_and_labels_are_read_as_they_were_written(
    folder: Path, rows: list[tuple[str, str, int, str]], start: str
) -> None:
    text, lines = start, []
    for name, space, label, end in rows:
        lines.append(text.count("\n") + 1)
        text += f"{name}{space}{label}{end}"
    (folder / "list.txt").write_bytes(text.encode())
    assert read_list(folder / "list.txt") == ([row[0] for row in rows], [row[2] for row in rows], lines)


@given(st.binary() | st.text("a.png0123456789+- \t\r\n").map(str.encode))
@example(b"a.png " + b"1" * 5000)
def test_any_other_file_is_refused_in_words(folder: Path, content: bytes) -> None:
    (folder / "list.txt").write_bytes(content)
    with contextlib.suppress(CaffeError):
        read_list(folder / "list.txt")


@given(st.integers(1, MOST_IMAGES), st.data())
def test_processes_together_read_what_one_alone_would(folder: Path, images: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, images), "processes")
    seed = data.draw(st.none() | st.integers(0, 9), "seed")
    start = data.draw(st.integers(0, images - 1), "skipped")
    (folder / "list.txt").write_text("".join(f"{index}.png {index}\n" for index in range(images)))

    def labels(share: Share | None, number: int) -> list[int]:
        source = ImageList("list.txt", ImageFiles("", folder), (0, 0), True, folder)
        if seed is not None:
            source.shuffle(np.random.default_rng(seed))
        source.skip(start)
        if share is not None:
            source.take(share)
        return [source.next()[2] for _ in range(number)]

    alone = labels(None, 5 * count)
    for rank in range(count):
        assert labels(Share(rank, count, 0), 5) == alone[rank::count]


# windows


WINDOW = st.tuples(
    st.integers(1, 20),
    st.integers(0, 100).map(lambda percent: percent / 100),
    *[st.integers(-5, 500)] * 4,
)
IMAGE = st.tuples(NAMES, st.integers(1, 500), st.integers(1, 500), st.lists(WINDOW, max_size=4))


def window_file(images: list[Any], between: str, mark: str) -> str:
    text = ""
    for index, (name, height, width, windows) in enumerate(images):
        sizes = between.join(map(str, (3, height, width, len(windows))))
        rows = "".join(f"{' '.join(map(str, window))}\n" for window in windows)
        text += f"#{mark}{index}\n{name}\n{sizes}\n{rows}"
    return text


@given(
    st.lists(IMAGE, min_size=1, max_size=4),
    st.sampled_from([" ", "\n"]),
    st.sampled_from([" ", "", "\n"]),
    st.integers(1, 100),
    st.integers(1, 100),
)
def test_windows_are_divided_by_their_overlap(
    folder: Path, images: list[Any], between: str, mark: str, fg: int, bg: int
) -> None:
    (folder / "windows.txt").write_text(window_file(images, between, mark), encoding="utf-8")
    found = WindowList("windows.txt", folder, fg / 100, bg / 100)
    assert found.names == [name for name, *_ in images]
    rows = [(index, *window) for index, (*_, windows) in enumerate(images) for window in windows]
    foreground = [row for row in rows if row[2] >= fg / 100]
    background = [row for row in rows if row[2] < min(fg, bg) / 100]
    for windows, wanted in ((found.foreground, foreground), (found.background, background)):
        assert windows.image.tolist() == [row[0] for row in wanted]
        assert windows.corners.tolist() == [list(row[3:]) for row in wanted]
    assert found.foreground.label.tolist() == [row[1] for row in foreground]
    assert not found.background.label.any()


@given(st.lists(IMAGE, max_size=2), st.data())
def test_a_damaged_window_file_is_refused_in_words(folder: Path, images: list[Any], data: st.DataObject) -> None:
    text = window_file(images, " ", " ")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 8)))
    text = text[:start] + data.draw(st.text("#3.-+ne \n1", max_size=4)) + text[end:]
    (folder / "windows.txt").write_text(text, encoding="utf-8")
    with contextlib.suppress(CaffeError):
        WindowList("windows.txt", folder, 0.5, 0.5)
