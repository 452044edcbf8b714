"""Gradient checks: `backward` against central differences, of a layer alone or of a live net's layers."""

from __future__ import annotations

from caffe_nb.check.findings import Finding
from caffe_nb.check.gradient import check_layer, check_net, check_node, listeners
from caffe_nb.check.report import GradientReport, GradientRow
from caffe_nb.check.watch import ContractError, strict

__all__ = [
    "ContractError",
    "Finding",
    "GradientReport",
    "GradientRow",
    "check_layer",
    "check_net",
    "check_node",
    "listeners",
    "strict",
]
