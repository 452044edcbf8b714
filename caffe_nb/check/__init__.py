"""Gradient checks: `backward` against central differences, of a layer alone or of a live net's layers."""

from __future__ import annotations

from caffe_nb.check.gradient import check_layer, check_net, check_node, listeners
from caffe_nb.check.report import GradientReport, GradientRow

__all__ = ["GradientReport", "GradientRow", "check_layer", "check_net", "check_node", "listeners"]
