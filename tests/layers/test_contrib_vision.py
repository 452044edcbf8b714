"""What the rows of the forks' image layers do not show: refusals, statistics, and the way back of a pooling."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf import text_format

import caffe_nb
from caffe_nb.core.layer import Phase
from caffe_nb.core.registry import Context, create
from caffe_nb.errors import CaffeError, NetError
from caffe_nb.proto import caffe_pb2
from tests.layers.bench import Bench
from tests.layers.case import TEST, Case, distinct, given, normal

X = (2, 4, 6, 5)


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (Case("Upsample", "scales", "upsample_param { scale: 2 scale_h: 2 scale_w: 2 }", (normal(*X),)), "give either"),
        (Case("Upsample", "0", "upsample_param { scale: 0 }", (normal(*X),)), "scale must be at least 1"),
        (
            Case("Upsample", "pad", "upsample_param { scale: 3 pad_out_h: true }", (normal(*X), normal(*X))),
            "are for a scale of 2; give upsample_h and upsample_w",
        ),
        (
            Case("Upsample", "one", "upsample_param { upsample_h: 5 upsample_w: 5 }", (normal(*X),)),
            "with one bottom every pixel is repeated",
        ),
        (
            Case("Upsample", "half", "upsample_param { upsample_h: 9 }", (normal(*X), normal(*X))),
            "give both upsample_h and upsample_w, got 9 and 0",
        ),
        (
            Case("Upsample", "mask", "", (normal(*X), normal(2, 4, 6, 6))),
            r"got \(2, 4, 6, 5\) and \(2, 4, 6, 6\)",
        ),
        (Case("Interp", "nothing", "", (normal(*X),)), "give interp_param { height width }"),
        (Case("Interp", "half", "interp_param { height: 3 }", (normal(*X),)), "both height and width"),
        (
            Case("Interp", "twice", "interp_param { height: 3 width: 3 zoom_factor: 2 }", (normal(*X),)),
            "give the size once",
        ),
        (Case("Interp", "zoom", "interp_param { zoom_factor: 0 }", (normal(*X),)), "at least 1"),
        (
            Case("Interp", "pad", "interp_param { height: 3 width: 3 pad_beg: 1 }", (normal(*X),)),
            "pad_beg and pad_end cut off: 0 or negative",
        ),
        (
            Case("Interp", "all", "interp_param { height: 3 width: 3 pad_beg: -3 pad_end: -3 }", (normal(*X),)),
            r"nothing is left of a bottom of shape \(2, 4, 6, 5\) when 6 are cut off",
        ),
        (Case("Reorg", "none", "", (normal(*X),)), r"give reorg_param { stride"),
        (
            Case("Reorg", "odd", "reorg_param { stride: 2 }", (normal(*X),)),
            r"whose channels 4 divides and whose height and width 2 divides, got shape \(2, 4, 6, 5\)",
        ),
        (Case("ShuffleChannel", "none", "", (normal(*X),)), "the number of groups, at least 1"),
        (
            Case("ShuffleChannel", "3", "shuffle_channel_param { group: 3 }", (normal(*X),)),
            r"group \(3\) must divide the channels on axis 1",
        ),
        (
            Case("Axpy", "shapes", "", (normal(2, 3), normal(*X), normal(*X))),
            r"got \(2, 3\), \(2, 4, 6, 5\) and \(2, 4, 6, 5\)",
        ),
        (
            Case(
                "DepthwiseConvolution",
                "groups",
                "convolution_param { num_output: 4 kernel_size: 3 group: 2 }",
                (normal(*X),),
            ),
            'leave group out or make it 4, got 2; for other groups use type: "Convolution"',
        ),
        (
            Case("ConvolutionDepthwise", "maps", "convolution_param { num_output: 6 kernel_size: 3 }", (normal(*X),)),
            r"group \(4\) must divide both the channels \(4\) and num_output \(6\)",
        ),
        (
            Case("BN", "forks", "bn_param { scale_filler { value: 1 } momentum: 0.95 }", (normal(*X),)),
            "two forks: scale_filler of SegNet's BN, momentum of PSPNet's",
        ),
        (Case("BN", "tops", "", (normal(*X),), tops=2), "only SegNet's BN with bn_mode: LEARN"),
        (Case("BN", "axes", "", (normal(5),)), r"BN needs a bottom \(N, C, ...\), got shape \(5,\)"),
        (
            Case("BatchNorm", "filler", "batch_norm_param { filler { value: 0.1 } }", (normal(*X),)),
            "give the filler to the Scale layer behind it",
        ),
        (
            Case(
                "Pooling", "modes", "pooling_param { kernel_size: 2 round_mode: FLOOR ceil_mode: true }", (normal(*X),)
            ),
            "round_mode and ceil_mode say the same thing and disagree",
        ),
        (
            Case(
                "SoftmaxWithLoss",
                "divisor",
                "loss_param { normalization: PRE_FIXED }",
                (normal(4, 5), given([0, 1, 2, 3])),
            ),
            "set pre_fixed_normalizer, above 0",
        ),
        (
            Case(
                "SigmoidCrossEntropyLoss",
                "divisor",
                "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 0 }",
                (normal(4, 5), normal(4, 5)),
            ),
            "set pre_fixed_normalizer, above 0",
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, Case) else "",
)
def test_settings_and_shapes_that_are_refused(case: Case, message: str) -> None:
    with pytest.raises(CaffeError, match=message):
        Bench(case)


def test_a_nan_shows_where_interp_reads_it_and_nowhere_else() -> None:
    bench = Bench(Case("Interp", "nan", "interp_param { zoom_factor: 2 }", (normal(1, 1, 4, 4),)))
    bench.bottom[0].data[0, 0, 2, 1] = np.nan
    (y,) = bench.forward()
    rows, columns = (places - centre for places, centre in zip(np.nonzero(np.isnan(y[0, 0])), (4, 2), strict=True))
    assert sorted(zip(rows, columns, strict=True)) == [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]


@pytest.mark.parametrize("place", [-1, 24])
def test_a_mask_that_names_no_pixel_is_refused_at_its_place(place: int) -> None:
    bench = Bench(Case("Upsample", "mask", "", (normal(1, 1, 2, 3), given([[[[0, 1, 2], [3, place, 5]]]]))))
    with pytest.raises(NetError, match=rf"{place} at \[0, 0, 1, 1\] of the mask.*4 x 6.*not one from 0 to 23"):
        bench.forward()


@pytest.mark.parametrize(("height", "width", "settings"), [(6, 8, ""), (7, 5, "upsample_h: 7 upsample_w: 5")])
def test_maxima_go_back_to_where_the_pooling_took_them_from(height: int, width: int, settings: str) -> None:
    net = caffe_nb.Net.from_text(
        f"""
        layer {{ name: "x" type: "Input" top: "x"
                 input_param {{ shape {{ dim: 2 dim: 3 dim: {height} dim: {width} }} }} }}
        layer {{ name: "pool" type: "Pooling" bottom: "x" top: "pool" top: "mask"
                 pooling_param {{ kernel_size: 2 stride: 2 }} }}
        layer {{ name: "up" type: "Upsample" bottom: "pool" bottom: "mask" top: "up" upsample_param {{ {settings} }} }}
        force_backward: true
        """
    )
    x = distinct(2, 3, height, width)(1) + 100  # all above 0, so that every maximum shows
    net.blobs["x"].data = x
    up = net.forward()["up"]
    assert up.shape == x.shape
    kept = up != 0
    np.testing.assert_array_equal(up[kept], x.astype(np.float32)[kept])
    assert kept.sum() == net.blobs["pool"].count
    net.blobs["up"].diff = 2.5
    net.backward()
    np.testing.assert_array_equal(net.blobs["x"].diff, np.where(kept, 2.5, 0))


def test_weights_of_a_convolution_load_into_a_depthwise_one() -> None:
    text = """
        layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: 2 dim: 4 dim: 6 dim: 5 }} }} }}
        layer {{ name: "conv" type: "{}" bottom: "x" top: "y" convolution_param {{ num_output: 4 kernel_size: 3 {}
                 weight_filler {{ type: "xavier" }} }} }}
    """
    whole = caffe_nb.Net.from_text(text.format("Convolution", "group: 4"))
    x = normal(*X)(0)
    wanted = whole.forward(x=x)["y"]
    for name in ("ConvolutionDepthwise", "DepthwiseConvolution"):
        net = caffe_nb.Net.from_text(text.format(name, ""))
        net.copy_from(whole.to_proto())
        np.testing.assert_array_equal(net.forward(x=x)["y"], wanted)


def test_the_stored_statistics_of_bn_follow_the_batches() -> None:
    bench = Bench(Case("BN", "momentum", "bn_param { momentum: 0.75 }", (normal(3, 2, 4, 5),)))
    mean, variance = (blob.const_data.copy() for blob in bench.layer.blobs[2:])
    bench.forward()
    x = bench.bottom[0].const_data
    for blob, before, batch in (
        (bench.layer.blobs[2], mean, x.mean((0, 2, 3))),
        (bench.layer.blobs[3], variance, x.var((0, 2, 3))),
    ):
        np.testing.assert_allclose(blob.const_data.ravel(), 0.75 * before.ravel() + 0.25 * batch)


@pytest.mark.parametrize(("settings", "phase"), [("frozen: true", Phase.TRAIN), ("", TEST)])
def test_the_gradient_of_stored_statistics_is_that_of_constants(settings: str, phase: Phase) -> None:
    bench = Bench(Case("BN", "stored", f"bn_param {{ eps: 64 {settings} }}", (normal(*X),), phase=phase))
    stored = [blob.const_data.copy() for blob in bench.layer.blobs[2:]]
    bench.forward()
    (diff,) = bench.backward()
    np.testing.assert_allclose(diff, bench.numeric(bench.bottom[0]), rtol=1e-6, atol=1e-9)
    for blob in bench.layer.blobs[:2]:
        np.testing.assert_allclose(blob.const_diff, bench.numeric(blob), rtol=1e-6, atol=1e-9)
    for blob, before in zip(bench.layer.blobs[2:], stored, strict=True):
        np.testing.assert_array_equal(blob.const_data, before)


def test_without_fillers_bn_begins_with_slope_1_and_bias_0() -> None:
    for text in ("", "bn_param { bn_mode: LEARN }"):
        param = text_format.Parse(f'type: "BN" {text}', caffe_pb2.LayerParameter())
        layer = create(param, Context())
        layer.setup(Bench(Case("BN", "any", bottoms=(normal(*X),))).bottom, [])
        assert [float(blob.const_data[0, 0, 0, 0]) for blob in layer.blobs[:2]] == [1, 0]


@pytest.mark.parametrize(("settings", "learning"), [("", [1, 1, 0, 0]), ("bn_param { frozen: true }", [0, 0, 0, 0])])
def test_no_solver_learns_statistics_or_frozen_parameters(settings: str, learning: list[float]) -> None:
    net = caffe_nb.Net.from_text(
        f"""
        layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: 2 dim: 3 dim: 4 dim: 5 }} }} }}
        layer {{ name: "bn" type: "BN" bottom: "x" top: "bn" {settings}
                 param {{ lr_mult: 1 decay_mult: 1 }} param {{ lr_mult: 1 }} param {{ lr_mult: 1 }} }}
        """
    )
    assert net.params_lr == learning
    assert net.params_weight_decay == learning
