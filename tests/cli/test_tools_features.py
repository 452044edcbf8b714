"""extract-features and classify: what a net says of a database and of images."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from caffe_nb.cli.main import main
from caffe_nb.core.layer import Phase
from caffe_nb.data.cursor import Records
from caffe_nb.data.datum import datum_to_image, parse_datum
from caffe_nb.net import Net
from caffe_nb.proto.binary import array_to_blob, write_blob
from caffe_nb.pycaffe.classifier import Classifier
from caffe_nb.pycaffe.io import load_image
from tests.data.made import Array, datum, pixels, write_images, write_lmdb

NET = """
layer { name: "d" type: "Data" top: "data" top: "label"
        data_param { source: "images_lmdb" backend: LMDB batch_size: 4 } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
        inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "mean" type: "Reduction" bottom: "ip" top: "mean" }
layer { name: "five" type: "Reshape" bottom: "ip" top: "five"
        reshape_param { shape { dim: 4 dim: 5 dim: 1 dim: 1 dim: 1 } } }
"""
DEPLOY = """
layer { name: "d" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 6 dim: 6 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Net:
    """`net.prototxt` and `net.caffemodel`, over a database of six images; the working directory."""
    monkeypatch.chdir(tmp_path)
    write_lmdb(tmp_path / "images_lmdb", [datum(pixels(index), index) for index in range(6)])
    Path("net.prototxt").write_text(NET)
    made = Net("net.prototxt", Phase.TEST)
    made.save("net.caffemodel")
    return made


def extract(*words: str) -> int:
    return main(["extract_features", "net.caffemodel", "net.prototxt", *words])


def features(database: str, backend: str = "LMDB") -> tuple[list[str], Array]:
    found = list(Records(database, backend, None).once())
    images = [datum_to_image(parse_datum(value, where), where) for where, value in found]
    return [where.split("'")[1] for where, _ in found], np.stack(images)


def test_features_are_what_the_net_computes(net: Net, capfd: pytest.CaptureFixture[str]) -> None:
    assert extract("conv,ip,mean", "a,b,c", "3", "lmdb") == 0
    expected: dict[str, list[Array]] = {"conv": [], "ip": []}
    for _ in range(3):
        net.forward()
        for name, rows in expected.items():
            rows.extend(net.blobs[name].data.copy())
    keys, conv = features("a")
    assert keys == [f"{index:010d}" for index in range(12)]
    assert np.array_equal(conv, np.stack(expected["conv"]))
    _, ip = features("b")
    assert ip.shape == (12, 5, 1, 1)
    assert np.array_equal(ip[:, :, 0, 0], np.stack(expected["ip"]))
    assert features("c")[1].shape == (3, 1, 1, 1)
    log = capfd.readouterr().err
    assert "] Extracting Features\n" in log
    assert "] Extracted features of 12 query images for feature blob conv\n" in log
    assert log.endswith("] Successfully extracted the features!\n")


def test_features_in_a_leveldb(net: Net) -> None:
    pytest.importorskip("plyvel", reason="it has no wheels for this Python")
    assert extract("ip", "a", "1", "leveldb", "CPU", "DEVICE_ID=0") == 0
    net.forward()
    assert np.array_equal(features("a", "LEVELDB")[1][:, :, 0, 0], net.blobs["ip"].data)


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["ip,conv", "a", "1", "lmdb"], 2, "each blob needs a database: got 2 blobs and 1 databases"),
        (["ip,conv", "a,a", "1", "lmdb"], 2, "each blob needs a database of its own"),
        (["ip", "a", "0", "lmdb"], 2, "NUM_BATCHES: expected a number from 1 up, got '0'"),
        (["ip", "a", "two", "lmdb"], 2, "NUM_BATCHES"),
        (["ip", "a", "1", "lmdb", "TPU"], 2, "after DB_TYPE comes CPU or GPU, not 'TPU'"),
        (["ip", "a", "1", "lmdb", "CPU", "x"], 2, "DEVICE_ID is the number of a GPU, not 'x'"),
        (["ip", "a", "1", "lmdbb"], 1, "unknown database backend 'lmdbb': lmdb or leveldb. Did you mean 'lmdb'?"),
        (["conw", "a", "1", "lmdb"], 1, "the net has no blob 'conw'. Did you mean 'conv'?"),
        (["ip,five", "a,b", "1", "lmdb"], 1, "blob 'five' has shape (4, 5, 1, 1, 1)"),
        (["ip", "images_lmdb", "1", "lmdb"], 1, "'images_lmdb' exists already"),
    ],
)
def test_refused_before_anything_is_left(
    net: Net, capfd: pytest.CaptureFixture[str], words: list[str], status: int, message: str
) -> None:
    before = set(Path().iterdir())
    assert extract(*words) == status
    assert message in capfd.readouterr().err
    assert set(Path().iterdir()) == before


