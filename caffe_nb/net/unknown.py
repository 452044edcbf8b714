"""What a net's text has and Caffe does not: types and fields of forks, refused all at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from caffe_nb.core import registry
from caffe_nb.errors import NetError, PrototxtError, did_you_mean, place
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.unknown import UnknownField, several_unknown

NO_TYPE = 'it has no type; write, for example, type: "InnerProduct"'


def refuse_unknown(
    param: caffe_pb2.NetParameter,
    kept: Sequence[int],
    lines: Sequence[int],
    source: str,
    unknown: Sequence[Sequence[UnknownField]],
) -> None:
    """Refuse a net with types that nobody registered, or fields that no layer of the user's own takes.

    Parameters
    ----------
    param : NetParameter
        The net.
    kept : sequence of int
        Its layers that are built; the types of the others do not matter.
    lines : sequence of int
        Line of each layer in the text.
    source : str
        What messages call the text.
    unknown : sequence of sequence of UnknownField
        Of each layer, then those outside of layers; may be empty.

    Raises
    ------
    PrototxtError, NetError
        One error for all of them, with their lines.
    """
    typed = [(index, param.layer[index]) for index in kept if param.layer[index].type]
    types = [(index, layer) for index, layer in typed if not registry.is_known(layer.type)]
    mine = [index for index, layer in enumerate(param.layer) if registry.is_users(layer.type)]
    fields = list(chain.from_iterable(group for index, group in enumerate(unknown) if index not in mine))
    if not types and not fields:
        for index in kept:
            if not param.layer[index].type:
                raise NetError(NO_TYPE, where=place(param.layer[index].name, "", source, lines[index]))
        return
    if len(types) == 1 and not fields:
        index, layer = types[0]
        raise NetError(_advice([layer.type], False), where=place(layer.name, layer.type, source, lines[index]))
    if len(fields) == 1 and not types and fields[0].error:
        raise fields[0].error
    known = registry.layer_types()
    listed = [
        (lines[index], f"layer '{layer.name}' is of the unknown type '{layer.type}'.{did_you_mean(layer.type, known)}")
        for index, layer in types
    ]
    error = several_unknown(fields, listed, source)
    names = list(dict.fromkeys(layer.type for _, layer in types))
    raise PrototxtError(
        f"{error.message}\n{_advice(names, bool(fields))}", where=error.where, line=error.line, column=error.column
    )


def _advice(types: list[str], fields: bool) -> str:
    """Say what to do about types, and what becomes of the fields."""
    if not types:
        return "Take the fields out, or give the layer a type of your own: caffe_nb.register_layer('MyType', YourClass)"
    near = did_you_mean(types[0], registry.layer_types())
    first = f"unknown layer type '{types[0]}'.{near} " if len(types) == 1 and not fields else ""
    calls = ", ".join(f"caffe_nb.register_layer('{name}', YourClass)" for name in types[:3])
    held = "; it gets fields that Caffe does not have as self.extra_params" if fields else ""
    return f"{first}A Python layer of {'that name' if len(types) == 1 else 'each name'} is enough: {calls}{held}"
