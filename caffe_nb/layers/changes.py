"""What changed in the world since a layer was written: one line beneath the original error.

Nothing is translated or patched: the exception arrives as itself, with a note that says what to do.
"""

from __future__ import annotations

import linecache
import re
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from caffe_nb.layers.modules import is_users_file


@dataclass(frozen=True)
class Change:
    """Something that worked once.

    Attributes
    ----------
    kind : type
        The exception that it raises now.
    message : str
        Regular expression for the exception's text.
    source : str
        Regular expression for the line of the user's code; empty for any.
    says : str
        What changed; groups of `source` and `message` may be used by name.
    python2 : bool
        Whether `caffe modernize` mends it.
    """

    kind: type[BaseException]
    message: str
    source: str
    says: str
    python2: bool = True


LAZY = "`map`, `filter`, `zip` and a dictionary's `keys` give no lists in Python 3: wrap them in `list(...)`"

CHANGES = (
    Change(
        SyntaxError, r"Missing parentheses in call to '(?P<word>print|exec)'", "", "`{word}` is a function in Python 3"
    ),
    Change(SyntaxError, "", r"^\s*print\s+[^(=\s]", "`print` is a function in Python 3"),
    Change(
        SyntaxError, "multiple exception types|invalid syntax", r"except\s+[\w.()]+\s*,", "write `except Error as e`"
    ),
    Change(SyntaxError, "", r"^\s*raise\s+\w+\s*,", "write `raise Error(text)`"),
    Change(SyntaxError, "", "<>", "`<>` is `!=` in Python 3"),
    Change(SyntaxError, "", "`", "backticks are `repr(...)` in Python 3"),
    Change(SyntaxError, "leading zeros|octal", "", "octal numbers are written 0o17 in Python 3"),
    Change(SyntaxError, "invalid decimal literal|invalid syntax", r"\d[lL]\b", "whole numbers have no `L` in Python 3"),
    Change(SyntaxError, "", r"\bur['\"]", "`ur''` does not exist in Python 3: write `r''`"),
    Change(SyntaxError, "", r"def \w+\(.*\([\w, ]+\).*\)\s*:|lambda\s*\(", "parameters are not unpacked in Python 3"),
    Change(TabError, "", "", "Python 3 takes tabs or spaces, not both: set the file to one of them"),
    Change(
        NameError,
        r"name '(?P<word>xrange|unicode|raw_input|basestring|long|reduce|unichr|execfile|reload)'",
        "",
        "`{word}` does not exist in Python 3",
    ),
    Change(NameError, "name 'file'", "", "`file` does not exist in Python 3: write `open(...)`", python2=False),
    Change(
        NameError,
        "name 'cmp'",
        "",
        "`cmp` does not exist in Python 3: `(a > b) - (a < b)` is what it gave, and sort takes key=",
        python2=False,
    ),
    Change(
        AttributeError,
        r"'[\w.]*[dD]ict' object has no attribute '(?P<word>iteritems|itervalues|iterkeys|has_key)'",
        "",
        "dictionaries have no `{word}` in Python 3",
    ),
    Change(
        ImportError,
        r"No module named '?(?P<word>cPickle|Queue|ConfigParser|urllib2|urlparse|StringIO|cStringIO|Tkinter|"
        r"__builtin__|HTMLParser|httplib|SocketServer|commands)\b",
        "",
        "the module `{word}` has another name in Python 3",
    ),
    Change(
        TypeError,
        r"'(map|filter|zip|range|dict_keys|dict_values|dict_items)' object (is not subscriptable|does not support)"
        r"|object of type '(map|filter|zip)' has no len|'dict_(keys|values|items)' object",
        "",
        LAZY,
        python2=False,
    ),
    Change(
        AttributeError, r"'(map|filter|zip|dict_keys|dict_values|dict_items)' object has no", "", LAZY, python2=False
    ),
    Change(
        TypeError, r">>: 'builtin_function_or_method'", r"\bprint\b", "`print >>file` is `print(..., file=file)` now"
    ),
    Change(
        AttributeError,
        r"'str' object has no attribute 'decode'",
        "",
        "a text of Python 3 has no `decode`: only bytes have, as of a file opened with 'rb'",
        python2=False,
    ),
    Change(
        TypeError,
        r"can't concat str to bytes|a bytes-like object is required, not 'str'|must be str, not bytes",
        "",
        "Python 3 keeps texts and bytes apart: open the file with 'rb' or 'wb', or encode and decode",
        python2=False,
    ),
    Change(
        AttributeError,
        r"module '(?P<word>itertools|sys|os)' has no attribute '(?P<name>izip|imap|ifilter|maxint|getcwdu)'",
        "",
        "`{word}.{name}` does not exist in Python 3",
    ),
    Change(
        AttributeError,
        r"module 'string' has no attribute '(?P<word>\w+)'",
        "",
        "`string.{word}` does not exist in Python 3: texts have methods, and string.ascii_letters is there",
        python2=False,
    ),
    Change(
        AttributeError,
        r"module 'numpy' has no attribute '(?P<word>float|int|bool|object|str|complex)'\.?",
        "",
        "NumPy has dropped `np.{word}`: write `{word}`, or a type with a size as np.float32 or np.int64",
    ),
    Change(
        AttributeError,
        r"module 'numpy' has no attribute 'product'",
        "",
        "NumPy has dropped `np.product`: write `np.prod`",
    ),
    Change(
        AttributeError,
        r"[`']?np\.\w+[`']? was removed|module 'numpy' has no attribute '(cumproduct|alltrue|sometrue|in1d|"
        r"row_stack|trapz|asscalar|rank|NaN|Inf|infty|float_|unicode_)'",
        "",
        "NumPy has dropped this name; its release notes name the one to use, as np.isin for np.in1d",
        python2=False,
    ),
    Change(
        TypeError,
        r"load\(\) missing 1 required positional argument: 'Loader'",
        "",
        "PyYAML 6 asks `yaml.load` for a loader: write `yaml.safe_load(...)`",
    ),
    Change(
        ImportError,
        r"cannot import name '(?P<word>imread|imresize|imsave|imrotate|toimage|fromimage)' from 'scipy\.misc'"
        r"|No module named 'scipy\.misc'",
        "",
        "SciPy has dropped its image functions: use Pillow, or caffe.io.load_image and caffe.io.resize_image",
        python2=False,
    ),
    Change(
        AttributeError,
        r"module 'scipy\.misc' has no attribute",
        "",
        "SciPy has dropped its image functions: use Pillow, or caffe.io.load_image and caffe.io.resize_image",
        python2=False,
    ),
    Change(
        AttributeError,
        r"module 'PIL\.Image' has no attribute '(?P<word>ANTIALIAS|BICUBIC|BILINEAR|NEAREST)'",
        "",
        "Pillow has moved `Image.{word}`: Image.Resampling.LANCZOS is what ANTIALIAS was",
        python2=False,
    ),
    Change(
        AttributeError,
        r"module 'collections' has no attribute '(?P<word>\w+)'",
        "",
        "`collections.{word}` is `collections.abc.{word}` since Python 3.10",
        python2=False,
    ),
    Change(
        ImportError,
        r"cannot import name '(?P<word>\w+)' from 'collections'",
        "",
        "`collections.{word}` is `collections.abc.{word}` since Python 3.10",
        python2=False,
    ),
    Change(
        AttributeError,
        r"module 'inspect' has no attribute 'getargspec'",
        "",
        "`inspect.getargspec` is `inspect.getfullargspec` since Python 3.11",
        python2=False,
    ),
    Change(
        AttributeError,
        r"module 'time' has no attribute 'clock'",
        "",
        "`time.clock` is gone since Python 3.8: write `time.perf_counter`",
        python2=False,
    ),
    Change(
        TypeError,
        r"'(numpy\.)?float\w*' object cannot be interpreted as an integer|slice indices must be integers"
        r"|expected a sequence of integers or a single integer, got '[\d.]+'",
        "",
        "`/` gives floats in Python 3: divide with `//` where a whole number is meant",
        python2=False,
    ),
    Change(
        IndexError,
        r"only integers, slices .* are valid indices",
        "",
        "`/` gives floats in Python 3, and NumPy takes no float as an index: divide with `//`",
        python2=False,
    ),
    Change(
        UnicodeDecodeError,
        "",
        r"pickle|\bload",
        "a file that Python 2 pickled is read with `pickle.load(file, encoding='latin1')`",
        python2=False,
    ),
    Change(
        ValueError,
        "inhomogeneous shape",
        "",
        "NumPy makes no arrays of rows of different lengths any more: say dtype=object, or keep a list",
        python2=False,
    ),
    Change(
        TypeError,
        "only (0-dimensional|length-1|size-1) arrays can be converted",
        "",
        "NumPy makes a number of an array of no axes only: pick an element, as x[0] or x.item()",
        python2=False,
    ),
    Change(
        ValueError,
        "binary mode of fromstring is removed",
        "",
        "NumPy has dropped `np.fromstring` of bytes: write `np.frombuffer`",
        python2=False,
    ),
    Change(
        ImportError,
        r"No module named '?(?P<word>fast_rcnn|rpn|roi_data_layer|utils\.cython_bbox|utils\.bbox|utils\.timer|nms|"
        r"generate_anchors|cython_bbox|transform_utils)\b",
        "",
        "`{word}` is no part of Caffe but of the detection code that this layer comes from (as py-faster-rcnn's lib "
        "folder): put that beside the net or on PYTHONPATH",
        python2=False,
    ),
    Change(
        ImportError,
        r"No module named '?(?P<word>cv2|skimage|yaml|scipy|matplotlib|easydict)\b",
        "",
        "the package of `{word}` is not installed here",
        python2=False,
    ),
)
"""In the order in which they are tried."""

