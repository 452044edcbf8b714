"""Make caffe.desc and caffe_pb2.pyi from caffe.proto: ``python -m caffe_nb.proto.generate``.

Needs grpcio-tools, which only people who change caffe.proto need.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2

HERE = Path(__file__).parent


def build() -> dict[str, bytes]:
    """Compile caffe.proto.

    Returns
    -------
    dict of str to bytes
        The contents of caffe.desc and caffe_pb2.pyi by file name.

    Raises
    ------
    RuntimeError
        When protoc refuses caffe.proto; its own words are on stderr.
    """
    protoc: Any = importlib.import_module("grpc_tools.protoc")  # has no types

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        described = out / "set.desc"
        # protoc names its outputs by the path it is given, so it is given the bare name.
        arguments = ["protoc", f"-I{HERE}", f"--descriptor_set_out={described}", f"--pyi_out={out}", "caffe.proto"]
        if protoc.main(arguments):
            raise RuntimeError("protoc refused caffe_nb/proto/caffe.proto; see its message above")
        stub = (out / "caffe_pb2.pyi").read_bytes()
        descriptors = descriptor_pb2.FileDescriptorSet.FromString(described.read_bytes())
    file = descriptors.file[0]
    for message in file.message_type:
        for field in message.field:
            field.ClearField("json_name")  # derived, and not written by every protoc
    return {"caffe.desc": file.SerializeToString(deterministic=True), "caffe_pb2.pyi": source_line().encode() + stub}


def source_line() -> str:
    """Return the first line of caffe_pb2.pyi, which names the caffe.proto that it was made from by its SHA-256."""
    text = (HERE / "caffe.proto").read_text(encoding="utf-8")
    return f"# Made by caffe_nb.proto.generate from caffe.proto {hashlib.sha256(text.encode()).hexdigest()}\n"


def main() -> int:
    """Write the outputs beside caffe.proto and say which changed."""
    for name, content in build().items():
        path = HERE / name
        changed = not path.exists() or path.read_bytes() != content
        if changed:
            beside = path.with_name(f".{name}.new")
            beside.write_bytes(content)
            beside.replace(path)
        print(f"{path.name}: {'written' if changed else 'up to date'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
