"""A solver in a notebook's output."""

from caffe_nb.net import Net
from caffe_nb.solvers import Solver

NET = """name: "<script>" layer { name: "x" type: "DummyData" top: "x" dummy_data_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 1 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "y" top: "loss" }"""


def test_it_shows_iteration_loss_rate_and_nets_as_text() -> None:
    net = Net.from_text(NET)
    solver = Solver.from_text('base_lr: 0.5 lr_policy: "fixed" max_iter: 1000 test_iter: 1 test_interval: 9', net=net)
    html = solver._repr_html_()
    assert "0 of 1,000" in html
    assert "not run yet" in html
    assert "0.5 (fixed)" in html
    assert "test net 0" in html
    assert "<script>" not in html
    solver.step(2)
    html = solver._repr_html_()
    assert "2 of 1,000" in html
    assert "not run yet" not in html
