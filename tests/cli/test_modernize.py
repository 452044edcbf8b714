"""modernize: Python 2 layers become Python 3, shown first and written on request."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from caffe_nb.cli.main import main
from caffe_nb.cli.python3 import modernized, syntax_error, uses_python2
from caffe_nb.net import Net

OLD = """import caffe
import cPickle as pickle
import numpy as np
import yaml

class OldLoss(caffe.Layer):
    def setup(self, bottom, top):
        params = yaml.load(self.param_str_)
        for key, value in params.iteritems():
            print "param", key, value
        if not params.has_key('scale') or len(bottom) <> 1:
            raise ValueError, "scale is missing"
        self.scale = params['scale']

    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        try:
            self.half = np.prod(bottom[0].shape) / 2
        except ZeroDivisionError, e:
            print `e`
        top[0].data[...] = self.scale * sum(np.float(bottom[0].data.flat[i]) for i in xrange(bottom[0].count))
"""
NET = """layer { name: "d" type: "DummyData" top: "d" dummy_data_param { shape { dim: 2 dim: 3 }
  data_filler { type: "constant" value: 2 } } }
layer { name: "l" type: "Python" bottom: "d" top: "l"
  python_param { module: "modernized_layers" layer: "OldLoss" param_str: "scale: 3" } }
