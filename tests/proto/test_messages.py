"""The messages are Caffe's on the wire, and ordinary Python objects."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from caffe_nb.proto import caffe_pb2, generate

WIRE = json.loads(Path(__file__).with_name("wire.json").read_text(encoding="utf-8"))
ENGINES = {"MKL2017": 3, "MKLDNN": 4}
FORKS = {
    "BatchNormParameter": {"engine", "filler"},
    "ConcatParameter": {"engine"},
    "DataParameter": {"shuffle"},
    "EltwiseParameter": {"engine"},
    "InnerProductParameter": {"engine"},
    "LayerParameter": {
        "bn_param",
        "box_annotator_ohem_param",
        "detection_output_param",
        "interp_param",
        "norm_param",
        "permute_param",
        "prior_box_param",
        "psroi_pooling_param",
        "reorg_param",
        "roi_pooling_param",
        "shuffle_channel_param",
        "smooth_l1_loss_param",
        "upsample_param",
    },
    "LossParameter": {"pre_fixed_normalizer"},
    "PoolingParameter": {"ceil_mode"},
    "SolverParameter": {"warmup_iter", "warmup_start_lr"},
    "TransformationParameter": {"distort_param", "emit_constraint", "expand_param", "noise_param", "resize_param"},
}
"""The fields of forks that BVLC's messages have here besides their own."""
FORK_MESSAGES = {
    "BNParameter",
    "BoxAnnotatorOHEMParameter",
    "DetectionOutputParameter",
    "DistortionParameter",
    "EmitConstraint",
    "ExpansionParameter",
    "InterpParameter",
    "NoiseParameter",
    "NonMaximumSuppressionParameter",
    "NormalizeParameter",
    "PSROIPoolingParameter",
    "PermuteParameter",
    "PriorBoxParameter",
    "ROIPoolingParameter",
    "ReorgParameter",
    "ResizeParameter",
    "SaltPepperParameter",
    "SaveOutputParameter",
    "ShuffleChannelParameter",
    "SmoothL1LossParameter",
    "UpsampleParameter",
}
TYPES = {
    getattr(FieldDescriptor, name): name.removeprefix("TYPE_").lower()
    for name in vars(FieldDescriptor)
    if name.startswith("TYPE_")
}


def described(field: FieldDescriptor) -> list[object]:
    """A field as wire.json words it: number, label, type, then the default if there is one, and `packed`."""
    label = "optional" if field.has_presence else "repeated"
    if field.containing_type.name == "ClipParameter":
        label = "required"
    kind = field.message_type or field.enum_type
    words: list[object] = [field.number, label, kind.full_name.removeprefix("caffe.") if kind else TYPES[field.type]]
    packed = label == "repeated" and field.GetOptions().packed
    if field.has_default_value:
        default = field.default_value
        words.append(field.enum_type.values_by_number[default].name if field.enum_type else default)
    elif packed:
        words.append(None)
    return [*words, "packed"] if packed else words


def as_float32(words: list[object]) -> list[object]:
    return [float(np.float32(word)) if isinstance(word, float) else word for word in words]


def numbers(enum: EnumDescriptor) -> dict[str, int]:
    return {value.name: value.number for value in enum.values}


def without_forks(enum: EnumDescriptor) -> dict[str, int]:
    added = ENGINES if enum.name == "Engine" else {"PRE_FIXED": 4} if enum.name == "NormalizationMode" else {}
    assert added.items() <= numbers(enum).items()
    return {name: number for name, number in numbers(enum).items() if name not in added}


def test_there_are_exactly_caffes_messages_and_enums_and_those_of_forks() -> None:
    assert set(caffe_pb2.DESCRIPTOR.message_types_by_name) == set(WIRE["messages"]) | FORK_MESSAGES
    assert {name: numbers(enum) for name, enum in caffe_pb2.DESCRIPTOR.enum_types_by_name.items()} == WIRE["enums"]


@pytest.mark.parametrize("name", sorted(WIRE["messages"]))
def test_every_field_is_caffes_in_name_number_type_and_default(name: str) -> None:
    descriptor = caffe_pb2.DESCRIPTOR.message_types_by_name[name]
    expected = WIRE["messages"][name]
    fields = {field.name: as_float32(described(field)) for field in descriptor.fields}
    added = {field: fields.pop(field) for field in FORKS.get(name, ())}
    assert fields == {field: as_float32(words) for field, words in expected["fields"].items()}
    assert not {words[0] for words in added.values()} & {words[0] for words in fields.values()}
    assert {enum.name: without_forks(enum) for enum in descriptor.enum_types} == expected.get("enums", {})
    assert not descriptor.nested_types


def test_a_required_field_is_reported_when_it_is_missing() -> None:
    layer = caffe_pb2.LayerParameter()
    layer.clip_param.min = 0
    assert not layer.IsInitialized()
    layer.clip_param.max = 1
    assert layer.IsInitialized()


def test_the_phases_are_names_of_the_module() -> None:
    assert (caffe_pb2.TRAIN, caffe_pb2.TEST) == (0, 1)
    assert caffe_pb2.Phase.Name(caffe_pb2.TEST) == "TEST"
    assert caffe_pb2.PoolingParameter.AVE == caffe_pb2.PoolingParameter.PoolMethod.Value("AVE") == 1


def test_messages_pickle_and_copy() -> None:
    net = caffe_pb2.NetParameter(name="n", layer=[caffe_pb2.LayerParameter(name="a", top=["x"])])
    for twin in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert twin == net
        assert type(twin) is caffe_pb2.NetParameter
        twin.layer[0].name = "b"
        assert net.layer[0].name == "a"


def test_another_caffe_in_the_same_process_does_not_clash() -> None:
    code = """
from google.protobuf import descriptor_pb2, descriptor_pool
other = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe")
other.message_type.add(name="NetParameter")
descriptor_pool.Default().AddSerializedFile(other.SerializeToString())
from caffe_nb.proto import caffe_pb2
assert "layer" in caffe_pb2.NetParameter.DESCRIPTOR.fields_by_name
assert not descriptor_pool.Default().FindMessageTypeByName("caffe.NetParameter").fields
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_generated_files_were_made_from_caffe_proto_as_it_is() -> None:
    stub = (generate.HERE / "caffe_pb2.pyi").read_text(encoding="utf-8")
    assert stub.startswith(generate.source_line()), "stale: run `python -m caffe_nb.proto.generate`"


def test_the_descriptor_is_what_protoc_makes_of_caffe_proto() -> None:
    pytest.importorskip("grpc_tools", reason="protoc comes with grpcio-tools")
    assert (generate.HERE / "caffe.desc").read_bytes() == generate.build()["caffe.desc"], (
        "stale: run `python -m caffe_nb.proto.generate`"
    )
