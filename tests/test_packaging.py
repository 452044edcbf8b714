"""What is installed: the wheel's contents, the version, and how light the import is."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import caffe_nb
from caffe_nb.ops.cuda import families

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel_files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the paths inside a wheel made from the extension as it is built now."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "SKIP_JUPYTER_BUILDER": "1"})
    (wheel,) = out.glob("caffe_nb-*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_the_wheel_has_the_package_caffe_at_its_root(wheel_files: list[str]) -> None:
    assert "caffe/__init__.py" in wheel_files
    assert not [name for name in wheel_files if "_shim" in name]


def test_the_wheel_has_the_built_extension_where_jupyterlab_looks(wheel_files: list[str]) -> None:
    extension = "share/jupyter/labextensions/caffe-nb/"
    found = {name.partition(extension)[2] for name in wheel_files if extension in name}
    assert {"package.json", "install.json", "static/style.js"} <= found
    entry = json.loads((ROOT / "caffe_nb/labextension/package.json").read_text())["jupyterlab"]["_build"]["load"]
    assert entry in found


def test_the_wheel_has_the_data_files_of_the_engine(wheel_files: list[str]) -> None:
    assert {"caffe_nb/proto/caffe.proto", "caffe_nb/proto/caffe.desc", "caffe_nb/py.typed"} <= set(wheel_files)
    assert {f"caffe_nb/ops/cuda/{name}.cu" for name in ("common", *families())} <= set(wheel_files)


def test_the_wheel_has_nothing_else(wheel_files: list[str]) -> None:
    top = {name.partition("/")[0] for name in wheel_files}
    assert top == {
        "caffe",
        "caffe_nb",
        "test_gradient_for_python_layer.py",
        f"caffe_nb-{caffe_nb.__version__}.data",
        f"caffe_nb-{caffe_nb.__version__}.dist-info",
    }
    unwanted = ("/node_modules/", "/tests/", ".ipynb")
    assert not [name for name in wheel_files if any(part in name for part in unwanted)]


def test_both_halves_have_the_same_version() -> None:
    assert json.loads((ROOT / "package.json").read_text())["version"] == caffe_nb.__version__


@pytest.mark.parametrize("package", ["caffe_nb", "caffe"])
def test_importing_the_engine_brings_in_nothing_of_jupyter(package: str) -> None:
    heavy = ["IPython", "cupy", "ipywidgets", "jupyterlab", "matplotlib"]
    code = f"import sys, {package}; print([name for name in {heavy} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_modules_that_the_docs_call_are_there_after_importing_the_package_alone() -> None:
    code = "import caffe_nb; caffe_nb.live.versions, caffe_nb.zoo.NETS"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_committed_lock_names_a_host() -> None:
    for name in ("constraints.txt", "yarn.lock"):
        assert "://" not in (ROOT / name).read_text()
