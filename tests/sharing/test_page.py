"""net.save_html: one file with the graph, chosen tensors, the loss and gradient checks, safe whatever the names."""

import os
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from caffe_nb.errors import CaffeError, NetError
from caffe_nb.inspector.session import Session
from caffe_nb.net import Net
from caffe_nb.solvers.losses import MOST, Losses
from tests.sharing.material import HOSTILE, NET, named, solver


class Elements(HTMLParser):
    """The elements and the texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements of a kind."""
        return [attributes for found, attributes in self.all if found == tag]


def saved(net: Net, folder: Path, **options: object) -> str:
    """Return the page of a net."""
    return net.save_html(folder / "net.html", **options).read_text(encoding="utf-8")


def test_the_page_has_the_graph_and_the_layers_and_no_tensor_unless_asked(tmp_path: Path) -> None:
    elements = Elements(saved(Net.from_text(NET), tmp_path))
    assert [attributes["id"] for attributes in elements.of("section")] == ["graph", "layers"]
    assert [attributes["data-layer"] for attributes in elements.of("g") if "data-layer" in attributes] == list("0123")
    assert [attributes["data-layer"] for attributes in elements.of("tr")[1:]] == list("0123")
    assert {"InnerProduct", "data 4x3", "2x3, 2 (8)", "ip 4x2 (in place)"} <= set(elements.texts)
    assert elements.of("img") == []


def test_chosen_tensors_are_blobs_and_parameters_with_their_figures(tmp_path: Path) -> None:
    net = Net.from_text(NET)
    net.forward()
    versions = [blob.version for blob in net.blobs.values()]
    elements = Elements(saved(net, tmp_path, blobs=["ip", "ip[0]"]))
    assert {"ip", "ip[0]", " 4 x 2 float32, 8 elements", " 2 x 3 float32, 6 elements"} <= set(elements.texts)
    assert len(elements.of("img")) == 2
    assert f"{net.params['ip'][0].const_data.max():.4g}" in elements.texts
    assert [blob.version for blob in net.blobs.values()] == versions
    assert len(Elements(saved(net, tmp_path, blobs="ip")).of("img")) == 1


def test_a_large_blob_makes_no_large_page(tmp_path: Path) -> None:
    net = Net.from_text(
        """layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 8 dim: 3 dim: 512 dim: 512 } } }"""
    )
    net.blobs["x"].data[...] = np.random.default_rng(0).standard_normal((8, 3, 512, 512))
    net.blobs["x"].diff[...] = net.blobs["x"].const_data
    assert len(saved(net, tmp_path, blobs=["x"])) < 300_000


def test_the_loss_curve_of_the_solver_that_trains_the_net_is_found(tmp_path: Path) -> None:
    trainer = solver()
    assert "id='loss'" not in saved(trainer.net, tmp_path)
    trainer.step(20)
    page = saved(trainer.net, tmp_path)
    assert "id='loss'" in saved(trainer.net, tmp_path, solver=trainer)
    assert "SGDSolver, 20 iterations" in page
    (line,) = re.findall(r"<polyline points='([^']*)'", page)
    assert len(line.split()) == 20


def test_a_run_that_diverged_has_a_curve_of_what_is_finite_and_says_so(tmp_path: Path) -> None:
    trainer = solver()
    trainer.step(3)
    for loss in (np.nan, np.inf, 1e300, -1e300, 0.0):
        trainer.losses.add(trainer.iter, loss, 1)
    trainer.losses.add(trainer.iter + 1, 1e-320, 1)
    page = saved(trainer.net, tmp_path)
    assert "NaN or infinite in 2" in page
    (line,) = re.findall(r"<polyline points='([^']*)'", page)
    assert all(0 <= float(y) <= 240 for _, y in (pair.split(",") for pair in line.split()))


def test_losses_of_a_long_run_take_bounded_room_and_keep_their_extremes() -> None:
    losses = Losses()
    for iteration in range(100_000):
        losses.add(iteration, 100.0 if iteration == 54_321 else 1.0, 1)
    assert MOST // 2 <= len(losses.points) <= MOST
    assert sum(point.finite for point in losses.points) == 100_000
    assert max(point.high for point in losses.points) == 100
    assert [point.iteration for point in losses.points] == sorted(point.iteration for point in losses.points)


def test_a_solver_that_goes_back_to_a_snapshot_begins_its_curve_again_there() -> None:
    losses = Losses()
    for iteration in [0, 1, 2, 3, 4, 2, 3]:
        losses.add(iteration, float(iteration), 1)
    assert [point.iteration for point in losses.points] == [0, 1, 2, 3]