"""


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('print "a", b\n', 'print("a", b)\n'),
        ("print >>log, x,\n", "print(x, end=' ', file=log)\n"),
        ("print\n", "print()\n"),
        ("try:\n    f()\nexcept E, e:\n    pass\n", "try:\n    f()\nexcept E as e:\n    pass\n"),
        ('raise E, "text"\n', 'raise E("text")\n'),
        ("if a <> b: pass\n", "if a != b: pass\n"),
        ("x = `y`\n", "x = repr(y)\n"),
        ("exec code in space\n", "exec(code, space)\n"),
        ("n = 0777 + 10L\n", "n = 0o777 + 10\n"),
        ("s = ur'a'\n", "s = r'a'\n"),
        ("f = lambda (a, b): a\n", "f = lambda a_b: a_b[0]\n"),
        ("for i in xrange(3): pass\n", "for i in range(3): pass\n"),
        ("isinstance(s, basestring)\n", "isinstance(s, str)\n"),
        ("s = unicode(x)\n", "s = str(x)\n"),
        ("s = raw_input()\n", "s = input()\n"),
        ("n = long(x)\n", "n = int(x)\n"),
        ("if d.has_key(k): pass\n", "if k in d: pass\n"),
        ("for k, v in d.iteritems(): pass\n", "for k, v in d.items(): pass\n"),
        ("k = itertools.izip(a, b)\n", "k = zip(a, b)\n"),
        ("n = sys.maxint\n", "n = sys.maxsize\n"),
        ("k = d.keys()[0]\n", "k = list(d.keys())[0]\n"),
        ("a = map(f, b)[0]\n", "a = list(map(f, b))[0]\n"),
        ("import Queue\nq = Queue.Queue()\n", "import queue\nq = queue.Queue()\n"),
        ("import cPickle\ncPickle.load(f)\n", "import pickle\npickle.load(f)\n"),
        ("s = reduce(f, a)\n", "from functools import reduce\ns = reduce(f, a)\n"),
        ("a = x.astype(np.float)\n", "a = x.astype(float)\n"),
        ("a = numpy.int(3)\n", "a = int(3)\n"),
        ("a = np.product(s)\n", "a = np.prod(s)\n"),
        ("p = yaml.load(self.param_str)\n", "p = yaml.safe_load(self.param_str)\n"),
        ("p = yaml.load(open(p).read())\n", "p = yaml.safe_load(open(p).read())\n"),
        ("p = yaml.load('{a: \"x)\", b: 2}')\n", "p = yaml.safe_load('{a: \"x)\", b: 2}')\n"),
        ("é = 'np.float é'; x = np.float(2)  # np.int\n", "é = 'np.float é'; x = float(2)  # np.int\n"),
        ("t = time.clock()\n", "t = time.perf_counter()\n"),
    ],
)
def test_each_construct_becomes_that_of_python_3(old: str, new: str) -> None:
    assert modernized(old, "layers.py") == new
    assert modernized(new, "layers.py") == new


@pytest.mark.parametrize(
    "text",
    [
        "print('a', file=log)\n",
        "a = map(f, b)  # as long as xrange was there\n",
        "from functools import reduce\ns = reduce(f, list(a))\n",
        "from io import StringIO\n",
        "try:\n    import cPickle as pickle\nexcept ImportError:\n    import pickle\n",
        "try:\n    xrange\nexcept NameError:\n    xrange = range\nfor i in xrange(3): pass\n",
        "def f(long, cmp): return np.add.reduce(long, cmp)\n",
        "for k, v in six.iteritems(d): pass\n",
        "a = np.float32(1) + np.float_ + np.int64(2) + np.bool_(3) + x.np.float\n",
        "p = yaml.load(text, Loader=yaml.SafeLoader)\n",
        "import helper  # beside it\n",
        '"""np.float and yaml.load(x)\nin a docstring"""\nname = "np.int"  # once time.clock()\n',
        "name = f'np.float {x} {{np.int}}'\n",
        "",
    ],
)
def test_what_runs_on_python_3_stays(text: str) -> None:
    assert modernized(text, "layers.py") == text


def test_an_implicit_relative_import_stays_one_of_the_module_beside_it() -> None:
    Path("helper.py").write_text("x = 1\n")
    assert modernized("import helper\nprint helper.x\n", "layers.py") == "import helper\nprint(helper.x)\n"


def test_the_diff_is_shown_and_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    Path("layers.py").write_text(OLD)
    assert main(["modernize", "layers.py"]) == 0
    shown = capsys.readouterr().out
    assert '\n-            print "param", key, value\n' in shown
    assert '\n+            print("param", key, value)\n' in shown
    assert "+++ layers.py (Python 3)" in shown
    assert "Nothing was written; --write makes these changes." in shown
    assert "\033" not in shown  # no terminal, no colours
    assert Path("layers.py").read_text() == OLD
    assert [p.name for p in Path().iterdir()] == ["layers.py"]


def test_a_written_layer_runs_in_a_net_and_its_old_text_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    Path("modernized_layers.py").write_text(OLD)
    assert syntax_error(OLD) is not None
    assert main(["modernize", "--write", "modernized_layers.py"]) == 0
    assert "modernized_layers.py: written; as it was: modernized_layers.py.bak" in capsys.readouterr().out
    assert Path("modernized_layers.py.bak").read_text() == OLD
    out = Net.from_text(NET, folder=Path.cwd()).forward()["l"]
    np.testing.assert_allclose(out, [36.0])


def test_a_second_time_there_is_nothing_to_change(capsys: pytest.CaptureFixture[str]) -> None:
    Path("layers.py").write_text(OLD)
    main(["modernize", "-write", "layers.py"])
    capsys.readouterr()
    assert main(["modernize", "--write", "--check", "layers.py"]) == 0
    assert capsys.readouterr().out == "layers.py: nothing to change\n"
    assert not Path("layers.py.bak2").exists()


def test_a_division_that_may_mean_another_thing_now_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("layers.py").write_text(OLD)
    main(["modernize", "layers.py"])
    assert "layers.py: look at line 20: `/` gives floats in Python 3" in capsys.readouterr().out
    Path("layers.py").write_text("from __future__ import division\n" + OLD)
    main(["modernize", "layers.py"])
    assert "look at" not in capsys.readouterr().out


def test_names_that_are_gone_and_have_to_be_mended_by_hand_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    text = "import string, numpy as np\n"
    text += "x = sorted(y, cmp=lambda a, b: cmp(a, b))\nz = np.asscalar('\\d') + string.letters\n"
    Path("layers.py").write_text(text)
    assert main(["modernize", "layers.py"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "layers.py: nothing to change",
        "layers.py: look at line 2: `cmp` is gone, and has to be mended by hand",
        "layers.py: look at line 3: `np.asscalar` is gone, and has to be mended by hand",
        "layers.py: look at line 3: `string.letters` is gone, and has to be mended by hand",
    ]


def test_a_file_that_is_named_twice_is_done_once(capsys: pytest.CaptureFixture[str]) -> None:
    Path("layers.py").write_text("x = 1\n")
    assert main(["modernize", "layers.py", "."]) == 0
    assert capsys.readouterr().out == "layers.py: nothing to change\n"


def test_an_older_backup_is_never_written_over() -> None:
    Path("layers.py.bak").write_text("the first\n")
    Path("layers.py").write_text("print 1\n")
    main(["modernize", "--write", "layers.py"])
    assert Path("layers.py.bak").read_text() == "the first\n"
    assert Path("layers.py.bak2").read_text() == "print 1\n"


def test_without_a_backup_when_it_is_not_wanted() -> None:
    Path("layers.py").write_text("print 1\n")
    main(["modernize", "--write", "--nobackup", "layers.py"])
    assert [p.name for p in Path().iterdir()] == ["layers.py"]
    assert Path("layers.py").read_text() == "print(1)\n"


def test_check_ends_with_1_when_something_would_change() -> None:
    Path("layers.py").write_text("print 1\n")
    assert main(["modernize", "--check", "layers.py"]) == 1
    Path("layers.py").write_text("print(1)\n")
    assert main(["modernize", "--check", "layers.py"]) == 0


def test_a_folder_is_done_with_what_is_in_it_and_hidden_folders_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("zoo/a.py", "zoo/deep/b.py", "zoo/.cache/c.py", "zoo/notes.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("print 1\n")
    assert main(["modernize", "--write", "--nobackup", "zoo"]) == 0
    changed = sorted(p.as_posix() for p in Path("zoo").rglob("*") if p.is_file() and p.read_text() == "print(1)\n")
    assert changed == ["zoo/a.py", "zoo/deep/b.py"]


@pytest.mark.parametrize(
    ("content", "result"),
    [
        (b"print 1\r\nx = 2\r\n", b"print(1)\r\nx = 2\r\n"),
        (b"if x:\n\tprint 1\n", b"if x:\n\tprint(1)\n"),
        (b"if x:\n\tprint 1\n        y = 2\n", b"if x:\n        print(1)\n        y = 2\n"),
        (b"print 1", b"print(1)"),
        (b"# -*- coding: latin-1 -*-\nprint '\xe4'\n", b"# -*- coding: latin-1 -*-\nprint('\xe4')\n"),
        (b"# \xe4\nprint 1\n", b"# \xc3\xa4\nprint(1)\n"),
        (b"\xef\xbb\xbfprint 1\n", b"\xef\xbb\xbfprint(1)\n"),
    ],
    ids=["CRLF", "tabs", "tabs and spaces", "no last line end", "declared", "not declared", "byte order mark"],
)
def test_line_ends_tabs_and_encodings_stay_where_python_3_can_read_them(content: bytes, result: bytes) -> None:
    Path("layers.py").write_bytes(content)
    assert main(["modernize", "--write", "layers.py"]) == 0
    assert Path("layers.py").read_bytes() == result
    compile(result, "layers.py", "exec")
    assert Path("layers.py.bak").read_bytes() == content


@pytest.mark.skipif(os.name == "nt", reason="no such bits there")
def test_a_script_stays_one_that_runs_and_a_link_stays_a_link() -> None:
    Path("real.py").write_text("print 1\n")
    Path("real.py").chmod(0o755)
    Path("layers.py").symlink_to("real.py")
    main(["modernize", "--write", "layers.py"])
    assert Path("layers.py").is_symlink()
    assert Path("real.py").read_text() == "print(1)\n"
    assert stat.S_IMODE(Path("real.py").stat().st_mode) == 0o755


def test_no_python_at_all_is_named_with_its_line_and_the_others_are_done(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.py").write_text("x = 1\nlayer { name: 'a' }\n")
    Path("b.py").write_text("print 1\n")
    assert main(["modernize", "--write", "a.py", "b.py"]) == 1
    assert "a.py, line 2: this is no Python, neither 2 nor 3" in capsys.readouterr().err
    assert Path("a.py").read_text() == "x = 1\nlayer { name: 'a' }\n"
    assert Path("b.py").read_text() == "print(1)\n"


def test_a_folder_without_python_files_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    Path("zoo").mkdir()
    assert main(["modernize", "zoo"]) == 0
    assert capsys.readouterr().out == "there are no Python files (.py) in zoo\n"


def test_a_file_that_is_not_there_is_said_with_what_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    Path("layers.py").write_text("print 1\n")
    assert main(["modernize", "layer.py"]) == 1
    assert "there is no file or folder 'layer.py'. Did you mean 'layers.py'?" in capsys.readouterr().err


def test_it_runs_as_a_process_without_a_warning() -> None:
    Path("layers.py").write_text(OLD)
    words = [sys.executable, "-W", "error", "-m", "caffe_nb.cli", "modernize", "layers.py"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "+        params = yaml.safe_load(self.param_str_)" in done.stdout


def test_fissix_is_loaded_only_when_there_is_something_to_translate() -> None:
    code = (
        "import sys; from caffe_nb.cli.python3 import modernized; modernized('x = 1', 'a'); "
        "print([m for m in sys.modules if m.startswith('fissix')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "[]"


def test_what_python_2_shows_by_its_names() -> None:
    assert uses_python2("for i in xrange(3): pass")
    assert not uses_python2("for i in range(3): pass")
