"""What must hold for every text, net and array, by hypothesis."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from google.protobuf import text_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from caffe_nb.errors import CaffeError, FormatError, PrototxtError
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.binary import array_to_blob, blob_to_array
from caffe_nb.proto.explain import explain
from caffe_nb.proto.text import parse_net, parse_solver, to_text

# A busy machine is no fault of the code.
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Fields which reading changes: older forms.
OLD = {"layers", "input", "input_dim", "input_shape", "solver_type"}
CPP = FieldDescriptor
SCALARS = {
    CPP.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    CPP.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    CPP.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
    CPP.CPPTYPE_FLOAT: st.floats(width=32, allow_nan=False),
    CPP.CPPTYPE_DOUBLE: st.floats(allow_nan=False),
    CPP.CPPTYPE_BOOL: st.booleans(),
    CPP.CPPTYPE_STRING: st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
}


@functools.cache
def contents(descriptor: Descriptor) -> st.SearchStrategy[dict[str, object]]:
    """Some fields of a message, as its constructor takes them."""
    fields = [field for field in descriptor.fields if field.name not in OLD]

    def value(field: FieldDescriptor) -> st.SearchStrategy[object]:
        if field.message_type:
            one: st.SearchStrategy[object] = st.deferred(lambda: contents(field.message_type))
        elif field.enum_type:
            one = st.sampled_from([each.number for each in field.enum_type.values])
        else:
            one = SCALARS[field.cpp_type]
        return one if field.has_presence else st.lists(one, max_size=3)

    needed = {"min": st.just(0.0), "max": st.just(1.0)} if descriptor.name == "ClipParameter" else {}
    by_name = {field.name: field for field in fields}
    chosen = st.lists(st.sampled_from(sorted(by_name)), max_size=4, unique=True)
    return chosen.flatmap(
        lambda names: st.fixed_dictionaries({**{name: value(by_name[name]) for name in names}, **needed})
    )


nets = contents(caffe_pb2.NetParameter.DESCRIPTOR).map(lambda fields: caffe_pb2.NetParameter(**fields))
solvers = contents(caffe_pb2.SolverParameter.DESCRIPTOR).map(lambda fields: caffe_pb2.SolverParameter(**fields))


@relaxed
@given(nets)
def test_a_net_comes_back_from_its_text(net: caffe_pb2.NetParameter) -> None:
    source = parse_net(to_text(net))
    assert source.param == net
    assert len(source.lines) == len(net.layer)
    lines = to_text(net).split("\n")
    assert all(lines[line - 1] == "layer {" for line in source.lines)


@relaxed
@given(solvers)
def test_a_solver_comes_back_from_its_text(solver: caffe_pb2.SolverParameter) -> None:
    source = parse_solver(to_text(solver))
    assert source.param == solver
    assert [len(net.lines) for net in source.nets.get("test_net_param", [])] == [
        len(net.layer) for net in solver.test_net_param
    ]


@relaxed
@given(nets, st.booleans(), st.booleans(), st.booleans())
def test_the_explainer_finds_no_fault_where_the_parser_finds_none(
    net: caffe_pb2.NetParameter, pointy: bool, lists: bool, one_line: bool
) -> None:
    text = text_format.MessageToString(
        net, pointy_brackets=pointy, use_short_repeated_primitives=lists, as_one_line=one_line
    )
    error = explain(text, net.DESCRIPTOR, "n", text_format.ParseError("the parser's words"))
    assert str(error) == "n: the parser's words"
    assert len(parse_net(text).lines) == len(net.layer)


WORDS = r"""layer layers name { } < > [ ] : , ; "a" 'b " 1 -1 1.5f MAX input input_dim pooling_param pool clip_param min
param # true net_param \ x/y [a.b/c] 0x 007 nan"""
TOKENS = [*WORDS.split(), "\n", "\r", "\t", "\ud800", "\x00"]


def error_of(parse: Callable[[str, str], object], text: str) -> CaffeError | None:
    try:
        parse(text, "n")
    except CaffeError as error:
        return error
    return None


@settings(relaxed, max_examples=400)
@given(st.one_of(st.text(), st.lists(st.sampled_from(TOKENS), max_size=25).map(" ".join)))
@example("layer 'b \ud800 layer")
def test_any_text_is_a_net_or_an_error_with_a_place(text: str) -> None:
    for parse in (parse_net, parse_solver):
        error = error_of(parse, text)
        if isinstance(error, FormatError):  # older forms
            assert "layers" in text or "input" in text
            assert error.where.startswith("line ")
        elif error:
            assert isinstance(error, PrototxtError)
            assert error.line >= 1
            assert error.where.endswith(" of n")


@relaxed
@given(nets, st.data())
def test_a_text_with_a_hole_is_a_net_or_an_error(net: caffe_pb2.NetParameter, data: st.DataObject) -> None:
    text = to_text(net)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 10)))
    error = error_of(parse_net, text[:start] + text[end:])
    assert error is None or isinstance(error, FormatError) or (isinstance(error, PrototxtError) and error.line >= 1)


arrays = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.float16]),
    hnp.array_shapes(min_dims=0, max_dims=6, min_side=0, max_side=4),
)


@relaxed
@given(arrays)
def test_an_array_comes_back_from_its_message(array: np.ndarray) -> None:
    expected = array if array.dtype == np.float64 else array.astype(np.float32)
    again = blob_to_array(caffe_pb2.BlobProto.FromString(array_to_blob(array).SerializeToString()))
    assert again.dtype == (expected.dtype if array.size else again.dtype)
    assert again.shape == array.shape
    np.testing.assert_array_equal(again, expected)
