"""The table that drives every layer type: one row a way of using a type, by family in rows/.

A new type needs a row, or test_every_type_has_a_row fails; a new family needs its line here.
"""

from __future__ import annotations

from tests.layers.case import Case
from tests.layers.rows import (
    activation,
    class_loss,
    common,
    contrib_detection,
    contrib_loss,
    contrib_vision,
    data,
    loss,
    normalization,
    recurrent,
    utility,
    vision,
)

CASES: list[Case] = [
    *activation.ROWS,
    *class_loss.ROWS,
    *common.ROWS,
    *contrib_detection.ROWS,
    *contrib_loss.ROWS,
    *contrib_vision.ROWS,
    *data.ROWS,
    *loss.ROWS,
    *normalization.ROWS,
    *recurrent.ROWS,
    *utility.ROWS,
    *vision.ROWS,
]

EXEMPT = {
    "Python": "its layers are users' classes; tests/layers/test_python.py and tests/reload have them",
}
"""Types without a row, and why."""
