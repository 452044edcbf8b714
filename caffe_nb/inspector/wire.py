"""Messages as JSON carries them."""

from __future__ import annotations

from typing import Any

import msgspec

from caffe_nb.inspector.pieces import Message


def to_wire(message: Message) -> Any:
    r"""Return a message as dicts and lists that JSON can hold.

    Parameters
    ----------
    message : Message
        A reply or a push. Its numbers are finite: where one may not be, the message has a place for None.

    Returns
    -------
    dict
        The message's fields. Lone surrogates, which file names that are not UTF-8, a user's exception or a request may
        bring and UTF-8 has not, are written out as ``\ud800``: one of them must not cost the whole message.
    """
    body = msgspec.to_builtins(message)
    try:
        msgspec.json.encode(body)
    except UnicodeEncodeError:
        return _encodable(body)
    return body


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_encodable(each) for each in value]
    if isinstance(value, dict):
        return {key: _encodable(each) for key, each in value.items()}
    return value
