"""Tests that want a device take `standin`; those marked `gpu` take a real one, and skip where there is none."""

import pytest

from caffe_nb import device
from tests.device.standin import Standin


@pytest.fixture
def standin():
    stand = Standin()
    with device.using(stand):
        yield stand


@pytest.fixture
def gpu():
    try:
        found = device.CupyDevice()
    except device.DeviceError as error:
        pytest.skip(str(error))
    with device.using(found):
        yield found
