"""Scaling, mean, cropping and mirroring from when they stood in the data layers' own parameters."""

from __future__ import annotations

import logging

from caffe_nb.proto import caffe_pb2

log = logging.getLogger("caffe_nb")

_TYPES = caffe_pb2.V1LayerParameter
_PARAMS = {
    _TYPES.DATA: "data_param",
    _TYPES.IMAGE_DATA: "image_data_param",
    _TYPES.WINDOW_DATA: "window_data_param",
}
_MOVED = ("scale", "mean_file", "crop_size", "mirror")


def upgrade_transforms(param: caffe_pb2.NetParameter) -> None:
    """Move ``scale``, ``mean_file``, ``crop_size`` and ``mirror`` of V1 data layers to ``transform_param``.

    In a ``layer`` of today these fields do nothing, in Caffe as here; a warning is logged for them.

    Parameters
    ----------
    param : NetParameter
        Changed in place.
    """
    for old in param.layers:
        name = _PARAMS.get(old.type)
        if name is None or not old.HasField(name):
            continue
        data = getattr(old, name)
        for field in _MOVED:
            if data.HasField(field):
                setattr(old.transform_param, field, getattr(data, field))
                data.ClearField(field)
    for layer in param.layer:
        for name in _PARAMS.values():
            if layer.HasField(name):
                unused = [field for field in _MOVED if getattr(layer, name).HasField(field)]
                if unused:
                    log.warning(
                        "layer '%s': %s in %s has no effect; move it to transform_param",
                        layer.name,
                        ", ".join(unused),
                        name,
                    )
