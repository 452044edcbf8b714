"""The user's part of a traceback."""

import traceback
from collections.abc import Callable
from types import TracebackType

import pytest

from caffe_nb.core.blob import Blob
from caffe_nb.layers.frames import users_frames


def _names(frames: TracebackType | None) -> list[str]:
    return [frame.name for frame in traceback.extract_tb(frames)]


def _caught(call: Callable[[], object]) -> TracebackType:
    with pytest.raises(Exception, match="negative") as raised:
        call()
    return raised.tb


def test_it_begins_at_the_users_first_frame_and_may_end_at_the_last() -> None:
    def users() -> None:
        Blob(2).reshape(-1)

    whole = _caught(users)
    assert _names(users_frames(whole))[:2] == ["_caught", "users"]
    assert "reshape" in _names(users_frames(whole))
    assert _names(users_frames(whole, to_the_last=True)) == ["_caught", "users"]


def test_without_a_frame_of_the_user_there_is_none() -> None:
    inside = _caught(lambda: Blob(2).reshape(-1)).tb_next
    assert inside is not None
    assert users_frames(inside.tb_next) is None
    assert users_frames(None) is None
