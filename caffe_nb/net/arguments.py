"""What `Net` is called with: pycaffe's positional forms, and everything that a net can be made from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from caffe_nb.core.layer import Phase
from caffe_nb.errors import NetError
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.text import NetSource, read_net
from caffe_nb.proto.upgrade import upgrade_net


def as_source(source: str | os.PathLike[str] | caffe_pb2.NetParameter | NetSource) -> NetSource:
    """Return a net's text with its place, from a file, a message, or as it is."""
    if isinstance(source, NetSource):
        return source
    if isinstance(source, caffe_pb2.NetParameter):
        param = caffe_pb2.NetParameter()
        param.CopyFrom(source)
        upgrade_net(param)
        return NetSource(param, param.name or "<message>")
    if not isinstance(source, str | os.PathLike):
        raise TypeError(f"a net is made from the name of a prototxt or a NetParameter, got {type(source).__name__}")
    if isinstance(source, str) and source.rstrip().endswith("}"):
        raise NetError("this is a net's text, and the name of a file is asked for; Net.from_text(text) takes a text")
    return read_net(source, keep_unknown=True)


def pycaffe_arguments(
    args: tuple[Any, ...], phase: int | None, level: int, stages: Sequence[str] | None, weights: Any
) -> tuple[Phase, int, Sequence[str] | None, Any]:
    """Sort out pycaffe's positional forms: (phase, level, stages, weights) and (weights, phase)."""
    rest = list(args)
    if rest and isinstance(rest[0], str | os.PathLike):
        weights = rest.pop(0)
    if rest:
        phase = rest.pop(0)
    if rest:
        level = rest.pop(0)
    if rest:
        stages = rest.pop(0)
    if rest:
        weights = rest.pop(0)
    if rest:
        raise TypeError("Net takes a file, then phase, level, stages and weights (or weights and phase)")
    if isinstance(stages, str):
        stages = [stages]
    try:
        return Phase(Phase.TRAIN if phase is None else phase), level, stages, weights
    except ValueError:
        raise NetError(f"phase is caffe.TRAIN (0) or caffe.TEST (1), got {phase!r}") from None
