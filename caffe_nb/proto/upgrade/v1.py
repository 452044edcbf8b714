"""The V1 format: ``layers { type: CONVOLUTION blobs_lr: 1 }``, not ``layer { type: "Convolution" param { } }``."""

from __future__ import annotations

from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.upgrade.error import UpgradeError

# Names that are not the enum's words put together.
_NAMES = {
    "NONE": "",
    "ABSVAL": "AbsVal",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "IM2COL": "Im2col",
    "LRN": "LRN",
    "MVN": "MVN",
    "RELU": "ReLU",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "TANH": "TanH",
}
# What became of each array's settings: the field of `param`, one entry an array.
_SPECS = {"param": "name", "blob_share_mode": "share_mode", "blobs_lr": "lr_mult", "weight_decay": "decay_mult"}


def upgrade_v1(param: caffe_pb2.NetParameter) -> None:
    """Turn V1 ``layers`` into ``layer``, in place.

    Parameters
    ----------
    param : NetParameter
        Changed in place.

    Raises
    ------
    UpgradeError
        When the net has ``layer`` too: Caffe would leave those out.
    """
    if not param.layers:
        return
    if param.layer:
        raise UpgradeError(
            f"the net has both `layers` (the V1 format, {len(param.layers)} of them) and `layer` "
            f"({len(param.layer)}, first '{param.layer[0].name}'); write all of them as `layer`.",
            layer=0,
        )
    for old in param.layers:
        _upgrade_layer(old, param.layer.add())
    param.ClearField("layers")


def type_name(number: int) -> str:
    """Return today's name of a V1 type, such as ``InnerProduct`` for INNER_PRODUCT."""
    word = caffe_pb2.V1LayerParameter.LayerType.Name(number)
    return _NAMES.get(word, word.title().replace("_", ""))


def _upgrade_layer(old: caffe_pb2.V1LayerParameter, new: caffe_pb2.LayerParameter) -> None:
    for descriptor, value in old.ListFields():
        field = descriptor.name
        if field == "type":
            new.type = type_name(old.type)
        elif field in _SPECS:
            for index, each in enumerate(value):
                while len(new.param) <= index:
                    new.param.add()
                setattr(new.param[index], _SPECS[field], each)
        elif field == "name":
            new.name = value
        elif field in ("bottom", "top", "loss_weight", "blobs", "include", "exclude"):
            getattr(new, field).extend(value)
        else:  # convolution_param and its like, which are the same messages
            getattr(new, field).CopyFrom(value)
