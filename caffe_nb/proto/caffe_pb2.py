"""Caffe's messages as classes: ``caffe_pb2.NetParameter``, ``caffe_pb2.TRAIN`` and so on, typed in caffe_pb2.pyi.

What protoc writes refuses to run beside a protobuf of another major version, and registers its messages in a pool that
the whole process shares, where two copies of caffe.proto clash. So the classes are made here, from the descriptor
``caffe.desc``, in a pool of our own: protobuf 5, 6 and 7 work alike, and another ``caffe_pb2`` may be loaded beside.
"""

from __future__ import annotations

from importlib.resources import files

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

_pool = descriptor_pool.DescriptorPool()
_pool.AddSerializedFile(files(__package__).joinpath("caffe.desc").read_bytes())

DESCRIPTOR = _pool.FindFileByName("caffe.proto")

for _name, _descriptor in DESCRIPTOR.message_types_by_name.items():
    _class = message_factory.GetMessageClass(_descriptor)
    _class.__module__ = __name__  # pickle finds a class by its module
    globals()[_name] = _class
for _name, _enum in DESCRIPTOR.enum_types_by_name.items():
    globals()[_name] = EnumTypeWrapper(_enum)
    globals().update({_value.name: _value.number for _value in _enum.values})
