"""Datums become images."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_nb.data.datum import datum_to_image, parse_datum
from caffe_nb.errors import FormatError
from caffe_nb.proto import caffe_pb2
from tests.data.made import datum, encoded, pixels


def test_bytes_are_taken_as_they_lie() -> None:
    np.testing.assert_array_equal(datum_to_image(datum(pixels(3)), "it"), pixels(3))


def test_floats_are_taken_as_they_are() -> None:
    image = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    read = datum_to_image(datum(image), "it")
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, image)


def test_encoded_images_have_the_channels_that_are_asked_for() -> None:
    made = caffe_pb2.Datum(data=encoded(pixels(3)), encoded=True)
    np.testing.assert_array_equal(datum_to_image(made, "it"), pixels(3))
    assert datum_to_image(made, "it", color=False).shape == (1, 6, 8)
    grey = caffe_pb2.Datum(data=encoded(pixels(3, channels=1)), encoded=True)
    assert datum_to_image(grey, "it").shape == (1, 6, 8)
    np.testing.assert_array_equal(datum_to_image(grey, "it", color=True), np.repeat(pixels(3, channels=1), 3, 0))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (caffe_pb2.Datum(channels=3, height=2, width=2, data=b"12345"), r"\(3, 2, 2\), which need 12 values.*holds 5"),
        (caffe_pb2.Datum(channels=3, height=2, width=2), "need 12 values, and holds 0"),
        (caffe_pb2.Datum(channels=-1, height=-3, width=4, data=bytes(12)), r"\(-1, -3, 4\)"),
        (caffe_pb2.Datum(channels=1, height=2, width=2, float_data=[1, 2, 3]), "holds 3"),
        (caffe_pb2.Datum(data=encoded(pixels(1))), "is it an encoded image whose `encoded` is not set"),
        (caffe_pb2.Datum(data=b"noise", encoded=True), "the image of record 5 cannot be read as an image"),
    ],
)
def test_datums_that_are_refused(made: caffe_pb2.Datum, message: str) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        datum_to_image(made, "record 5")
    assert "record 5" in str(caught.value)


def test_noise_is_no_datum() -> None:
    with pytest.raises(FormatError, match="record 5 is no Datum: its 4 bytes cannot be decoded"):
        parse_datum(b"\xff\xff\xff\xff", "record 5")
    whole = datum(pixels(1)).SerializeToString()
    with pytest.raises(FormatError, match="truncated or damaged"):
        parse_datum(whole[:50], "record 5")