def test_gradient_checks_are_in_the_page_as_they_are_given(tmp_path: Path) -> None:
    net = Net.from_text(NET)
    reports = net.check_gradients()
    for given in (reports, list(reports.values()), iter(reports.values())):
        assert saved(net, tmp_path, reports=given).count("Gradient check of layer") == len(reports)
    one = reports["ip"]
    page = saved(net, tmp_path, reports=one)
    assert page.count("Gradient check of layer") == 1
    assert "PASS" in page


def test_the_checks_that_the_inspector_has_seen_are_in_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session()
    monkeypatch.setattr("caffe_nb.inspector.session._serving", session)
    net = Net.from_text(NET)
    net.check_gradients(["ip"])
    assert "layer &#x27;ip&#x27; (InnerProduct)" in saved(net, tmp_path)
    assert "id='checks'" not in saved(Net.from_text(NET), tmp_path)
    session.close()


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_is_text_wherever_it_stands(tmp_path: Path, name: str) -> None:
    net = named(name)
    page = saved(net, tmp_path, blobs=[name])
    elements = Elements(page)
    assert len(elements.of("script")) == 1
    assert len(elements.of("svg")) == 1
    assert len(elements.of("img")) == 1
    assert not [key for _, attributes in elements.all for key in attributes if key.startswith("on")]
    assert "".join(elements.texts).count(name[:19]) >= 4  # heading, box, table, tensor
    assert len(page) < 40_000


def test_the_page_forbids_every_request_and_every_script_but_its_own(tmp_path: Path) -> None:
    page = saved(Net.from_text(NET), tmp_path, blobs=["ip"])
    elements = Elements(page)
    (policy,) = [a["content"] or "" for a in elements.of("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "script-src 'sha256-" in policy
    outside = [
        a for _, a in elements.all for key in ("src", "href") if not (a.get(key) or "#").startswith(("#", "data:"))
    ]
    assert outside == []
    assert "://" not in page.replace("http://www.w3.org/2000/svg", "")


def test_it_reads_without_its_script(tmp_path: Path) -> None:
    page = saved(Net.from_text(NET), tmp_path)
    without = re.sub("<script>.*</script>", "", page, flags=re.DOTALL)
    assert "hidden" not in re.sub("<style>.*</style>", "", without, flags=re.DOTALL)
    assert "InnerProduct" in "".join(Elements(without).texts)


def test_a_blob_that_is_not_there_is_named_with_what_was_meant(tmp_path: Path) -> None:
    net = Net.from_text(NET)
    with pytest.raises(
        NetError, match=r"net 'little' has no blob 'dta'. Did you mean 'data'\? Blobs: data, target, ip"
    ):
        net.save_html(tmp_path / "net.html", blobs=["dta"])
    with pytest.raises(NetError, match=r"Did you mean 'ip\[1\]'"):
        net.save_html(tmp_path / "net.html", blobs=["ip[2]"])
    with pytest.raises(TypeError, match="names of blobs, got 3"):
        net.save_html(tmp_path / "net.html", blobs=[3])  # type: ignore[list-item]
    assert not (tmp_path / "net.html").exists()


def test_a_solver_of_another_net_and_what_is_no_solver_are_refused(tmp_path: Path) -> None:
    net = Net.from_text(NET)
    with pytest.raises(NetError, match="trains net 'little', another net"):
        net.save_html(tmp_path / "net.html", solver=solver())
    with pytest.raises(TypeError, match="solver takes a solver, got Net"):
        net.save_html(tmp_path / "net.html", solver=net)
    with pytest.raises(TypeError, match="reports takes gradient reports, got str"):
        net.save_html(tmp_path / "net.html", reports=["ok"])


def test_a_path_that_cannot_be_written_is_said_and_what_was_there_stays(tmp_path: Path) -> None:
    net = Net.from_text(NET)
    with pytest.raises(FileNotFoundError, match=r"cannot write .*: the folder .* does not exist"):
        net.save_html(tmp_path / "missing" / "net.html")
    with pytest.raises(OSError, match=r"cannot write .*: is a directory") as raised:
        net.save_html(tmp_path)
    assert isinstance(raised.value, CaffeError)
    for name in ("x" * 5000, "a\0b"):
        with pytest.raises(OSError, match="cannot write"):
            net.save_html(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_one_may_not_write_to_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match="permission denied"):
        Net.from_text(NET).save_html(tmp_path / "net.html")


def test_a_page_can_be_saved_from_within_the_run(tmp_path: Path) -> None:
    trainer = solver()
    trainer.add_callback(lambda: trainer.net.save_html(tmp_path / "net.html"), lambda: None)
    trainer.step(1)
    assert (tmp_path / "net.html").is_file()
