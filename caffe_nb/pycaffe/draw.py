"""Drawings of nets through Graphviz (pycaffe's `caffe.draw`); needs pydot, the extra ``draw``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from caffe_nb.errors import CaffeError
from caffe_nb.net.filter import is_included
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.files import write_bytes

if TYPE_CHECKING:
    import pydot

_TEXT = (".dot", ".gv", ".raw")
_LAYER_STYLE: dict[str, Any] = {"shape": "record", "fillcolor": "#6495ED", "style": "filled"}
_IN_PLACE_STYLE: dict[str, Any] = {"shape": "record", "fillcolor": "#90EE90", "style": "filled"}
_BLOB_STYLE: dict[str, Any] = {"shape": "octagon", "fillcolor": "#E0E0E0", "style": "filled"}


def get_pooling_types_dict() -> dict[int, str]:
    """Return the names of the pooling methods by their numbers."""
    return {number: name for name, number in caffe_pb2.PoolingParameter.PoolMethod.items()}


def get_edge_label(layer: caffe_pb2.LayerParameter) -> str:
    """Return what stands at the edges that leave a layer: how many channels it puts out, or its batch size.

    Parameters
    ----------
    layer : LayerParameter
        The layer.
    """
    if layer.type == "Data":
        return f"Batch {layer.data_param.batch_size}"
    if layer.type in ("Convolution", "Deconvolution"):
        return str(layer.convolution_param.num_output)
    if layer.type == "InnerProduct":
        return str(layer.inner_product_param.num_output)
    return '""'


def get_layer_lr_mult(layer: caffe_pb2.LayerParameter) -> list[float]:
    """Return the learning rate multipliers of a layer's parameters; 1 where the text gives none.

    Parameters
    ----------
    layer : LayerParameter
        The layer.
    """
    if layer.type not in ("Convolution", "Deconvolution", "InnerProduct"):
        return []
    return [spec.lr_mult for spec in layer.param] or [1.0]


def get_layer_label(layer: caffe_pb2.LayerParameter, rankdir: str, display_lrm: bool = False) -> str:
    """Return what stands in the box of a layer.

    Parameters
    ----------
    layer : LayerParameter
        The layer.
    rankdir : str
        Direction of the drawing: lines are broken in one that goes from top to bottom (TB, BT), not in others.
    display_lrm : bool, default False
        Whether to say the learning rate multipliers.
    """
    apart = " " if rankdir in ("TB", "BT") else r"\n"
    words = [layer.name, f"({layer.type})"]
    if layer.type in ("Convolution", "Deconvolution"):
        conv = layer.convolution_param
        for name, values, h, w, default in (
            ("kernel size", conv.kernel_size, conv.kernel_h, conv.kernel_w, 1),
            ("stride", conv.stride, conv.stride_h, conv.stride_w, 1),
            ("pad", conv.pad, conv.pad_h, conv.pad_w, 0),
        ):
            size = "x".join(map(str, values)) or (f"{h}x{w}" if h or w else str(default))
            words.append(f"{name}: {size}")
    elif layer.type == "Pooling":
        pool = layer.pooling_param
        method = get_pooling_types_dict()[pool.pool]
        words[1] = f"({method} {layer.type})"
        words += [f"kernel size: {pool.kernel_size}", f"stride: {pool.stride}", f"pad: {pool.pad}"]
    rates = get_layer_lr_mult(layer) if display_lrm else []
    if rates:
        words.append("lr mult: " + ", ".join(f"{rate:g}" for rate in rates))
    return '"' + apart.join(word.replace('"', r"\"") for word in words) + '"'


def choose_color_by_layertype(layertype: str) -> str:
    """Return the colour of a layer's box.

    Parameters
    ----------
    layertype : str
        Its type.
    """
    return {"Convolution": "#FF5050", "Deconvolution": "#FF5050", "Pooling": "#FF9900", "InnerProduct": "#CC33FF"}.get(
        layertype, "#6495ED"
    )


def get_pydot_graph(
    caffe_net: caffe_pb2.NetParameter,
    rankdir: str,
    label_edges: bool = True,
    phase: int | None = None,
    display_lrm: bool = False,
) -> pydot.Dot:
    """Return the graph of a net: its layers as boxes, its blobs as octagons.

    Parameters
    ----------
    caffe_net : NetParameter
        The net's text.
    rankdir : str
        Direction: LR, TB, BT or RL.
    label_edges : bool, default True
        Whether the edges say how many channels pass.
    phase : int, optional
        caffe.TRAIN or caffe.TEST, to leave out layers of the other; all by default.
    display_lrm : bool, default False
        Whether to say the learning rate multipliers.

    Raises
    ------
    CaffeError
        When pydot is not installed.
    """
    try:
        import pydot
    except ImportError as error:
        raise CaffeError('drawing a net needs pydot: pip install "caffe-nb[draw]"') from error
    graph = pydot.Dot(f'"{caffe_net.name or "Net"}"', graph_type="digraph", rankdir=rankdir)
    blobs: dict[str, pydot.Node] = {}
    edges = []
    for layer in caffe_net.layer:
        if phase is not None and not _is_of_phase(layer, phase):
            continue
        in_place = len(layer.top) == 1 and len(layer.bottom) == 1 and layer.bottom[0] == layer.top[0]
        style = _IN_PLACE_STYLE if in_place else _LAYER_STYLE | {"fillcolor": choose_color_by_layertype(layer.type)}
        box = f'"{layer.name}_{layer.type}"'
        graph.add_node(pydot.Node(box, label=get_layer_label(layer, rankdir, display_lrm), **style))
        for name in (*layer.bottom, *layer.top):
            blobs[name] = pydot.Node(f'"{name}_blob"', label=f'"{name}"', **_BLOB_STYLE)
        edges += [(f'"{name}_blob"', box, '""') for name in layer.bottom]
        edges += [(box, f'"{name}_blob"', get_edge_label(layer) if label_edges else '""') for name in layer.top]
    for node in blobs.values():
        graph.add_node(node)
    for source, target, label in edges:
        graph.add_edge(pydot.Edge(source, target, label=label))
    return graph


def _is_of_phase(layer: caffe_pb2.LayerParameter, phase: int) -> bool:
    number = caffe_pb2.TRAIN if int(phase) == 0 else caffe_pb2.TEST
    rules = (*layer.include, *layer.exclude)
    if any(rule.HasField("phase") for rule in rules):
        return is_included(layer, caffe_pb2.NetState(phase=number))
    return not layer.HasField("phase") or layer.phase == number


def draw_net(
    caffe_net: caffe_pb2.NetParameter,
    rankdir: str,
    ext: str = "png",
    phase: int | None = None,
    display_lrm: bool = False,
) -> bytes:
    """Return a drawing of a net.

    Parameters
    ----------
    caffe_net : NetParameter
        The net's text.
    rankdir : str
        Direction: LR, TB, BT or RL.
    ext : str, default "png"
        Format: png, svg, pdf and whatever else Graphviz writes; dot, gv or raw for the graph as text, which needs no
        Graphviz.
    phase, display_lrm
        As for `get_pydot_graph`.

    Raises
    ------
    CaffeError
        When pydot or Graphviz is not there.
    """
    graph = get_pydot_graph(caffe_net, rankdir, phase=phase, display_lrm=display_lrm)
    if f".{ext}" in _TEXT:
        return graph.to_string().encode()
    try:
        drawn: bytes = graph.create(format=ext)  # type: ignore[assignment]
        return drawn
    except OSError as error:
        raise CaffeError(
            f"drawing as {ext} needs Graphviz, whose program 'dot' was not found: install Graphviz, or write a .dot "
            "file, which needs none; `caffe_nb.Net(...)` at the end of a cell draws a net without it too"
        ) from error


def draw_net_to_file(
    caffe_net: caffe_pb2.NetParameter,
    filename: str,
    rankdir: str = "LR",
    phase: int | None = None,
    display_lrm: bool = False,
) -> None:
    """Write a drawing of a net; the file's ending says the format, as for `draw_net`.

    Parameters
    ----------
    caffe_net : NetParameter
        The net's text.
    filename : path
        Where to.
    rankdir, phase, display_lrm
        As for `get_pydot_graph`.
    """
    path = Path(filename)
    write_bytes(path, draw_net(caffe_net, rankdir, path.suffix.lstrip(".") or "png", phase, display_lrm))