IN_PACKAGES = {"cv2": "opencv-python-headless", "skimage": "scikit-image", "yaml": "PyYAML"}


def explain(error: BaseException) -> None:
    """Add a note to a user's exception, where what it says is known to come from a change in Python or a library.

    Parameters
    ----------
    error : BaseException
        As it was raised; its text and traceback stay as they are.
    """
    path, line = _place(error)
    if path is None:
        return
    source = linecache.getline(str(path), line)
    beside = _beside(error, path)
    if beside:
        says = f"Python 3 does not look in a package's own folder: write `from . import {beside}`"
        _note(error, says, path, line, Change(ImportError, "", "", "", python2=False), {})
        return
    for change in CHANGES:
        found = re.search(change.message, str(error)) if isinstance(error, change.kind) else None
        if found is None or not re.search(change.source, source):
            continue
        words = {name: text for name, text in found.groupdict().items() if text}
        says = change.says.format(**words) if "{" in change.says else change.says
        _note(error, says, path, line, change, words)
        return


def _beside(error: BaseException, path: Path) -> str:
    """Return the module that an implicit relative import meant: one beside the file, in the same package."""
    name = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if not name or not (path.parent / "__init__.py").is_file():
        return ""
    return name if (path.parent / f"{name}.py").is_file() or (path.parent / name / "__init__.py").is_file() else ""


def _note(error: BaseException, says: str, path: Path, line: int, change: Change, words: dict[str, str]) -> None:
    package = IN_PACKAGES.get(words.get("word", ""), words.get("word", ""))
    if "is not installed here" in says:
        advice = f": pip install {package}"
    elif change.python2:
        advice = f"; `caffe modernize {path.name}` shows the change, --write makes it"
    else:
        advice = ""
    note = f"{path.name}, line {line}: {says}{advice}"
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def _place(error: BaseException) -> tuple[Path | None, int]:
    """Return the user's file and line that an exception comes from: the deepest one of theirs."""
    if isinstance(error, SyntaxError):
        path = Path(error.filename or "")
        return (path if error.filename and is_users_file(path.absolute()) else None), error.lineno or 0
    found: tuple[Path | None, int] = (None, 0)
    frames: TracebackType | None = error.__traceback__
    while frames is not None:
        path = Path(frames.tb_frame.f_code.co_filename)
        if is_users_file(path.absolute()):
            found = path, frames.tb_lineno
        frames = frames.tb_next
    return found
