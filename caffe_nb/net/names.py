"""What pycaffe's users ask a net for by name: blobs, layers, parameters, inputs, outputs."""

from __future__ import annotations

from caffe_nb.core.blob import Blob, BlobVec
from caffe_nb.core.layer import Layer
from caffe_nb.errors import NetError, did_you_mean
from caffe_nb.net.build import Built, Node


class LayerVec(list[Layer]):
    """The layers of a net (pycaffe's LayerVec)."""


class Names:
    """The names of a net that was built; all of them read only, as pycaffe's."""

    nodes: list[Node]

    def _take_names(self, built: Built) -> None:
        self._layers = LayerVec(node.layer for node in built.nodes)
        self._built = built
        self._blob_dict = dict(zip(built.blob_names, built.blobs, strict=True))
        self._params = {node.name: node.layer.blobs for node in built.nodes if len(node.layer.blobs)}
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
        return {node.name: node.layer for node in self.nodes}

    @property
    def top_names(self) -> dict[str, list[str]]:
        """Names of the tops of each layer, by its name."""
        return {node.name: node.top_names for node in self.nodes}

    @property
    def bottom_names(self) -> dict[str, list[str]]:
        """Names of the bottoms of each layer, by its name."""
        return {node.name: node.bottom_names for node in self.nodes}

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

    def _blob(self, name: str) -> Blob:
        if name not in self.blobs:
            raise NetError(f"this net has no blob '{name}'.{did_you_mean(name, self.blobs)}")
        return self.blobs[name]
