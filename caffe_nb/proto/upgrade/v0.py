"""The V0 format: ``layers { layer { type: "conv" num_output: 4 } }``, every setting beside every other."""

from __future__ import annotations

import logging
from typing import Any

from caffe_nb.errors import did_you_mean
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.upgrade.error import UpgradeError

log = logging.getLogger("caffe_nb")

_PADDING = "padding"
_FILLED = {"num_output": "num_output", "biasterm": "bias_term"} | {
    name: name for name in ("weight_filler", "bias_filler")
}
_WINDOW = {"kernelsize": "kernel_size", "pad": "pad", "stride": "stride"}
_BATCH = {"source": "source", "batchsize": "batch_size"}
_IMAGES = {name: name for name in ("rand_skip", "new_height", "new_width")} | {"shuffle_images": "shuffle"}
_DETECTION = {
    "det_" + name: name for name in ("fg_threshold", "bg_threshold", "fg_fraction", "context_pad", "crop_mode")
}
# By type: its V1 name, the message that its settings went to, and what each is called there.
_TYPES: dict[str, tuple[str, str, dict[str, str]]] = {
    "conv": ("CONVOLUTION", "convolution_param", _FILLED | _WINDOW | {"group": "group"}),
    "innerproduct": ("INNER_PRODUCT", "inner_product_param", _FILLED),
    "pool": ("POOLING", "pooling_param", _WINDOW | {"pool": "pool"}),
    "dropout": ("DROPOUT", "dropout_param", {"dropout_ratio": "dropout_ratio"}),
    "lrn": ("LRN", "lrn_param", {name: name for name in ("local_size", "alpha", "beta", "k")}),
    "data": ("DATA", "data_param", _BATCH | {"rand_skip": "rand_skip"}),
    "hdf5_data": ("HDF5_DATA", "hdf5_data_param", _BATCH),
    "images": ("IMAGE_DATA", "image_data_param", _BATCH | _IMAGES),
    "window_data": ("WINDOW_DATA", "window_data_param", _BATCH | _DETECTION),
    "infogain_loss": ("INFOGAIN_LOSS", "infogain_loss_param", {"source": "source"}),
    "concat": ("CONCAT", "concat_param", {"concat_dim": "concat_dim"}),
    "hdf5_output": ("HDF5_OUTPUT", "", {"hdf5_output_param": "hdf5_output_param"}),
} | {
    name: (name.upper(), "", {})
    for name in [
        "accuracy",
        "bnll",
        "euclidean_loss",
        "flatten",
        "im2col",
        "multinomial_logistic_loss",
        "relu",
        "sigmoid",
        "softmax",
        "softmax_loss",
        "split",
        "tanh",
    ]
}
_TRANSFORM = {"scale": "scale", "meanfile": "mean_file", "cropsize": "crop_size", "mirror": "mirror"}


def upgrade_v0(param: caffe_pb2.NetParameter, foreign: dict[int, str] | None = None) -> list[int]:
    """Turn V0 layers into V1 layers, in place, and ``padding`` layers into the ``pad`` of the layers that read them.

    Parameters
    ----------
    param : NetParameter
        Changed in place; V1 layers are left as they are.
    foreign : dict of int to str, optional
        Filled with the types that V0 does not have, by the number of their layer, instead of refusing them.

    Returns
    -------
    list of int
        Which of the ``layers`` each of the remaining ones was, counted from 0.

    Raises
    ------
    UpgradeError
        For a type that V0 does not have, and for padding before anything but a convolution or a pooling.
    """
    if not any(layer.HasField("layer") for layer in param.layers):
        return list(range(len(param.layers)))
    _fold_padding(param)
    kept = [index for index, layer in enumerate(param.layers) if layer.layer.type != _PADDING]
    for index in kept:
        if param.layers[index].HasField("layer"):
            _upgrade_layer(param.layers[index], index, foreign)
    layers = [param.layers[index] for index in kept]
    if len(kept) < len(param.layers):
        del param.layers[:]
        param.layers.extend(layers)
    return kept


def _fold_padding(param: caffe_pb2.NetParameter) -> None:
    producers: dict[str, int] = {}
    for index, layer in enumerate(param.layers):
        for place, name in enumerate(layer.bottom):
            source = param.layers[producers[name]] if name in producers else None
            if source is None or source.layer.type != _PADDING:
                continue
            if layer.layer.type not in ("conv", "pool"):
                raise UpgradeError(
                    f"layer '{_name(layer)}' ({layer.layer.type}) reads the padding layer '{source.layer.name}'; only "
                    "conv and pool can take up padding.",
                    layer=index,
                )
            if len(layer.bottom) != 1 or len(source.bottom) != 1 or len(source.top) != 1:
                raise UpgradeError(
                    f"layer '{_name(layer)}' reads the padding layer '{source.layer.name}'; both need exactly one "
                    f"bottom, and the padding exactly one top: got {len(layer.bottom)}, {len(source.bottom)} and "
                    f"{len(source.top)}.",
                    layer=index,
                )
            layer.layer.pad = source.layer.pad
            layer.bottom[place] = source.bottom[0]
        producers.update(dict.fromkeys(layer.top, index))


def _upgrade_layer(layer: caffe_pb2.V1LayerParameter, index: int, foreign: dict[int, str] | None) -> None:
    """Turn one V0 layer into a V1 layer, in place."""
    old = caffe_pb2.V0LayerParameter()
    old.CopyFrom(layer.layer)
    word = old.type
    bottom, top = list(layer.bottom), list(layer.top)
    layer.Clear()
    layer.bottom.extend(bottom)
    layer.top.extend(top)
    if old.HasField("type") and old.type not in _TYPES and foreign is not None:
        foreign[index] = old.type
        old.ClearField("type")
    if old.HasField("type") and old.type not in _TYPES:
        raise UpgradeError(
            f"layer '{old.name}' has the type '{old.type}', which the V0 format does not have."
            f"{did_you_mean(old.type, _TYPES)}",
            layer=index,
        )
    v1_type, message, fields = _TYPES.get(old.type, ("NONE", "", {}))
    if old.HasField("type"):
        layer.type = caffe_pb2.V1LayerParameter.LayerType.Value(v1_type)  # type: ignore[assignment]
    for descriptor, value in old.ListFields():
        field = descriptor.name
        if field == "name":
            layer.name = value
        elif field in ("blobs", "blobs_lr", "weight_decay"):
            getattr(layer, field).extend(value)
        elif field in _TRANSFORM:
            setattr(layer.transform_param, _TRANSFORM[field], value)
        elif field in fields:
            _put(getattr(layer, message) if message else layer, fields[field], value, old.name, index)
        elif field != "type":
            log.warning("layer '%s': %s has no effect on the type '%s'", old.name, field, word)


def _put(target: Any, field: str, value: Any, name: str, index: int) -> None:
    descriptor = target.DESCRIPTOR.fields_by_name[field]
    try:
        if descriptor.message_type:
            getattr(target, field).CopyFrom(value)
        elif descriptor.has_presence:
            setattr(target, field, value)
        else:  # of convolutions, which take one number for each axis now
            getattr(target, field).append(value)
    except ValueError as error:
        raise UpgradeError(f"layer '{name}': {field} cannot be {value}.", layer=index) from error


def _name(layer: caffe_pb2.V1LayerParameter) -> str:
    return layer.layer.name if layer.HasField("layer") else layer.name
