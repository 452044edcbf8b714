"""The parameters of a net: who owns which, and with which multipliers the solver learns them."""

from __future__ import annotations

from dataclasses import dataclass, field

from caffe_nb.core.blob import Blob
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.proto import caffe_pb2


@dataclass
class Params:
    """The learnable parameters, each once, however many layers share it.

    Attributes
    ----------
    learnable : list of Blob
        The owners' blobs in the order of the layers.
    lr, decay : list of float
        Their lr_mult and decay_mult.
    shared : list of (Blob, Blob)
        A sharing layer's blob and its owner's.
    """

    learnable: list[Blob] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    decay: list[float] = field(default_factory=list)
    shared: list[tuple[Blob, Blob]] = field(default_factory=list)
    _by_name: dict[str, int] = field(default_factory=dict)
    _owner_name: dict[str, str] = field(default_factory=dict)
    _has: dict[tuple[int, str], bool] = field(default_factory=dict)

    def append(self, blob: Blob, spec: caffe_pb2.ParamSpec, layer: str) -> None:
        """Add a layer's parameter: a new one, or a share of the one that has its name already.

        Parameters
        ----------
        blob : Blob
            The parameter.
        spec : caffe_pb2.ParamSpec
            The layer's `param { … }` for it.
        layer : str
            The layer's name, for messages.

        Raises
        ------
        ShapeError
            When a shared parameter has another shape (STRICT) or count (PERMISSIVE) than its owner.
        NetError
            When it has another lr_mult or decay_mult.
        """
        owner = self._by_name.get(spec.name) if spec.name else None
        if owner is None:
            index = len(self.learnable)
            if spec.name:
                self._by_name[spec.name] = index
                self._owner_name[spec.name] = layer
            self.learnable.append(blob)
            self.lr.append(spec.lr_mult)
            self.decay.append(spec.decay_mult)
            self._has[index, "lr_mult"] = spec.HasField("lr_mult")
            self._has[index, "decay_mult"] = spec.HasField("decay_mult")
            return
        self._check_shape(blob, owner, spec)
        self._merge(owner, "lr_mult", self.lr, spec.lr_mult, spec)
        self._merge(owner, "decay_mult", self.decay, spec.decay_mult, spec)
        self.shared.append((blob, self.learnable[owner]))

    def share(self) -> None:
        """Let every sharing blob use its owner's memory."""
        for blob, owner in self.shared:
            blob.share_data(owner)
            blob.share_diff(owner)

    def _check_shape(self, blob: Blob, owner: int, spec: caffe_pb2.ParamSpec) -> None:
        theirs = self.learnable[owner]
        if spec.share_mode == caffe_pb2.ParamSpec.PERMISSIVE:
            if blob.count == theirs.count:
                return
            what = f"count {blob.count}, the owner's {theirs.count}"
        else:
            if blob.shape == theirs.shape:
                return
            what = f"shape {blob.shape}, the owner's is {theirs.shape} (share_mode: PERMISSIVE compares counts only)"
        raise ShapeError(f"shares param '{spec.name}' with layer '{self._owner_name[spec.name]}', but has {what}")

    def _merge(self, owner: int, what: str, values: list[float], value: float, spec: caffe_pb2.ParamSpec) -> None:
        if not spec.HasField(what):
            return
        if self._has[owner, what] and values[owner] != value:
            raise NetError(
                f"shares param '{spec.name}' with layer '{self._owner_name[spec.name]}', but its {what} is {value:g},"
                f" the owner's {values[owner]:g}; give both the same or leave one out"
            )
        self._has[owner, what] = True
        values[owner] = value
