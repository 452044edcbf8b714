"""What changed in the world: the original error arrives, with one line that names the construct and its place."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from caffe_nb.layers import changes
from caffe_nb.net import Net

NET = """layer {{ name: "d" type: "DummyData" top: "d" dummy_data_param {{ shape {{ dim: 2 dim: 4 }} }} }}
layer {{ name: "mine" type: "Python" bottom: "d" top: "out" python_param {{ module: "{module}" layer: "Old" }} }}
"""
LAYER = """import caffe
{head}
class Old(caffe.Layer):
    def setup(self, bottom, top):
        {setup}

    def forward(self, bottom, top):
        {forward}
"""
MODERNIZE = "`caffe modernize old.py` shows the change, --write makes it"


@pytest.fixture(autouse=True)
def forget_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield
    linecache.clearcache()
    for key in set(sys.modules) - before:
        if str(getattr(sys.modules[key], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[key]


def failure(
    folder: Path, *, head: str = "", setup: str = "pass", forward: str = "pass", module: str = "old"
) -> Exception:
    """Return what a net with this layer raises when it is built and run."""
    (folder / "old.py").write_text(LAYER.format(head=head, setup=setup, forward=forward), encoding="utf-8")
    with pytest.raises(Exception) as caught:  # noqa: PT011
        Net.from_text(NET.format(module=module), folder=folder).forward()
    return caught.value


def note(error: Exception) -> str:
    """Return the note about the change; there is one at most."""
    notes = [n for n in getattr(error, "__notes__", ()) if n.startswith(("old.py, line", "inner.py, line"))]
    assert len(notes) == 1, (error, getattr(error, "__notes__", ()))
    return str(notes[0])


@pytest.mark.filterwarnings("ignore:In the future:FutureWarning")  # NumPy's own, of np.object
@pytest.mark.parametrize(
    ("line", "kind", "says"),
    [
        ('print "a", self', SyntaxError, "`print` is a function in Python 3"),
        ('exec "x = 1"', SyntaxError, "`exec` is a function in Python 3"),
        ('raise ValueError, "text"', SyntaxError, "write `raise Error(text)`"),
        ("a = 1 <> 2", SyntaxError, "`<>` is `!=` in Python 3"),
        ("a = `1`", SyntaxError, "backticks are `repr(...)` in Python 3"),
        ("a = 0777", SyntaxError, "octal numbers are written 0o17 in Python 3"),
        ("a = 10L", SyntaxError, "whole numbers have no `L` in Python 3"),
        ("a = ur'a'", SyntaxError, "`ur''` does not exist in Python 3: write `r''`"),
        ("a = lambda (x, y): x", SyntaxError, "parameters are not unpacked in Python 3"),
        ("for i in xrange(2): pass", NameError, "`xrange` does not exist in Python 3"),
        ("a = unicode(1)", NameError, "`unicode` does not exist in Python 3"),
        ("a = isinstance(1, basestring)", NameError, "`basestring` does not exist in Python 3"),
        ("a = raw_input()", NameError, "`raw_input` does not exist in Python 3"),
        ("a = long(1)", NameError, "`long` does not exist in Python 3"),
        ("a = reduce(max, [1])", NameError, "`reduce` does not exist in Python 3"),
        ("a = {}.iteritems()", AttributeError, "dictionaries have no `iteritems` in Python 3"),
        ("a = {}.has_key(1)", AttributeError, "dictionaries have no `has_key` in Python 3"),
        ("import collections; collections.OrderedDict().itervalues()", AttributeError, "dictionaries have no `iterv"),
        ("import cPickle", ImportError, "the module `cPickle` has another name in Python 3"),
        ("from Queue import Queue", ImportError, "the module `Queue` has another name in Python 3"),
        ("import ConfigParser", ImportError, "the module `ConfigParser` has another name in Python 3"),
        ("import urllib2", ImportError, "the module `urllib2` has another name in Python 3"),
        ("import sys; print >>sys.stderr, 1", TypeError, "`print >>file` is `print(..., file=file)` now"),
        ("import itertools; itertools.izip()", AttributeError, "`itertools.izip` does not exist in Python 3"),
        ("import sys; sys.maxint", AttributeError, "`sys.maxint` does not exist in Python 3"),
        ("import numpy as np; np.zeros(1, np.float)", AttributeError, "NumPy has dropped `np.float`: write `float`"),
        ("import numpy as np; np.zeros(1).astype(np.int)", AttributeError, "NumPy has dropped `np.int`: write `int`"),
        ("import numpy as np; np.object", AttributeError, "NumPy has dropped `np.object`: write `object`"),
        ("import numpy as np; np.product([1])", AttributeError, "NumPy has dropped `np.product`: write `np.prod`"),
        ("import yaml; yaml.load('a: 1')", TypeError, "PyYAML 6 asks `yaml.load` for a loader: write `yaml.safe_load"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:In the future `np:FutureWarning")  # NumPy says so before it raises
def test_what_modernize_mends(tmp_path: Path, line: str, kind: type[Exception], says: str) -> None:
    error = failure(tmp_path, forward=line)
    assert isinstance(error, kind)
    assert note(error).startswith(f"old.py, line 8: {says}")
    assert note(error).endswith(MODERNIZE)
    from caffe_nb.cli.python3 import modernized

    text = (tmp_path / "old.py").read_text()
    assert modernized(text, "old.py") != text  # the note promises no more than there is


@pytest.mark.parametrize(
    ("line", "kind", "says"),
    [
        ("map(str, [1])[0]", TypeError, "`map`, `filter`, `zip` and a dictionary's `keys` give no lists"),
        ("len(zip([1], [2]))", TypeError, "`map`, `filter`, `zip` and a dictionary's `keys` give no lists"),
        ("k = {}.keys(); k.sort()", AttributeError, "`map`, `filter`, `zip` and a dictionary's `keys` give no lists"),
        ("import random; random.shuffle(range(3))", TypeError, "`map`, `filter`, `zip` and a dictionary's `keys`"),
        ("file('a')", NameError, "`file` does not exist in Python 3: write `open(...)`"),
        ("sorted([1], cmp)", NameError, "`cmp` does not exist in Python 3"),
        ("'a'.decode('utf-8')", AttributeError, "a text of Python 3 has no `decode`"),
        ("b'a' + 'b'", TypeError, "Python 3 keeps texts and bytes apart"),
        ("import string; string.letters", AttributeError, "`string.letters` does not exist in Python 3"),
        ("import numpy as np; np.in1d([1], [1])", AttributeError, "NumPy has dropped this name"),
        ("import numpy as np; np.alltrue([1])", AttributeError, "NumPy has dropped this name"),
        ("import numpy as np; np.array([[1], [1, 2]])", ValueError, "NumPy makes no arrays of rows of different"),
        ("import numpy as np; np.fromstring(b'ab', np.uint8)", ValueError, "write `np.frombuffer`"),
        ("import numpy as np; np.zeros(4 / 2)", TypeError, "`/` gives floats in Python 3"),
        ("import numpy as np; np.zeros(4)[4 / 2]", IndexError, "`/` gives floats in Python 3, and NumPy"),
        ("range(4 / 2)", TypeError, "`/` gives floats in Python 3"),
        ("[1, 2][:2 / 2]", TypeError, "`/` gives floats in Python 3"),
        ("float(bottom[0].data)", TypeError, "NumPy makes a number of an array of no axes only"),
        ("from PIL import Image; Image.ANTIALIAS", AttributeError, "Pillow has moved `Image.ANTIALIAS`"),
        ("import collections; collections.Mapping", AttributeError, "`collections.Mapping` is `collections.abc"),
        ("from collections import Iterable", ImportError, "`collections.Iterable` is `collections.abc.Iterable`"),
        ("import inspect; inspect.getargspec", AttributeError, "`inspect.getargspec` is `inspect.getfullargspec`"),
        ("import time; time.clock()", AttributeError, "`time.clock` is gone since Python 3.8"),
        ("from fast_rcnn.config import cfg", ImportError, "`fast_rcnn` is no part of Caffe but of the detection code"),
        ("import pickle; pickle.loads(b\"S'\\\\xe4'\\n.\")", UnicodeDecodeError, "a file that Python 2 pickled"),
    ],
)  # fmt: skip
def test_what_is_mended_by_hand(tmp_path: Path, line: str, kind: type[Exception], says: str) -> None:
    error = failure(tmp_path, forward=line.replace("\n", "\\n"))
    assert isinstance(error, kind)
    assert says in note(error)
    assert note(error).startswith("old.py, line 8: ")
    assert "caffe modernize" not in note(error)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("line", ["from scipy.misc import imresize", "import scipy.misc; scipy.misc.imread('a')"])
def test_scipys_images(tmp_path: Path, line: str) -> None:
    assert "SciPy has dropped its image functions: use Pillow, or caffe.io" in note(failure(tmp_path, setup=line))


def test_a_package_that_is_not_installed_is_named_as_pip_knows_it(tmp_path: Path) -> None:
    error = ModuleNotFoundError("No module named 'cv2'")
    line = compile("raise error", str(tmp_path / "old.py"), "exec")
    with pytest.raises(ModuleNotFoundError):
        exec(line, {"error": error})
    changes.explain(error)
    assert (
        note(error) == "old.py, line 1: the package of `cv2` is not installed here: pip install opencv-python-headless"
    )


def test_except_with_a_comma(tmp_path: Path) -> None:
    error = failure(tmp_path, head="try:\n    pass\nexcept ValueError, e:\n    pass\n")
    assert note(error) == f"old.py, line 4: write `except Error as e`; {MODERNIZE}"


def test_tabs_and_spaces(tmp_path: Path) -> None:
    error = failure(tmp_path, head="if True:\n        a = 1\n\tb = 2\n")
    assert isinstance(error, TabError)
    assert "Python 3 takes tabs or spaces, not both" in note(error)


def test_a_module_of_the_same_package(tmp_path: Path) -> None:
    package = tmp_path / "zoo"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "boxes.py").write_text("x = 1\n")
    (package / "inner.py").write_text("import boxes\n")
    error = failure(tmp_path, module="zoo.inner")
    assert isinstance(error, ModuleNotFoundError)
    assert note(error) == (
        "inner.py, line 1: Python 3 does not look in a package's own folder: write `from . import boxes`"
    )


def test_the_error_is_the_original_one(tmp_path: Path) -> None:
    error = failure(tmp_path, forward="for i in xrange(2): pass")
    assert str(error) == "name 'xrange' is not defined"
    assert error.__traceback__ is not None
    assert (tmp_path / "old.py").read_text().count("xrange") == 1


@pytest.mark.parametrize("line", ["undefined_name", "{}.no_such", "1 / 0", "import no_such_module_here", "[][3]"])
def test_other_errors_get_no_such_note(tmp_path: Path, line: str) -> None:
    error = failure(tmp_path, forward=line)
    assert not [n for n in getattr(error, "__notes__", ()) if n.startswith("old.py, line")]


def test_what_libraries_raise_of_themselves_gets_none() -> None:
    with pytest.raises(NameError) as caught:
        exec(compile("xrange(3)", linecache.__file__, "exec"))
    changes.explain(caught.value)
    users = [n for n in getattr(caught.value, "__notes__", ()) if n.startswith("linecache.py")]
    assert not users
