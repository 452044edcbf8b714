"""Files that a net names are found where users keep them."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe_nb.data.paths import find
from caffe_nb.errors import NetError


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The working directory and another folder."""
    working, other = tmp_path / "working", tmp_path / "other"
    working.mkdir()
    other.mkdir()
    monkeypatch.chdir(working)
    return working, other


def test_the_working_directory_comes_first(places: tuple[Path, Path]) -> None:
    for place in reversed(places):
        (place / "list.txt").write_text("x")
        assert find("list.txt", [None, places[1]], "the list") == place / "list.txt"


def test_an_absolute_name_is_taken_as_it_is(places: tuple[Path, Path]) -> None:
    path = places[1] / "a.txt"
    path.write_text("x")
    assert find(str(path), [], "the list") == path
    with pytest.raises(NetError, match=r"the list '.*b\.txt' was not found$"):
        find(str(places[1] / "b.txt"), [], "the list")


def test_a_missing_file_names_every_place(places: tuple[Path, Path]) -> None:
    with pytest.raises(NetError, match=r"the list 'no\.txt' was not found; looked in .*working.*other"):
        find("no.txt", [None, places[1]], "the list")


def test_a_folder_is_not_a_file(places: tuple[Path, Path]) -> None:
    (places[0] / "folder").mkdir()
    with pytest.raises(NetError, match="not found"):
        find("folder", [], "the list")
