"""Write docs/layers.md: every layer type with its family, its status and its deviations from Caffe.

All of it comes from the registry, the classes' docstrings (first line, and the section "Deviations") and the stored
numbers of Caffe. Usage: python tools/layer_docs.py [FILE]
"""

from __future__ import annotations

import inspect
import re
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np

import caffe_nb.layers  # noqa: F401  (makes the layer types known)
from caffe_nb.core import registry
from caffe_nb.core.layer import Layer
from caffe_nb.layers.utility import python

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "layers.md"
GOLDEN = ROOT / "tests" / "golden"

CAFFE: list[str] = re.findall(
    r"\w+",
    """
AbsVal Accuracy ArgMax BNLL BatchNorm BatchReindex Bias Clip Concat ContrastiveLoss Convolution Crop Data Deconvolution
Dropout DummyData ELU Eltwise Embed EuclideanLoss Exp Filter Flatten HDF5Data HDF5Output HingeLoss Im2col ImageData
InfogainLoss InnerProduct Input LRN LSTM LSTMUnit Log MVN MemoryData MultinomialLogisticLoss PReLU Parameter Pooling
Power Python RNN ReLU Reduction Reshape SPP Scale Sigmoid SigmoidCrossEntropyLoss Silence Slice Softmax SoftmaxWithLoss
Split Swish TanH Threshold Tile WindowData
""",
)
"""The types of BVLC Caffe."""

MADE_BY = {"Python": python}
"""The modules of types whose class the net's text decides."""

HEAD = """# Layer types

Every type of BVLC Caffe and of this registry. Made by `tools/layer_docs.py` from the registry and the docstrings; a
test fails when this page is stale. Do not edit it: edit the docstring, then run `python tools/layer_docs.py`.

The families are the folders of `caffe_nb/layers`. Status:

- **equal**: gives the numbers that BVLC Caffe gave in the stored cases (tests/golden), float32 within 2e-4.
- **tested**: has its row in the table of tests (forward, gradient against differences, reshape), or tests of its own;
  the stored cases have none of it, as it reads files, draws random numbers or computes nothing.
- **ours**: not a type of BVLC Caffe.
- **missing**: a type of BVLC Caffe that is not there yet.

What holds for all types: a refusal is an exception with the layer's name and line, where Caffe ends the process; a type
that cannot work in place refuses to, where Caffe computes wrong values.

| type | family | status | what it does | deviations from Caffe |
| --- | --- | --- | --- | --- |
"""


def page() -> str:
    """Return the whole page."""
    return HEAD + "".join(row(name) for name in sorted({*CAFFE, *registry.layer_types()}, key=str.lower))


def row(name: str) -> str:
    """Return the line of one type."""
    if name not in registry.layer_types():
        return f"| {name} | | missing | | |\n"
    found = source(name)
    doc = inspect.getdoc(found) or ""
    module = found.__module__ if inspect.isclass(found) else found.__name__
    family = module.split(".")[2]
    first = re.sub(rf" \(Caffe's {name}\)", "", " ".join(doc.split("\n\n")[0].split()))
    return f"| {name} | {family} | {status(name)} | {cell(first)} | {cell(section(doc, 'Deviations'))} |\n"


def source(name: str) -> type[Layer] | ModuleType:
    """Return what has the docstring of a type: its class, or the module of the factory that makes it."""
    return registry.layer_class(name) or MADE_BY[name]


def status(name: str) -> str:
    """Return the status of a registered type."""
    if name not in CAFFE:
        return "ours"
    return "equal" if golden_types()[name] else "tested"


@cache
def golden_types() -> Counter[str]:
    """Return how many stored cases each type has: a case's last layer is what it is about."""
    types: Counter[str] = Counter()
    for path in (GOLDEN / "layers").glob("*.npz"):
        with np.load(path, allow_pickle=False) as case:
            types[_last_type(str(case["prototxt"]))] += 1
    for path in (GOLDEN / "files").glob("data_*.prototxt"):
        types[_last_type(path.read_text(encoding="utf-8"))] += 1
    return types


def _last_type(text: str) -> str:
    types: list[str] = re.findall(r'\btype: "(\w+)"', text)
    return types[-1]


def section(doc: str, title: str) -> str:
    """Return the text of a docstring's section, without its line ends."""
    match = re.search(rf"^{title}\n-+\n(.*?)(?=\n\n\w+\n-+\n|\Z)", doc, re.DOTALL | re.MULTILINE)
    return " ".join(match.group(1).split()) if match else ""


def cell(text: str) -> str:
    """Return a text for a cell of a Markdown table."""
    return text.replace("``", "`").replace("|", "\\|").strip()


def main() -> None:
    """Write the page."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    path.parent.mkdir(exist_ok=True)
    path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
