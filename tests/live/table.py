"""The table of edits: what is edited, how it arrives, and what must hold after it."""

from __future__ import annotations

from dataclasses import dataclass, field

MAIN = '''"""A user's layers."""
import dataclasses
import enum
import functools
import time
import numpy as np
import caffe
import M_helper as helper
from M_helper import offset
from M_base import Base
from M_pkg import TOP, scale
import M_pkg.sub.deep as deep
from M_star import *
from M_mixin import Mixin

SCALE = 1.0
SIZES = [3, 5]


def doubled(function):
    @functools.wraps(function)
    def call(*args):
        return 1 * function(*args)
    return call


def half(x):
    return SCALE * x / 2


square = lambda x: x * x


def adding(number):
    def add(x):
        return x + number
    return add


plain = adding(0.0)
TABLE = {}
TABLE["a"] = 0.0


@dataclasses.dataclass
class Rate:
    value: float = 0.0


def steps():
    yield 0.0


def keyed(*, key=0.0):
    return key


class Mode(enum.Enum):
    SUM = 1
    MEAN = 2


class Loss(Mixin, Base):
    """The loss."""

    weight = 1.0

    class Options:
        factor = 1.0

    def __init__(self, *args):
        self.made = 1

    def setup(self, bottom, top):
        self.set_up = time.perf_counter()
        self.calls = 0
        self.sizes = list(SIZES)
        self.mode = Mode.SUM
        self.rate = Rate()
        self.call = self.inner
        self.blobs.add_blob(2)
        self.blobs[0].data[...] = 7

    def reshape(self, bottom, top):
        top[0].reshape(1)

    @property
    def zero(self):
        return 0.0

    @staticmethod
    def one():
        return 1.0

    @classmethod
    def two(cls):
        return 2.0

    def normalizer(self, blob):
        return super().normalizer(blob)

    def inner(self):
        return 0.0

    @doubled
    def extra(self, plus=0.0):
        return plus

    def further(self):
        kinds = plain(0.0) + self.rate.value + sum(steps()) + keyed() + TABLE["a"]
        return kinds + deep.VALUE + STAR + TOP + self.mixed()

    def forward(self, bottom, top):
        self.calls += 1
        self.diff = bottom[0].data - bottom[1].data
        value = half(np.sum(square(self.diff))) / self.normalizer(bottom[0])
        value = value * self.weight * self.Options.factor * self.one() * self.two() / 2
        value += self.further() + self.zero + self.call() + self.extra() + helper.shift() + offset() + scale.FACTOR
        top[0].data[...] = value

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = self.diff / bottom[0].num


class Other(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(1)
'''
HELPER = '''"""Helpers."""
BASE = 0.0


def shift():
    return BASE


def offset():
    return 0.0
'''
BASE = '''"""A base class."""
import caffe


class Base(caffe.Layer):
    def normalizer(self, blob):
        return blob.num
'''
SCALE = "FACTOR = 0.0\n"
MIXIN = "class Mixin:\n    def mixed(self):\n        return 0.0\n"
FILES = {
    "M.py": MAIN,
    "M_helper.py": HELPER,
    "M_base.py": BASE,
    "M_mixin.py": MIXIN,
    "M_star.py": "STAR = 0.0\n",
    "M_pkg/__init__.py": "TOP = 0.0\n",
    "M_pkg/scale.py": SCALE,
    "M_pkg/sub/__init__.py": "from . import deep\n",
    "M_pkg/sub/deep.py": "from ..scale import FACTOR\n\nVALUE = 0.0\n",
}


@dataclass(frozen=True)
class Edit:
    """One edit and what must hold.

    Attributes
    ----------
    name : str
        What it is.
    changes : list of (str, str, str)
        File (M is the module's name), what is replaced, by what; a whole file where nothing is replaced.
    plus : float
        How much more forward gives after it.
    times : float
        By what it gives more, before that.
    setups : int
        How often setup runs for it.
    says : list of str
        Words of the message; M is the module's name.
    outcome : str
        "taken", "refused" or "nothing".
    """

    name: str
    changes: list[tuple[str, str, str]]
    plus: float = 0.0
    times: float = 1.0
    setups: int = 0
    says: list[str] = field(default_factory=list)
    outcome: str = "taken"


def nothing(name: str, *changes: tuple[str, str, str]) -> Edit:
    """An edit that means nothing."""
    return Edit(name, list(changes), outcome="nothing")


