"""Nets written in Python: `L.Convolution(bottom, num_output=8)` makes layers, `NetSpec` names their tops.

The names and their meaning are those of pycaffe's `caffe.net_spec`.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

import numpy as np
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from caffe_nb.core.registry import layer_types
from caffe_nb.errors import CaffeError, did_you_mean, listing
from caffe_nb.proto import caffe_pb2

_LAYER = caffe_pb2.LayerParameter.DESCRIPTOR


class SpecError(CaffeError, TypeError, AttributeError):
    """A layer or a parameter that a specification cannot have."""


def _block(field: Any) -> Descriptor:
    block: Descriptor = field.message_type
    return block


@cache
def param_name_dict() -> dict[str, str]:
    """Return the field of LayerParameter that takes a type's parameters, without ``_param``, by the type's name.

    Returns
    -------
    dict of str to str
        Such as ``{"Convolution": "convolution", "InnerProduct": "inner_product"}``.
    """
    fields = [field for field in _LAYER.fields if field.name.endswith("_param") and field.message_type is not None]
    return {_block(field).name.removesuffix("Parameter"): field.name.removesuffix("_param") for field in fields}


def to_proto(*tops: Top) -> caffe_pb2.NetParameter:
    """Return the net of all layers that the given tops need; names are made up from the layers' types.

    Parameters
    ----------
    *tops : Top
        What the net shall compute.
    """
    layers: Layered = OrderedDict()
    autonames: Counter[str] = Counter()
    for top in tops:
        top.fn._to_proto(layers, {}, autonames)
    return caffe_pb2.NetParameter(layer=list(layers.values()))


def assign_proto(proto: Message, name: str, val: Any) -> None:
    """Put a Python value into a field of a message.

    Parameters
    ----------
    proto : Message
        The message to change.
    name : str
        Its field.
    val : object
        A value; a list for a repeated field; a dict for a block, a list of dicts for a repeated one. A single value
        for a repeated field is a list of one.

    Raises
    ------
    SpecError
        For a field that the message does not have, or a value that the field does not take.
    """
    kind: Descriptor = proto.DESCRIPTOR  # type: ignore[assignment]
    field = kind.fields_by_name.get(name)
    block = "a layer" if kind is _LAYER else kind.name
    if field is None:
        known = [each.name for each in kind.fields]
        raise SpecError(f"{block} has no field '{name}'.{did_you_mean(name, known)} It has: {listing(known)}")
    values = _values(field, val)
    try:
        if field.message_type is not None:
            for value in values:
                _fill(getattr(proto, name).add() if field.is_repeated else getattr(proto, name), value, name)
        elif field.is_repeated:
            getattr(proto, name).extend(values)
        else:
            setattr(proto, name, _plain(field, values[0]))
    except (TypeError, ValueError, AttributeError) as error:
        if isinstance(error, SpecError):
            raise
        raise SpecError(f"{val!r} is no value for '{name}' of {block}: {error}") from None


def _values(field: FieldDescriptor, val: Any) -> list[Any]:
    if not field.is_repeated:
        return [val]
    several = isinstance(val, (Sequence, np.ndarray)) and not isinstance(val, (str, bytes))
    if not several:
        return [val if field.message_type is not None else _plain(field, val)]
    return [item if field.message_type is not None else _plain(field, item) for item in val]


def _plain(field: FieldDescriptor, value: Any) -> Any:
    """Return a value as protobuf takes it: enum members by name or number, NumPy's scalars as Python's."""
    value = value.item() if hasattr(value, "item") and not isinstance(value, type) else value
    if field.enum_type is not None and isinstance(value, str):
        known = field.enum_type.values_by_name
        if value not in known:
            raise SpecError(f"'{field.name}' takes one of {listing(known)}, not '{value}'.{did_you_mean(value, known)}")
        return known[value].number
    return value


def _fill(message: Message, value: Any, name: str) -> None:
    if isinstance(value, Message):
        message.CopyFrom(value)
        return
    if not isinstance(value, Mapping):
        raise SpecError(f"'{name}' is a block: give it a dict, not {value!r}")
    message.SetInParent()
    for key, item in value.items():
        assign_proto(message, key, item)


class Top:
    """One of the tops of a layer that is being specified.

    Parameters
    ----------
    fn : Function
        The layer.
    n : int
        Which of its tops, from 0.
    """

    def __init__(self, fn: Function, n: int) -> None:
        self.fn = fn
        self.n = n

    def to_proto(self) -> caffe_pb2.NetParameter:
        """Return the net of all layers that this top needs."""
        return to_proto(self)

    def _to_proto(self, layers: Layered, names: Names, autonames: Counter[str]) -> None:
        self.fn._to_proto(layers, names, autonames)


class Function:
    """A layer that is being specified: its type, its inputs and its parameters.

    Parameters
    ----------
    type_name : str
        Caffe's type.
    inputs : sequence of Top
        The bottoms.
    params : dict
        Fields of the layer or of the type's own block; ``ntop`` (1), ``name``, ``in_place`` (False) are ours to read.

    Raises
    ------
    SpecError
        When an input is not a top, or an in-place layer has other than one top.
    """

    def __init__(self, type_name: str, inputs: Sequence[Any], params: Mapping[str, Any]) -> None:
        self.type_name = type_name
        self.inputs = inputs
        self.params: dict[str, Any] = dict(params)
        self.ntop: int = self.params.pop("ntop", 1)
        for index, given in enumerate(inputs):
            if not isinstance(given, Top):
                hint = (
                    " It has several tops: name them, as in `a, b = L.Slice(...)`." if isinstance(given, tuple) else ""
                )
                raise SpecError(
                    f"input {index} of {type_name} is {type(given).__name__}, not a top (what `L.{type_name}(...)` "
                    f"returns).{hint}"
                )
        self.in_place: bool = self.params.pop("in_place", False)
        if self.in_place and (self.ntop != 1 or not inputs):
            raise SpecError(f"an in_place {type_name} has one top and at least one bottom, not ntop={self.ntop}")
        self.tops = tuple(Top(self, n) for n in range(self.ntop))

    def _get_name(self, names: Names, autonames: Counter[str]) -> str:
        if self not in names:
            names[self] = (
                self._get_top_name(self.tops[0], names, autonames)
                if self.ntop
                else _autoname(self.type_name, autonames)
            )
        return names[self]

    def _get_top_name(self, top: Top, names: Names, autonames: Counter[str]) -> str:
        if top not in names:
            names[top] = _autoname(top.fn.type_name, autonames)
        return names[top]

    def _to_proto(self, layers: Layered, names: Names, autonames: Counter[str]) -> None:
        if self in layers:
            return
        layer = caffe_pb2.LayerParameter(type=self.type_name)
        for given in self.inputs:
            given._to_proto(layers, names, autonames)
            layer.bottom.append(layers[given.fn].top[given.n])
        if self.in_place:
            layer.top.append(layer.bottom[0])
        else:
            layer.top.extend(self._get_top_name(top, names, autonames) for top in self.tops)
        layer.name = self._get_name(names, autonames)
        for name, value in self.params.items():
            self._assign(layer, name, value)
        layers[self] = layer

    def _assign(self, layer: caffe_pb2.LayerParameter, name: str, value: Any) -> None:
        """Put a parameter into the type's own block where that has such a field, else into the layer."""
        own = param_name_dict().get(self.type_name, "") + "_param"
        field = _LAYER.fields_by_name.get(own)
        fields = [] if field is None else [each.name for each in _block(field).fields]
        if not name.endswith("param") and name in fields:
            assign_proto(getattr(layer, own), name, value)
        elif name in _LAYER.fields_by_name:
            assign_proto(layer, name, value)
        else:
            if field is None and self.type_name not in layer_types():
                known = did_you_mean(self.type_name, layer_types())
                raise SpecError(f"no layer type is called '{self.type_name}'.{known}")
            has = f" It has: {listing(fields)}." if fields else ""
            raise SpecError(f"{self.type_name} has no parameter '{name}'.{did_you_mean(name, fields)}{has}")


