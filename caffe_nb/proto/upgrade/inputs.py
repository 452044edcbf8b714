"""Inputs from before the Input layer: ``input`` with ``input_shape`` or ``input_dim`` at the top of the net."""

from __future__ import annotations

import logging

from caffe_nb.errors import listing
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.upgrade.error import UpgradeError

log = logging.getLogger("caffe_nb")

_AXES = 4  # input_dim has num, channels, height and width of each input in turn


def upgrade_inputs(param: caffe_pb2.NetParameter) -> bool:
    """Turn top-level inputs into one Input layer named ``input``, put before all layers.

    Weights saved by old Caffes name inputs without shapes; there the names are dropped, as Caffe does.

    Parameters
    ----------
    param : NetParameter
        Changed in place.

    Returns
    -------
    bool
        Whether there is an Input layer now that was not there.

    Raises
    ------
    UpgradeError
        When there are fewer shapes than inputs, or none at all.
    """
    if not param.input:
        return False
    shapes = _shapes(param)
    if shapes:
        layers = list(param.layer)
        del param.layer[:]
        entry = param.layer.add(name="input", type="Input", top=param.input)
        entry.input_param.shape.extend(shapes)
        param.layer.extend(layers)
    for field in ("input", "input_shape", "input_dim"):
        param.ClearField(field)
    return bool(shapes)


def _shapes(param: caffe_pb2.NetParameter) -> list[caffe_pb2.BlobShape]:
    """Return one shape an input, or none for a file of weights."""
    count = len(param.input)
    names = f"{count} `input` ({listing(param.input)})"
    if param.input_shape:
        if len(param.input_shape) < count:
            raise UpgradeError(f"the net has {names} but {len(param.input_shape)} `input_shape`; give one for each.")
        _note_surplus("input_shape", len(param.input_shape) - count)
        return list(param.input_shape[:count])
    if param.input_dim:
        if len(param.input_dim) < _AXES * count:
            raise UpgradeError(
                f"the net has {names} but {len(param.input_dim)} `input_dim`; give {_AXES} for each (num, channels, "
                "height, width), or an `input_shape { dim: ... }` with as many as you like."
            )
        _note_surplus("input_dim", len(param.input_dim) - _AXES * count)
        dims = list(param.input_dim)
        return [caffe_pb2.BlobShape(dim=dims[at : at + _AXES]) for at in range(0, _AXES * count, _AXES)]
    if any(layer.blobs for layer in param.layer):
        return []
    raise UpgradeError(f"the net has {names} but no shape for it; add an `input_shape {{ dim: ... }}` for each input.")


def _note_surplus(field: str, surplus: int) -> None:
    if surplus:
        log.warning("the net has no `input` for the last %d `%s`: they have no effect", surplus, field)