@pytest.fixture
def classifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options that name `deploy.prototxt` and its weights; three images in `images/`; the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("deploy.prototxt").write_text(DEPLOY)
    Net("deploy.prototxt", Phase.TEST).save("deploy.caffemodel")
    Path("images").mkdir()
    write_images(Path("images"), 3, 9, 11)
    return ["-model_def", "deploy.prototxt", "--pretrained_model=deploy.caffemodel", "-images_dim", "8,10"]


def predicted(oversample: bool = True, **options: object) -> Array:
    settings: dict[str, object] = {"image_dims": (8, 10), "raw_scale": 255.0, "channel_swap": (2, 1, 0)} | options
    net = Classifier("deploy.prototxt", "deploy.caffemodel", **settings)  # type: ignore[arg-type]
    return net.predict([load_image(f"images/{index}.png") for index in range(3)], oversample)


def test_a_folder_is_classified_in_the_order_of_its_names(
    classifier: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", "images", "out.npy", "--ext", "png", *classifier]) == 0
    assert np.array_equal(np.load("out.npy"), predicted())
    said = capfd.readouterr().out
    assert "Loading folder: images\nClassifying 3 inputs.\n" in said
    assert said.endswith("Saving results into out.npy\n")


def test_a_file_and_an_array(classifier: list[str]) -> None:
    assert main(["classify.py", "images/1.png", "file", "--center_only", *classifier]) == 0
    np.testing.assert_allclose(np.load("file.npy"), predicted(oversample=False)[1:2], rtol=1e-6)
    np.save("in.npy", np.stack([load_image(f"images/{index}.png") for index in range(3)]))
    assert main(["classify", "in.npy", "array.npy", *classifier]) == 0
    assert np.array_equal(np.load("array.npy"), predicted())


def test_gpu_is_a_switch_as_it_was(
    classifier: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert main(["classify.py", "--gpu", "images/1.png", "out.npy", *classifier]) == 1
    assert "-gpu 0: computing on a GPU needs CuPy" in capfd.readouterr().err


def test_the_net_sees_the_pixels_as_caffe_has_them(classifier: list[str]) -> None:
    options = ["--center_only", "-ext=png", *classifier, "-images_dim=9,11"]
    assert main(["classify", "images", "out.npy", *options]) == 0
    weights, bias = (blob.data for blob in Net("deploy.prototxt", "deploy.caffemodel", Phase.TEST).params["ip"])
    centres = np.stack([pixels(index, 9, 11)[:, 1:7, 2:8] for index in range(3)])  # blue, green, red; 0 to 255
    scores = centres.reshape(3, -1) @ weights.T + bias
    powers = np.exp(scores - scores.max(1, keepdims=True))
    np.testing.assert_allclose(np.load("out.npy"), powers / powers.sum(1, keepdims=True), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("file", ["mean.npy", "mean.binaryproto"])
def test_a_mean_and_the_scales(classifier: list[str], file: str) -> None:
    mean = np.random.default_rng(1).uniform(0, 100, (3, 6, 6)).astype(np.float32)
    np.save("mean.npy", mean)
    write_blob("mean.binaryproto", array_to_blob(mean[None]))
    scales = ["-mean_file", file, "-raw_scale", "100", "-input_scale=0.5", "-channel_swap="]
    assert main(["classify", "images", "out.npy", "-ext", ".png", *classifier, *scales]) == 0
    expected = predicted(mean=mean, raw_scale=100.0, input_scale=0.5, channel_swap=None)
    assert np.array_equal(np.load("out.npy"), expected)


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["images/7.png"], 1, "there is no file '7.png'"),
        (["images"], 2, "'images' has no .jpg files; -ext says another ending"),
        (["deploy.prototxt"], 1, "deploy.prototxt cannot be read as an image: it is no JPEG, PNG or other image file"),
        (["odd.npy"], 1, "odd.npy: not a .npy file of numbers"),
        (["flat.npy"], 1, "expected images of shape (images, height, width, channels), got an array of shape (3,)"),
        (["images", "-images_dim=8"], 2, "-images_dim is a height and a width: 256,256; got '8'"),
        (["images", "-channel_swap=b,g,r"], 2, "-channel_swap takes whole numbers with commas between, got 'b,g,r'"),
        (["images", "-ext=png", "-mean_file=images/0.png"], 1, "expected an array (.binaryproto)"),
        (["images", "-ext=png", "-pretrained_model=x.caffemodel"], 1, "there is no file 'x.caffemodel'"),
    ],
)
def test_what_cannot_be_classified(
    classifier: list[str], capfd: pytest.CaptureFixture[str], words: list[str], status: int, message: str
) -> None:
    np.save("odd.npy", np.array([{"a": 1}], object), allow_pickle=True)
    np.save("flat.npy", np.zeros(3))
    assert main(["classify", words[0], "out.npy", *classifier, *words[1:]]) == status
    assert message in capfd.readouterr().err
    assert not Path("out.npy").exists()
