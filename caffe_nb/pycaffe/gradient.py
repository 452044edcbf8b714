"""The utility that people pass round to check a Python layer's gradient, on top of our own checker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from caffe_nb.check import GradientReport, check_layer


def test_gradient_for_python_layer(
    input_names_and_values: Sequence[tuple[str, Any]] | Mapping[str, Any],
    output_names: Sequence[str],
    py_module: str,
    py_layer: str,
    param_str: str | None = "",
    propagate_down: Sequence[bool] | None = None,
) -> GradientReport:
    """Check the backward of a Python layer against differences of its forward.

    Parameters
    ----------
    input_names_and_values : sequence of (str, array_like), or dict
        Name and values of each bottom.
    output_names : sequence of str
        Names of the tops.
    py_module, py_layer : str
        Module and class of the layer; the module is looked for in the working directory and on PYTHONPATH.
    param_str : str, default ""
        The layer's parameters.
    propagate_down : sequence of bool, optional
        Which bottoms have a gradient; by default all but labels.

    Returns
    -------
    GradientReport
        Prints as a table.

    Raises
    ------
    AssertionError
        When a gradient is wrong; its text is the report.
    Exception
        What the layer raises, as itself.
    """
    inputs = input_names_and_values
    pairs = list(inputs.items() if isinstance(inputs, Mapping) else inputs)
    report = check_layer(
        f"{py_module}:{py_layer}",
        [np.asarray(values, np.float64) for _, values in pairs],
        tops=len(output_names),
        param_str=param_str or "",
        propagate_down=propagate_down,
    )
    if not report.ok:
        names = ", ".join(f"bottom[{i}] is '{name}'" for i, (name, _) in enumerate(pairs))
        raise AssertionError(f"the gradient of {py_module}.{py_layer} is wrong ({names})\n{report}")
    return report


test_gradient_for_python_layer.__test__ = False  # type: ignore[attr-defined]  # not a test of whoever imports it
