"""A gradient check as a pytest file with its values beside it, to be kept until the layer is mended, and after."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from numpy.typing import NDArray

from caffe_nb.check.subject import Subject
from caffe_nb.errors import NetError
from caffe_nb.proto import caffe_pb2

_TEST = '''"""The gradient check of {title}, exported on {day}.

It said: {message}
"""

from pathlib import Path

import numpy as np

from caffe_nb import check_layer

LAYER = (
{layer}
)


def test_the_gradients_of_{name}():
    values = np.load(Path(__file__).with_suffix(".npz"))
    report = check_layer(
        LAYER,
        [{bottoms}],
        params=[{params}],
        tops={tops},
        phase="{phase}",
        propagate_down={flags},
        seed={seed},
    )
    assert report.ok, str(report)
'''


@dataclass(frozen=True)
class Case:
    """What it takes to run a check again.

    Attributes
    ----------
    layer : caffe_pb2.LayerParameter
        The layer's text.
    bottoms, params : list of array
        Their values.
    tops : int
        How many.
    propagate_down : list of bool
        Which bottoms were checked.
    seed : int
        Of the random numbers.
    """

    layer: caffe_pb2.LayerParameter
    bottoms: list[NDArray[Any]]
    params: list[NDArray[Any]]
    tops: int
    phase: str
    propagate_down: list[bool]
    seed: int

    @classmethod
    def of(cls, subject: Subject, values: Sequence[NDArray[Any]], seed: int) -> Case:
        """Return the case of a subject that was checked at these values: bottoms, then parameters."""
        count = len(subject.bottoms)
        param = caffe_pb2.LayerParameter()
        param.CopyFrom(subject.layer.layer_param)
        del param.blobs[:]
        flags = [bool(flag) and i not in subject.skipped for i, flag in enumerate(subject.propagate_down)]
        copies = [value.copy() for value in values]
        phase = str(subject.layer.phase)
        return cls(param, copies[:count], copies[count:], len(subject.tops), phase, flags, seed)


def write(case: Case, title: str, message: str, path: str | os.PathLike[str]) -> Path:
    """Write the test and its values.

    Parameters
    ----------
    case : Case
        The check.
    title, message : str
        Of its report.
    path : path
        A file name like ``test_half.py``; the values go beside it, with the suffix ``.npz``.

    Returns
    -------
    pathlib.Path
        The test's file.

    Raises
    ------
    NetError
        For a layer that stands in a notebook, which a test cannot import, and a file name that is no test's.
    """
    path = Path(path)
    if path.suffix != ".py" or not path.stem.startswith("test_"):
        raise NetError(f"a test's file is called test_NAME.py, got '{path.name}'")
    if case.layer.python_param.module == "__main__":
        raise NetError(
            f"class {case.layer.python_param.layer} stands in a notebook, where a test cannot import it; put it into a"
            " file first (%%writefile my_layers.py)"
        )
    names = {f"bottom_{i}": value for i, value in enumerate(case.bottoms)}
    names |= {f"param_{i}": value for i, value in enumerate(case.params)}
    values = path.with_suffix(".npz")
    beside = values.with_name(f"{values.stem}.part.npz")
    save: Any = np.savez_compressed  # its stub takes the arrays for options
    save(beside, **names)
    beside.replace(values)
    text = _TEST.format(
        title=_plain(title),
        day=time.strftime("%Y-%m-%d"),
        message=_plain(message),
        layer="\n".join(f"    {line + chr(10)!r}" for line in text_format.MessageToString(case.layer).splitlines()),
        name=re.sub(r"\W+", "_", case.layer.name or case.layer.type).strip("_").lower() or "layer",
        bottoms=", ".join(f'values["bottom_{i}"]' for i in range(len(case.bottoms))),
        params=", ".join(f'values["param_{i}"]' for i in range(len(case.params))),
        tops=case.tops,
        phase=case.phase,
        flags=case.propagate_down,
        seed=case.seed,
    )
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
    return path


def _plain(text: str) -> str:
    """Return a text that cannot end a docstring."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())
