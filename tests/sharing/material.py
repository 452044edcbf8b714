"""Nets to share, and names that nobody should have given."""

from caffe_nb.net import Net
from caffe_nb.solvers import Solver

NET = """name: "little"
layer { name: "data" type: "DummyData" top: "data" top: "target" dummy_data_param {
  shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 } data_filler { type: "gaussian" } data_filler { type: "gaussian" } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param {
  num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "ip" top: "ip" }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "target" top: "loss" }
"""

HOSTILE = {
    "image": "<img src=x onerror=alert(1)>",
    "script": "</script><script>alert(1)</script>",
    "comment": "--><svg onload=alert(1)>",
    "attribute": "' onmouseover='alert(1)",
    "quotes": "\"double\" and 'single'",
    "emoji": "🦊🏳️‍🌈 👩‍👩‍👧‍👦",
    "long": "x" * 5000,
    "entity": "&lt;b&gt; &amp;",
    "template": "${alert(1)} {{alert(1)}}",
}


def solver() -> Solver:
    """Return a solver of the little net."""
    return Solver.from_text(f'base_lr: 0.01 lr_policy: "fixed" max_iter: 100 net_param {{ {NET} }}')


def named(name: str) -> Net:
    """Return a net in which everything has this name."""
    return Net.from_text(net_text(name))


def net_text(name: str) -> str:
    """Return the text of a net in which everything has this name."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f"""name: "{quoted}"
        layer {{ name: "{quoted}" type: "Input" top: "{quoted}" input_param {{ shape {{ dim: 2 dim: 2 }} }} }}
        layer {{ name: "{quoted}" type: "ReLU" bottom: "{quoted}" top: "{quoted}" }}"""
