"""Nets: from a prototxt to layers that run."""

from caffe_nb.net.build import Node
from caffe_nb.net.net import Net, live_nets, on_made

__all__ = ["Net", "Node", "live_nets", "on_made"]