Names = dict[Top | Function, str]
Layered = OrderedDict[Function, caffe_pb2.LayerParameter]


def _autoname(type_name: str, autonames: Counter[str]) -> str:
    autonames[type_name] += 1
    return f"{type_name}{autonames[type_name]}"


class NetSpec:
    """A net being written: tops given to it as attributes (or items) get their names from there.

    Examples
    --------
    >>> n = NetSpec()
    >>> n.data = layers.Input(shape=dict(dim=[1, 3, 8, 8]))
    >>> n.conv = layers.Convolution(n.data, kernel_size=3, num_output=4)
    >>> [layer.name for layer in n.to_proto().layer]
    ['data', 'conv']
    """

    tops: OrderedDict[str, Top | Function]

    def __init__(self) -> None:
        super().__setattr__("tops", OrderedDict())

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(value, (Top, Function)):
            hint = f" Name each: `n.a, n.b = ...`; there are {len(value)}." if isinstance(value, tuple) else ""
            raise SpecError(f"'{name}' is given {type(value).__name__}, not a top (what `L.Type(...)` returns).{hint}")
        self.tops[name] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self.tops[name]
        except KeyError:
            raise AttributeError(f"this NetSpec has no top '{name}'.{did_you_mean(name, self.tops)}") from None

    def __delattr__(self, name: str) -> None:
        getattr(self, name)
        del self.tops[name]

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self, key, value)

    def __getitem__(self, item: str) -> Any:
        return getattr(self, item)

    def __delitem__(self, name: str) -> None:
        delattr(self, name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.tops]

    def to_proto(self) -> caffe_pb2.NetParameter:
        """Return the net: the layers of all named tops, and those that they need, in the order of naming."""
        names: Names = {}
        for name, top in self.tops.items():
            names.setdefault(top, name)
        made: Layered = OrderedDict()
        autonames: Counter[str] = Counter()
        for top in self.tops.values():
            top._to_proto(made, names, autonames)
        return caffe_pb2.NetParameter(layer=list(made.values()))


