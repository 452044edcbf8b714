"""The error of a net that cannot be brought up to date."""

from __future__ import annotations

from caffe_nb.errors import FormatError


class UpgradeError(FormatError):
    """A net in an older form that makes no net in today's.

    Parameters
    ----------
    message : str
        What is wrong, and what to do.
    layer : int or None, default None
        Which layer of the text it is about, counted from 0; None for the inputs at the top.
    """

    def __init__(self, message: str, *, layer: int | None = None) -> None:
        super().__init__(message)
        self.layer = layer
