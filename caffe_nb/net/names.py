"""What pycaffe's users ask a net for by name: blobs, layers, parameters, inputs, outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NoReturn, TypeVar

from caffe_nb.core.blob import Blob, BlobVec
from caffe_nb.core.layer import Layer
from caffe_nb.errors import NetError, UnknownNameError, did_you_mean, listing
from caffe_nb.net.build import Built, Node

T = TypeVar("T")


class LayerVec(list[Layer]):
    """The layers of a net (pycaffe's LayerVec)."""


class ByName(dict[str, T]):
    """What a net has by name; another name is an error that says which was likely meant.

    Parameters
    ----------
    what : str
        What is looked for, for messages: ``blob``.
    items : mapping or iterable of pairs
        The contents.
    others : iterable of str, optional
        Names of layers that have nothing of the kind.
    """

    def __init__(self, what: str, items: Mapping[str, T] | Iterable[tuple[str, T]], others: Iterable[str] = ()) -> None:
        super().__init__(items)
        self._what = what
        self._others = frozenset(others)

    def __missing__(self, name: object) -> NoReturn:
        if name in self._others:
            raise UnknownNameError(f"layer '{name}' has no {self._what}; those that have: {listing(self)}")
        near = did_you_mean(name, self) if isinstance(name, str) else " Names are texts."
        raise UnknownNameError(f"this net has no {self._what} {name!r}.{near}")

    def __reduce__(self) -> tuple[type[dict[str, T]], tuple[dict[str, T]]]:
        return dict, (dict(self),)


class Names:
    """The names of a net that was built; all of them read only, as pycaffe's."""

    nodes: list[Node]

    def _take_names(self, built: Built) -> None:
        self._layers = LayerVec(node.layer for node in built.nodes)
        self._built = built
        self._blob_dict = ByName("blob", zip(built.blob_names, built.blobs, strict=True))
        params = {node.name: node.layer.blobs for node in built.nodes if len(node.layer.blobs)}
        self._params = ByName("parameters", params, (node.name for node in built.nodes if node.name not in params))
        self._input_names = built.inputs
        self._output_names = built.outputs

    @property
    def layers(self) -> list[Layer]:
        """All layers; a Python layer is the user's own object."""
        return self._layers

    @property
    def blobs(self) -> dict[str, Blob]:
        """All blobs by name, in the order in which they are made."""
        return self._blob_dict

    @property
    def params(self) -> dict[str, BlobVec]:
        """The parameters of the layers that have some, by layer name."""
        return self._params

    @property
    def inputs(self) -> list[str]:
        """Names of the Input layers' tops."""
        return self._input_names

    @property
    def outputs(self) -> list[str]:
        """Names of the blobs that nothing reads."""
        return self._output_names

    @property
    def layer_dict(self) -> dict[str, Layer]:
        """The layers by name."""
        return ByName("layer", ((node.name, node.layer) for node in self.nodes))

    @property
    def top_names(self) -> dict[str, list[str]]:
        """Names of the tops of each layer, by its name."""
        return ByName("layer", ((node.name, node.top_names) for node in self.nodes))

    @property
    def bottom_names(self) -> dict[str, list[str]]:
        """Names of the bottoms of each layer, by its name."""
        return ByName("layer", ((node.name, node.bottom_names) for node in self.nodes))

    @property
    def blob_loss_weights(self) -> dict[str, float]:
        """Loss weight of every blob, by its name."""
        result = dict.fromkeys(self._blob_names, 0.0)
        for node in self.nodes:
            result.update(zip(node.top_names, node.loss_weights, strict=False))
        return result

    # what pycaffe's own Python is made of, and some scripts use

    @property
    def _blobs(self) -> list[Blob]:
        return self._built.blobs

    @property
    def _blob_names(self) -> list[str]:
        return self._built.blob_names

    @property
    def _layer_names(self) -> list[str]:
        return [node.name for node in self.nodes]

    @property
    def _blob_loss_weights(self) -> list[float]:
        return list(self.blob_loss_weights.values())

    @property
    def _inputs(self) -> list[int]:
        return [self._blob_names.index(name) for name in self._input_names]

    @property
    def _outputs(self) -> list[int]:
        return [self._blob_names.index(name) for name in self._output_names]

    def _bottom_ids(self, layer: int) -> list[int]:
        return list(self.nodes[layer].bottom_ids)

    def _top_ids(self, layer: int) -> list[int]:
        return list(self.nodes[layer].top_ids)

    def _layer_index(self, name: str) -> int:
        names = self._layer_names
        if name not in names:
            raise NetError(f"this net has no layer '{name}'.{did_you_mean(name, names)}")
        return names.index(name)
