"""The formats before ``layer { type: "Convolution" }``: V1 (``layers { type: CONVOLUTION }``) and V0."""

from __future__ import annotations

from caffe_nb.errors import FormatError
from caffe_nb.proto import caffe_pb2


def refuse_v1(param: caffe_pb2.NetParameter) -> None:
    """Raise FormatError when the net has V1 or V0 layers.

    Parameters
    ----------
    param : NetParameter
        The net as it was read.
    """
    if not param.layers:
        return
    first = param.layers[0]
    v0 = first.HasField("layer")
    found = f"'{first.layer.name if v0 else first.name}'"
    version = "V0 (`layers { layer { ... } }`)" if v0 else "V1 (`layers { ... }`)"
    raise FormatError(
        f"the net is in Caffe's old {version} format, first seen in layer {found}; this is not yet supported. "
        "Bring it up to date with Caffe's own upgrade_net_proto_text (or _binary for weights) and read the result."
    )
