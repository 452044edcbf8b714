"""Images and arrays in and out, classifiers, detectors and drawings."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import caffe
import caffe.draw
from caffe_nb.errors import CaffeError, ShapeError

RNG = np.random.default_rng(0)


def picture(path, height, width):
    pixels = RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


def test_an_image_is_rgb_from_0_to_1(tmp_path):
    pixels = picture(tmp_path / "a.png", 5, 7)
    image = caffe.io.load_image(str(tmp_path / "a.png"))
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, pixels / 255, atol=1e-6)
    assert caffe.io.load_image(tmp_path / "a.png", color=False).shape == (5, 7, 1)
    with pytest.raises(FileNotFoundError, match=r"there is no file 'missing\.png'"):
        caffe.io.load_image("missing.png")
    (tmp_path / "b.png").write_text("no image")
    with pytest.raises(CaffeError, match="image"):
        caffe.io.load_image(tmp_path / "b.png")


def test_resizing_to_the_same_size_changes_nothing_and_constants_stay():
    image = RNG.random((4, 5, 3)).astype(np.float32)
    np.testing.assert_array_equal(caffe.io.resize_image(image, (4, 5)), image)
    np.testing.assert_allclose(caffe.io.resize_image(np.full((4, 5, 3), 0.3), (8, 3)), 0.3, rtol=1e-6)


def test_bilinear_resizing_is_what_the_formula_says():
    image = RNG.random((6, 4, 1))
    small = caffe.io.resize_image(image, (3, 2))[..., 0]
    wanted = image[..., 0].reshape(3, 2, 2, 2).mean((1, 3))  # at half the size each pixel lies between four
    np.testing.assert_allclose(small, wanted, atol=1e-6)
    many = caffe.io.resize_image(RNG.random((6, 4, 5)), (3, 2))  # other numbers of channels
    assert many.shape == (3, 2, 5)


def test_resizing_gives_scikit_images_numbers():
    """What `skimage.transform.resize(order=1, mode="constant", anti_aliasing=False)` gave: dark beyond the border."""
    image = (np.arange(12) ** 2).reshape(3, 4, 1).astype(np.float32)
    wanted = [
        [0.1333, 2.0, 6.5333],
        [7.1, 13.7, 23.6333],
        [17.5, 30.5, 46.8333],
        [47.1, 66.5, 89.2333],
        [53.4667, 72.4, 94.0],
    ]
    np.testing.assert_allclose(caffe.io.resize_image(image, (5, 3))[..., 0], wanted, atol=1e-4)


@given(
    st.tuples(st.integers(1, 4), st.integers(2, 6), st.integers(2, 6)),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, 255.0]),
    st.sampled_from([None, 0.25]),
)
def test_deprocess_takes_the_steps_of_preprocess_back(shape, swap, mean, raw, scale):
    channels, height, width = shape
    transformer = caffe.io.Transformer({"data": (1, *shape)})
    transformer.set_transpose("data", (2, 0, 1))
    if swap:
        transformer.set_channel_swap("data", tuple(reversed(range(channels))))
    if mean:
        transformer.set_mean("data", np.arange(channels) / 8)
    if raw:
        transformer.set_raw_scale("data", raw)
    if scale:
        transformer.set_input_scale("data", scale)
    image = np.random.default_rng(1).random((height, width, channels)).astype(np.float32)
    values = transformer.preprocess("data", image)
    assert values.shape == shape
    back = transformer.deprocess("data", values)
    np.testing.assert_allclose(back.reshape(image.shape), image, atol=1e-4)


def test_the_steps_are_in_caffes_order():
    transformer = caffe.io.Transformer({"data": (1, 3, 2, 2)})
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_channel_swap("data", (2, 1, 0))
    transformer.set_raw_scale("data", 10)
    transformer.set_mean("data", np.array([1, 2, 3]))
    transformer.set_input_scale("data", 0.5)
    image = RNG.random((2, 2, 3)).astype(np.float32)
    wanted = (image.transpose(2, 0, 1)[::-1] * 10 - np.array([1, 2, 3])[:, None, None]) * 0.5
    np.testing.assert_allclose(transformer.preprocess("data", image), wanted, rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda t: t.preprocess("dat", np.zeros((2, 2, 3))), "Did you mean 'data'"),
        (lambda t: t.set_mean("data", np.zeros(4)), "4 numbers"),
        (lambda t: t.set_mean("data", np.zeros((3, 5, 5))), "crop or resize it"),
        (lambda t: t.set_transpose("data", (0, 1)), "orders 2"),
        (lambda t: t.set_channel_swap("data", (0, 1)), "3 channels"),
    ],
)
def test_what_does_not_fit_is_said(call, says):
    with pytest.raises(CaffeError, match=says):
        call(caffe.io.Transformer({"data": (1, 3, 2, 2)}))


def test_oversampling_gives_corners_centre_and_mirrors():
    image = np.arange(5 * 6 * 1).reshape(5, 6, 1)
    crops = caffe.io.oversample([image, image], (3, 4))
    assert crops.shape == (20, 3, 4, 1)
    for got, (top, left) in zip(crops, [(0, 0), (0, 2), (2, 0), (2, 2), (1, 1)], strict=False):
        np.testing.assert_array_equal(got, image[top : top + 3, left : left + 4])
    np.testing.assert_array_equal(crops[5:10], crops[:5, :, ::-1])
    with pytest.raises(CaffeError, match="do not fit"):
        caffe.io.oversample([image], (6, 6))


def test_blobs_and_datums_come_back():
    array = RNG.random((2, 3, 4)).astype(np.float32)
    blob = caffe.io.array_to_blobproto(array, diff=array * 2)
    np.testing.assert_array_equal(caffe.io.blobproto_to_array(blob), array)
    np.testing.assert_array_equal(caffe.io.blobproto_to_array(blob, return_diff=True), array * 2)
    old = caffe.proto.caffe_pb2.BlobProto(num=1, channels=2, height=1, width=2, data=[1, 2, 3, 4])
    assert caffe.io.blobproto_to_array(old).tolist() == [[[[1, 2]], [[3, 4]]]]
    arrays = caffe.io.blobprotovector_str_to_arraylist(caffe.io.arraylist_to_blobprotovector_str([array, array[0]]))
    assert [each.shape for each in arrays] == [(2, 3, 4), (3, 4)]
    for image in ((array * 255).astype(np.uint8), array):
        datum = caffe.io.array_to_datum(image, label=7)
        assert datum.label == 7
        back = caffe.io.datum_to_array(datum)
        assert back.dtype == image.dtype
        np.testing.assert_array_equal(back, image)
    with pytest.raises(CaffeError, match="channels, height, width"):
        caffe.io.array_to_datum(array[0])


DEPLOY = """
input: "data" input_dim: 4 input_dim: 3 input_dim: 6 input_dim: 6
layer { name: "mean" type: "Pooling" bottom: "data" top: "mean" pooling_param { pool: AVE global_pooling: true } }
"""


@pytest.fixture
def deploy(tmp_path):
    (tmp_path / "deploy.prototxt").write_text(DEPLOY)
    caffe.Net(str(tmp_path / "deploy.prototxt"), caffe.TEST).save(str(tmp_path / "net.caffemodel"))
    return str(tmp_path / "deploy.prototxt"), str(tmp_path / "net.caffemodel")


def test_a_classifier_takes_the_mean_over_its_crops(deploy):
    classifier = caffe.Classifier(*deploy, image_dims=(8, 8), raw_scale=255, channel_swap=(2, 1, 0), mean=np.ones(3))
    images = [RNG.random((8, 8, 3)).astype(np.float32) for _ in range(3)]
    centre = classifier.predict(images, oversample=False)
    assert centre.shape[:2] == (3, 3)
    for image, got in zip(images, centre, strict=True):
        np.testing.assert_allclose(got.ravel(), image[1:7, 1:7].mean((0, 1))[::-1] * 255 - 1, rtol=1e-4)
    crops = np.stack([caffe.io.oversample([image], (6, 6)).mean((0, 1, 2))[::-1] * 255 - 1 for image in images])
    np.testing.assert_allclose(classifier.predict(images).reshape(3, 3), crops, rtol=1e-4)
    with pytest.raises(CaffeError, match="empty"):
        classifier.predict([])


def test_a_detector_classifies_windows(deploy, tmp_path):
    pixels = picture(tmp_path / "a.png", 20, 30) / 255
    detector = caffe.Detector(*deploy)
    found = detector.detect_windows([(str(tmp_path / "a.png"), np.array([[0, 0, 6, 6], [5, 7, 11, 13]]))])
    assert [each["window"].tolist() for each in found] == [[0, 0, 6, 6], [5, 7, 11, 13]]
    for each in found:
        top, left, bottom, right = each["window"]
        np.testing.assert_allclose(np.ravel(each["prediction"]), pixels[top:bottom, left:right].mean((0, 1)), atol=1e-5)
    assert detector.detect_windows([]) == []
    for window in ([5, 5, 2, 9], [0, 30, 5, 40], [-2, 0, 5, 5], [1, 2, 3]):
        with pytest.raises(ShapeError, match=r"a\.png must"):
            detector.detect_windows([(str(tmp_path / "a.png"), [window])])
    with pytest.raises(CaffeError, match="selective_search"):
        detector.detect_selective_search([str(tmp_path / "a.png")])


@pytest.mark.parametrize("window", [(0, 0, 5, 5), (5, 5, 12, 12), (14, 22, 20, 30), (0, 0, 20, 30)])
def test_context_beyond_the_edge_is_the_mean(deploy, window):
    detector = caffe.Detector(*deploy, mean=np.array([0.25, 0.5, 0.75]), context_pad=1)
    crop = detector.crop(np.full((20, 30, 3), 0.9, np.float32), window)
    assert crop.shape == (6, 6, 3)
    near = [np.isclose(crop, value, atol=1e-5).all(-1) for value in (0.9, [0.25, 0.5, 0.75])]
    assert np.logical_or(*near).all()
    assert near[0][2:4, 2:4].all()
    assert near[1].any() == (window in [(0, 0, 5, 5), (14, 22, 20, 30), (0, 0, 20, 30)])


def net_text():
    n = caffe.NetSpec()
    n.data = caffe.layers.Input(shape=dict(dim=[1, 3, 8, 8]))
    n.conv = caffe.layers.Convolution(n.data, num_output=4, kernel_size=3, param=dict(lr_mult=2))
    n.relu = caffe.layers.ReLU(n.conv, in_place=True)
    n.pool = caffe.layers.Pooling(n.relu, kernel_size=2, include=dict(phase=caffe.TEST))
    return n.to_proto()


def test_a_net_is_drawn_as_text_without_graphviz(tmp_path):
    caffe.draw.draw_net_to_file(net_text(), str(tmp_path / "net.dot"), "TB", display_lrm=True)
    text = (tmp_path / "net.dot").read_text()
    for words in ("digraph", "conv_Convolution", "kernel size: 3", "lr mult: 2", "MAX Pooling", "conv_blob"):
        assert words in text
    assert "pool_Pooling" not in caffe.draw.draw_net(net_text(), "LR", "dot", phase=caffe.TRAIN).decode()
    assert "pool_Pooling" in caffe.draw.draw_net(net_text(), "LR", "dot", phase=caffe.TEST).decode()


def test_without_graphviz_or_pydot_a_picture_is_refused_in_words(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CaffeError, match="needs Graphviz"):
        caffe.draw.draw_net(net_text(), "LR")
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(CaffeError, match=r"pip install \"caffe-nb\[draw\]\""):
        caffe.draw.draw_net(net_text(), "LR")