class Layers:
    """`L`: every attribute is a function that specifies a layer of that type.

    ``L.Convolution(bottom, num_output=8)`` returns its top; with ``ntop=n`` a tuple of tops, with ``ntop=0`` the layer.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def layer_fn(*args: Top, **kwargs: Any) -> Top | Function | tuple[Top, ...]:
            fn = Function(name, args, kwargs)
            return fn if fn.ntop == 0 else fn.tops[0] if fn.ntop == 1 else fn.tops

        layer_fn.__name__ = name
        return layer_fn

    def __dir__(self) -> list[str]:
        return layer_types()


class Parameters:
    """`P`: the enumerations of the types' parameters, as in ``P.Pooling.MAX`` or ``P.Data.LMDB``."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(caffe_pb2, f"{name}Parameter", None)
        if found is None:
            known = [each.removesuffix("Parameter") for each in caffe_pb2.DESCRIPTOR.message_types_by_name]
            raise AttributeError(f"Caffe has no parameters of a type '{name}'.{did_you_mean(name, known)}")
        return Values(found)

    def __dir__(self) -> list[str]:
        return sorted(param_name_dict())


class Values:
    """The names that one type's parameters have for their values, as in ``MAX`` of ``P.Pooling.MAX``.

    Parameters
    ----------
    message : type
        The class of the parameters' message.
    """

    def __init__(self, message: type[Message]) -> None:
        self._message = message

    def __getattr__(self, name: str) -> Any:
        if hasattr(self._message, name):
            return getattr(self._message, name)
        known = dir(self)
        raise AttributeError(
            f"Caffe's {self._message.__name__} has no '{name}'.{did_you_mean(name, known)} It has: "
            f"{listing(known) or 'no names for values'}"
        )

    def __dir__(self) -> list[str]:
        return sorted(cast(Any, self._message.DESCRIPTOR).enum_values_by_name)


layers = Layers()
params = Parameters()
