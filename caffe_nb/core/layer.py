"""Layer: the base of every built-in layer and of every user's Python layer (`caffe.Layer`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from caffe_nb import device
from caffe_nb.core.blob import Blob, BlobVec

if TYPE_CHECKING:
    from caffe_nb.proto import caffe_pb2


class Phase(IntEnum):
    """TRAIN (0) or TEST (1); an int whose `str` is the name."""

    TRAIN = 0
    TEST = 1

    def __str__(self) -> str:
        return self.name


class _Given:
    """An attribute that the engine answers until a user's layer sets one of that name itself."""

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self.answer = answer
        self.__doc__ = answer.__doc__

    def __get__(self, layer: Layer | None, owner: type[Layer]) -> Any:
        return self if layer is None else self.answer(layer)


class Layer:
    """A layer: computes its tops from its bottoms, and the bottoms' diffs from the tops' diffs.

    A net calls `setup` once, `reshape` before every forward, then `forward` and `backward`, each with positional
    arguments. Subclasses may leave out any of them. Writing a user's layer is subclassing this with those four methods.

    Attributes
    ----------
    blobs : BlobVec
        The learnable parameters; `self.blobs.add_blob(*shape)` in `setup` makes one.
    param_str : str
        For Python layers: the text of `python_param { param_str }`; also as `param_str_`.
    phase : Phase
        TRAIN or TEST.
    layer_param : caffe_pb2.LayerParameter
        The layer's whole text.
    dtype : numpy.dtype
        float32, or float64 where the net or the layer was built so.
    param_propagate_down : list of bool
        Which parameters need their diff in `backward`.
    bottoms_needed, tops_allowed : (int, int or None)
        Least and greatest number of bottoms and tops that the type takes.
    """

    type_name: ClassVar[str] = ""
    bottoms_needed: ClassVar[tuple[int, int | None]] = (0, None)
    tops_allowed: ClassVar[tuple[int, int | None]] = (0, None)
    equal_bottoms_tops: ClassVar[bool] = False
    auto_tops: ClassVar[bool] = False
    """Whether missing tops are made up, as the loss layers do."""
    default_loss_weight: ClassVar[float] = 0.0
    """Weight of the first top when the text has no loss_weight: 1 for losses."""
    in_place: ClassVar[bool] = False
    """Whether a top may be the bottom itself."""
    label_bottoms: ClassVar[tuple[int, ...]] = ()
    """Bottoms that have no gradient (labels): force_backward does not ask for theirs."""
    reshapes_by_values: ClassVar[bool] = False
    """Whether a built-in type's `reshape` reads its bottoms' values: it is then called before every forward, as that of
    a Python layer is; others are called when a shape may have changed."""
    inexact: ClassVar[str] = ""
    """Where a built-in type's backward is not quite the derivative of its forward, as in Caffe: a gradient check that
    comes upon it says so and does not fail."""

    param_str: str = ""
    layer_param: caffe_pb2.LayerParameter
    phase: Phase
    dtype: np.dtype[Any]
    param_propagate_down: list[bool]
    extra_params: dict[str, Any]
    """For types made known by `register_layer`: the fields of the layer's text that Caffe does not have, as data."""
    folder: Path | None = None
    """Where the net's prototxt lies; built-in types look there for files that they name."""

    def __init__(self, p_object: Any = None, *args: Any, **kwargs: Any) -> None:
        """Take what pycaffe's constructor took; everything is set up by `attach` before this runs."""

    def attach(
        self, layer_param: caffe_pb2.LayerParameter, phase: Phase, dtype: np.dtype[Any] | type = np.float32
    ) -> None:
        """Give a bare instance its text, phase and type; the engine calls it before `__init__`."""
        self.layer_param = layer_param
        self.phase = phase
        self.dtype = np.dtype(dtype)
        self.blobs = BlobVec(self.dtype)
        self.extra_params = {}
        self.param_propagate_down = []

    type = _Given(lambda layer: getattr(getattr(layer, "layer_param", None), "type", "") or layer.type_name or "Python")
    """The Caffe type, as ``Convolution`` or ``Python``."""
    xp = _Given(lambda layer: device.namespace())
    """The array namespace that the blobs live in."""

    @property
    def blobs(self) -> BlobVec:
        """The learnable parameters."""
        return self._blobs

    @blobs.setter
    def blobs(self, blobs: BlobVec) -> None:
        self._blobs = blobs

    def __repr__(self) -> str:
        shapes = ", ".join("x".join(map(str, blob.shape)) for blob in getattr(self, "_blobs", ()))
        return f"<{type(self).__name__} layer{': ' if shapes else ''}{shapes}>"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters, check the bottoms, make the parameter blobs; called once."""

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the tops their shapes; called after `setup` and before every forward."""

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Compute the tops' data from the bottoms' data."""

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the bottoms' diffs where `propagate_down` asks, and add to the parameters' diffs."""

    def allow_force_backward(self, bottom_index: int) -> bool:
        """Whether `force_backward` may ask for the gradient of this bottom."""
        return bottom_index not in self.label_bottoms
