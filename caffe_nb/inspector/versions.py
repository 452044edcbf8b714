"""The versions of a Python layer's code, for the panel: listed, compared, gone back to."""

from __future__ import annotations

import time

from caffe_nb import live
from caffe_nb.errors import NetError
from caffe_nb.inspector import messages, pieces
from caffe_nb.inspector.describe import find_net, find_node
from caffe_nb.net.build import Node

Request = messages.GetVersions | messages.CompareVersions | messages.RollBack


def answer(request: Request) -> messages.Versions | messages.Difference:
    """Answer a request about versions.

    Raises
    ------
    NetError
        For a built-in layer, for a version that is not there, and where the nets stay busy.
    """
    node = find_node(find_net(request.net), request.layer)
    if not node.is_python:
        raise NetError(f"{node.where} is built in; only Python layers have versions")
    if isinstance(request, messages.CompareVersions):
        numbers = {version.number: version for version in live.versions(node.layer)}
        missing = [f"v{number}" for number in (request.old, request.new) if number not in numbers]
        if missing:
            raise NetError(f"{type(node.layer).__qualname__} has no version {missing[0]} any more")
        text = live.diff(numbers[request.old], numbers[request.new])
        return messages.Difference(old=request.old, new=request.new, text=text)
    if isinstance(request, messages.RollBack):
        swap = live.roll_back(node.layer, request.version)
        if not swap.ok:
            raise NetError(swap.message)
    return _versions(request.net, node)


def _versions(net: str, node: Node) -> messages.Versions:
    known, now = live.versions(node.layer), time.time()
    infos = [
        pieces.VersionInfo(number=v.number, what=v.what, seconds=max(0.0, now - v.when), same=v.same_code(known[-1]))
        for v in known
    ]
    return messages.Versions(net=net, layer=node.index, versions=infos)
