"""Every public name of pycaffe is there, with its signature (api.json: read off a build of BVLC Caffe 1.0)."""

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import caffe
from caffe_nb.errors import CaffeError

API = json.loads(Path(__file__).with_name("api.json").read_text(encoding="utf-8"))
NAMES = [(module, name, signature) for module, part in API.items() for name, signature in part["names"].items()]
MEMBERS = [
    (module, cls, name, signature)
    for module, part in API.items()
    for cls, members in part["classes"].items()
    for name, signature in members.items()
]


def written(function):
    """A signature as api.json writes it."""
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return ", ".join(
        stars.get(each.kind, "") + each.name + ("" if each.default is each.empty else f"={each.default!r}")
        for each in inspect.signature(function).parameters.values()
    )


@pytest.mark.parametrize(("module", "name", "signature"), NAMES, ids=str)
def test_the_module_has_the_name(module, name, signature):
    found = getattr(importlib.import_module(module), name)
    if signature:
        assert written(found) == signature


@pytest.mark.parametrize(("module", "cls", "name", "signature"), MEMBERS, ids=str)
def test_the_class_has_the_member(module, cls, name, signature):
    found = getattr(importlib.import_module(module), cls)
    where = found() if cls == "SolverParameter" else found  # a message shows its fields on itself
    assert hasattr(where, name)
    if signature:
        assert written(getattr(found, name)) == signature


def test_what_pycaffe_has_after_import_is_there():
    names = "io.Transformer net_spec.NetSpec Classifier _caffe.RawBlobVec Detector classifier detector"
    names += " io.caffe_pb2.BlobProto() net_spec.caffe_pb2.NetParameter() proto.caffe_pb2.Datum()"
    code = "import caffe; " + "; ".join(f"caffe.{name}" for name in names.split())
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_importing_it_is_light():
    heavy = ["scipy", "pydot", "IPython", "numba", "fissix", "matplotlib", "PIL", "h5py", "lmdb"]
    code = f"import sys, caffe; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_name_that_is_not_there_says_so():
    with pytest.raises(AttributeError, match=r"caffe_nb's `caffe` has no 'Lyaer'\. Did you mean 'Layer'"):
        caffe.Lyaer  # noqa: B018
    with pytest.raises(AttributeError, match="from a fork or a later version"):
        caffe.set_ssd_mode  # noqa: B018
    with pytest.raises(AttributeError, match=r"`caffe\.io` has no 'resize'\. Did you mean 'resize_image'"):
        caffe.io.resize  # noqa: B018
    assert not hasattr(caffe, "roi_data_layer")
    with pytest.raises(ImportError):
        from caffe import set_ssd_mode  # noqa: F401


def test_there_is_no_nccl_and_it_says_so():
    assert caffe.has_nccl() is False
    with pytest.raises(CaffeError, match="no NCCL"):
        caffe.NCCL(None)
    assert (caffe.solver_count(), caffe.solver_rank()) == (1, 0)
    caffe.set_solver_count(1)
    caffe.set_solver_rank(0)
    caffe.set_multiprocess(True)
    with pytest.raises(CaffeError, match="mpiexec"):
        caffe.set_solver_count(2)
    with pytest.raises(CaffeError, match="runs solver 0"):
        caffe.set_solver_rank(1)


def test_the_timer_measures():
    timer = caffe.Timer()
    timer.start()
    sum(range(10000))
    timer.stop()
    first = timer.ms
    assert 0 < first < 1000
    assert timer.ms == first


def test_the_log_goes_to_the_error_stream():
    calls = "log('unheard') init_log(0) init_log(0) log('heard') init_log(2) log('no')"
    code = "import caffe; " + "; ".join(f"caffe.{call}" for call in calls.split())
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stderr.count("heard\n") == 1
    assert "unheard" not in done.stderr
    assert "no\n" not in done.stderr


NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 4 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param {
  num_output: 2 weight_filler { type: "constant" value: 1 } } }
"""


@pytest.fixture
def net(tmp_path):
    (tmp_path / "net.prototxt").write_text("force_backward: true\n" + NET)
    return caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)


@pytest.mark.parametrize("count", [1, 4, 6, 11])
def test_forward_all_takes_any_number_of_items(net, count):
    items = [[i, 2 * i, 1] for i in range(count)]
    out = net.forward_all(blobs=["data"], data=items)
    assert out["ip"].tolist() == [[3 * i + 1] * 2 for i in range(count)]
    assert out["data"].tolist() == items


def test_forward_backward_all_gives_data_and_diffs(net):
    items = [[i, 0, 0] for i in range(6)]
    blobs, diffs = net.forward_backward_all(data=items, ip=[[i, 1] for i in range(6)])
    assert blobs["ip"].tolist() == [[i, i] for i in range(6)]
    assert diffs["data"].tolist() == [[i + 1] * 3 for i in range(6)]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda net: net.forward_all(), "by the names of the net's inputs: data"),
        (lambda net: net.forward_all(dta=[[1, 2, 3]]), "Did you mean 'data'"),
        (lambda net: net.forward_backward_all(ip=[[1, 2]]), "needs items for the net's inputs"),
        (lambda net: net.forward_backward_all(dta=[[1, 2]]), "neither an input nor an output"),
    ],
)
def test_what_does_not_fit_is_said(net, call, says):
    with pytest.raises(CaffeError, match=says):
        call(net)


def test_the_names_beneath(net):
    assert (net._blob_names, net._layer_names) == (["data", "ip"], ["data", "ip"])
    assert (net._inputs, net._outputs) == ([0], [1])
    assert (net._bottom_ids(1), net._top_ids(1)) == ([0], [1])
    assert net._blob_loss_weights == [0, 0]
    with pytest.raises(AttributeError):
        net.blobs = {}