def refused(name: str, *changes: tuple[str, str, str], says: list[str]) -> Edit:
    """An edit that cannot be taken up."""
    return Edit(name, list(changes), says=says, outcome="refused")


ADD = "scale.FACTOR\n"
MIXED = "self.mixed()"
SETUP = "def setup(self, bottom, top):"
OVERRIDE = "    def normalizer(self, blob):\n        return super().normalizer(blob)\n\n"
FIVE = "class Five:\n    def five(self):\n        return 5\n\n\n"
EDITS = [
    # whitespace, comments
    nothing("a comment", ("M.py", "SCALE = 1.0", "# so big\nSCALE = 1.0  # it is")),
    nothing("blank lines", ("M.py", "class Loss", "\n\n\nclass Loss")),
    nothing("spaces", ("M.py", "SCALE * x / 2", "SCALE  *  x  /  2")),
    nothing("brackets", ("M.py", "return SCALE * x / 2", "return (SCALE * x\n            / 2)")),
    nothing("Windows line ends", ("M.py", "\n", "\r\n")),
    nothing("tabs", ("M.py", "    ", "\t")),
    nothing("a byte order mark", ("M.py", '"""A user', '\ufeff"""A user')),
    nothing("a docstring", ("M.py", "The loss.", "The loss, half of the squares.")),
    nothing("a comment in a helper", ("M_helper.py", "BASE = 0.0", "# base\nBASE = 0.0")),
    nothing(
        "a class that no net uses", ("M.py", "class Other(caffe.Layer):", "class Other(caffe.Layer):\n    a = 3\n")
    ),
    # forward, backward, helpers, constants, defaults
    Edit("forward", [("M.py", ADD, "scale.FACTOR + 5\n")], 5, says=["forward changed", "setup not rerun"]),
    Edit("backward", [("M.py", "bottom[0].num\n", "1\n")], says=["backward changed", "nothing stale"]),
    Edit(
        "a method that setup keeps", [("M.py", "return 0.0\n\n    @doubled", "return 5\n\n    @doubled")], 5, setups=1
    ),
    Edit("a function of the module", [("M.py", "x / 2", "x / 1")], times=2, says=["half changed"]),
    Edit("a lambda", [("M.py", "lambda x: x * x", "lambda x: 2 * x * x")], times=2),
    Edit("a constant that forward reads", [("M.py", "SCALE = 1.0", "SCALE = 3.0")], times=3, says=["SCALE changed"]),
    Edit("a default", [("M.py", "plus=0.0", "plus=5.0")], 5, says=["extra changed"]),
    Edit("a class attribute", [("M.py", "weight = 1.0", "weight = 2.0")], times=2, says=["weight changed"]),
    Edit("a class inside the class", [("M.py", "factor = 1.0", "factor = 2.0")], times=2),
    Edit("a decorator", [("M.py", "return 1 * f", "return 5 + f")], 5),
    Edit("a decorator less", [("M.py", "    @doubled\n", "")], says=["extra changed"]),
    Edit("a property", [("M.py", "return 0.0\n\n    @static", "return 5\n\n    @static")], 5, says=["zero changed"]),
    Edit("a static method", [("M.py", "return 1.0", "return 2.0")], times=2, says=["one changed"]),
    Edit("a class method", [("M.py", "return 2.0", "return 4.0")], times=2, says=["two changed"]),
    Edit("a method more", [("M.py", "    def forward", "    def more(self):\n        return 1\n\n    def forward")]),
    Edit("an import inside forward", [("M.py", ADD, "scale.FACTOR + __import__('math').floor(5.5)\n")], 5),
    # reshape
    Edit("reshape", [("M.py", "reshape(1)\n\n    @prop", "reshape(1, 1)\n\n    @prop")], says=["reshape changed"]),
    # setup
    Edit("setup", [("M.py", "self.calls = 0", "self.calls = 100")], setups=1, says=["setup changed", "1 blob kept"]),
    Edit("__init__", [("M.py", "self.made = 1", "self.made = 2")], setups=1, says=["__init__ changed"]),
    Edit("a constant that setup reads", [("M.py", "[3, 5]", "[3, 6]")], setups=1, says=["SIZES changed"]),
    Edit("an Enum that setup reads", [("M.py", "MEAN = 2", "MEAN = 3")], setups=1),
    Edit(
        "an attribute that only the new setup makes",
        [("M.py", "self.calls = 0", "self.calls = 0; self.five = 5"), ("M.py", ADD, "scale.FACTOR + self.five\n")],
        5,
        setups=1,
    ),
    Edit(
        "a parameter more",
        [("M.py", "self.blobs.add_blob(2)", "self.blobs.add_blob(2); self.blobs.add_blob(3)")],
        setups=1,
        says=["1 blob kept", "blob 1 is new with shape (3,)"],
    ),
    # other modules
    Edit("a helper module's function", [("M_helper.py", "return 0.0", "return 5.0")], 5, says=["offset changed"]),
    Edit("a helper module's constant", [("M_helper.py", "BASE = 0.0", "BASE = 5.0")], 5),
    Edit("a module of a package", [("M_pkg/scale.py", "0.0", "5.0")], 5),
    Edit("a base class in another module", [("M_base.py", "blob.num", "blob.num / 2")], times=2),
    Edit(
        "a helper and who calls it, at once",
        [
            ("M_helper.py", "def shift():", "def shift(more):"),
            ("M_helper.py", "return BASE", "return more"),
            ("M.py", "helper.shift()", "helper.shift(5)"),
        ],
        5,
    ),
    Edit(
        "a new module",
        [
            ("M_new.py", "", "FIVE = 5\n"),
            ("M.py", "SCALE = 1.0", "SCALE = 1.0\nfrom M_new import FIVE"),
            ("M.py", ADD, "scale.FACTOR + FIVE\n"),
        ],
        5,
    ),
    # closures, generators, containers
    Edit("what a closure does", [("M.py", "return x + number", "return x + number + 5")], 5, says=["plain changed"]),
    Edit("what a closure holds", [("M.py", "adding(0.0)", "adding(5.0)")], 5, says=["plain changed"]),
    Edit("a generator", [("M.py", "yield 0.0", "yield 2.0\n    yield 3.0")], 5, says=["steps changed"]),
    Edit("a keyword's default", [("M.py", "key=0.0", "key=5.0")], 5, says=["keyed changed"]),
    Edit("an item of a table", [("M.py", 'TABLE["a"] = 0.0', 'TABLE["a"] = 5.0')], 5, says=["TABLE changed"]),
    Edit("a dataclass that setup makes", [("M.py", "value: float = 0.0", "value: float = 5.0")], 5, setups=1),
    Edit("an Enum member less", [("M.py", "    MEAN = 2\n", "")], setups=1, says=["Mode changed"]),
    Edit("an if around a constant", [("M.py", "SCALE = 1.0", "if True:\n    SCALE = 2.0")], times=2),
    # base classes
    Edit("who calls super()", [("M.py", "super().normalizer(blob)", "super().normalizer(blob) / 2")], times=2),
    Edit("an override gone", [("M.py", OVERRIDE, "")], says=["normalizer changed"]),
    Edit(
        "a base gone", [("M.py", "(Mixin, Base)", "(Base)"), ("M.py", " + self.mixed()", "")], setups=1, says=["bases"]
    ),
    Edit(
        "a base added",
        [("M.py", "class Loss(", FIVE + "class Loss(Five, "), ("M.py", MIXED, f"{MIXED} + self.five()")],
        5,
        setups=1,
    ),
    Edit(
        "a mixin in another module",
        [("M_mixin.py", "0.0", "5.0")],
        5,
        says=["mixed changed", "1 blob stale"],
    ),
    # packages and stars
    Edit("a package itself", [("M_pkg/__init__.py", "0.0", "5.0")], 5, says=["TOP changed"]),
    Edit("a module of a subpackage", [("M_pkg/sub/deep.py", "= 0.0", "= 5.0")], 5, says=["VALUE changed"]),
    Edit("an import by dots", [("M_pkg/sub/deep.py", "= 0.0", "= FACTOR + 5")], 5),
    Edit("a name of a star import", [("M_star.py", "0.0", "5.0")], 5, says=["STAR changed"]),
    Edit(
        "a new name of a star import", [("M_star.py", "0.0", "0.0\nFIVE = 5.0"), ("M.py", MIXED, f"{MIXED} + FIVE")], 5
    ),
    Edit(
        "a name of a star import that the module has itself",
        [("M_star.py", "0.0", "0.0\nSCALE = 9.0")],
        outcome="nothing",
    ),
    # docstrings
    nothing("the module's docstring", ("M.py", "A user's layers", "Layers of a user")),
    Edit(
        "a docstring that setup had not",
        [("M.py", SETUP, f'{SETUP}\n        """Set up."""')],
        outcome="nothing",
    ),
    Edit(
        "a constant that its importer works on",
        [
            ("M_helper.py", "BASE = 0.0", "BASE = 5.0"),
            ("M.py", "SCALE = 1.0", "from M_helper import BASE\nBASE = BASE * 0\nSCALE = 1.0"),
        ],
        5,
    ),
    # refusals
    refused(
        "a tab among spaces", ("M.py", "    return SCALE", "    if x:\n\treturn 1\n    return SCALE"), says=["TabError"]
    ),
    refused("no common order of bases", ("M.py", "(Mixin, Base)", "(object, Base)"), says=["M.py:", "MRO"]),
    refused(
        "a function of the class's name",
        ("M.py", "class Other", "def Loss(): pass\n\n\nclass Other"),
        says=["no class Loss"],
    ),
    refused("setup that exits", ("M.py", "self.calls = 0", "raise SystemExit"), says=["M.py:", "SystemExit"]),
    refused("setup without an end", ("M.py", "self.calls = 0", "self.setup(bottom, top)"), says=["M.py:", "Recursion"]),
    refused("a shape too large", ("M.py", "reshape(1)\n\n    @p", "reshape(10**12)\n\n    @p"), says=["2,147,483,647"]),
    refused("a module of a subpackage broken", ("M_pkg/sub/deep.py", "VALUE =", "VALUE = ="), says=["deep.py:3"]),
    refused(
        "a name that a helper does not have",
        ("M_helper.py", "BASE = 0.0", "from M_base import nothing"),
        says=["M_helper.py:2"],
    ),
    refused(
        "a task cancelled",
        ("M.py", "SCALE = 1.0", "import asyncio\nraise asyncio.CancelledError\nSCALE = 1.0"),
        says=["Cancelled"],
    ),
    refused(
        "no layer any more", ("M_base.py", "class Base(caffe.Layer)", "class Base(dict)"), says=["other bases now"]
    ),
    refused("a syntax error", ("M.py", "SCALE * x / 2", "SCALE * x /"), says=["M.py:", "SyntaxError"]),
    refused("a wrong indent", ("M.py", "    return SCALE", "     a = 1\n    return SCALE"), says=["IndentationError"]),
    refused("a null byte", ("M.py", "SCALE = 1.0", "SCALE = 1.0\x00"), says=["null bytes"]),
    refused("no UTF-8", ("M.py", "SCALE = 1.0", "SCALE = 1.0  # caf\udce9"), says=["M.py:", "not UTF-8"]),
    refused("an import of nothing", ("M.py", "import enum", "import enum, M_nowhere"), says=["M.py:3", "M_nowhere"]),
    refused("a name that is not there", ("M.py", "SCALE = 1.0", "SCALE = ONE"), says=["M.py:16", "NameError"]),
    refused("an exit", ("M.py", "SCALE = 1.0", "SCALE = 1.0\nraise SystemExit(3)"), says=["SystemExit"]),
    refused("an endless recursion", ("M.py", "SCALE = 1.0", "SCALE = 1.0\ndef f(): f()\nf()"), says=["RecursionError"]),
    refused("a class renamed", ("M.py", "class Loss", "class Loos"), says=["no class Loss any more", "Loos"]),
    refused("an empty layer file", ("M.py", MAIN, "import caffe\n"), says=["no class Loss any more"]),
    refused("setup that raises", ("M.py", "self.calls = 0", "self.calls = 1 / 0"), says=["M.py:", "ZeroDivision"]),
    refused("reshape that raises", ("M.py", "reshape(1)\n\n    @p", "reshape(1 / 0)\n\n    @p"), says=["ZeroDivision"]),
    refused("a helper that is broken", ("M_helper.py", "return BASE", "return BASE("), says=["M_helper.py:"]),
    refused("a helper's name gone", ("M_helper.py", "def offset", "def ofset"), says=["offset"]),
    refused("a base class broken", ("M_base.py", "(caffe.Layer)", "(caffe.Layr)"), says=["M_base.py:5", "Layr"]),
]
