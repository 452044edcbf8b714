"""Where the layer types are: each in the module of its name, which is imported when a net first asks for it."""

from __future__ import annotations

import subprocess
import sys

from caffe_nb.core.registry import layer_class
from caffe_nb.layers import layer_types

FRESH = """
import sys
import caffe
import caffe_nb
import pytest
from caffe_nb.core import registry
from caffe_nb.errors import NetError

DATA = 'layer { name: "d" type: "Input" top: "d" input_param { shape { dim: 2 } } }'
sigmoid, threshold = (f"caffe_nb.layers.activation.{name}" for name in ("sigmoid", "threshold"))
net = caffe_nb.Net.from_text(DATA + 'layer { name: "s" type: "Sigmoid" bottom: "d" top: "s" }')
assert sigmoid in sys.modules and threshold not in sys.modules
assert not registry.is_known("sigmoid") and not registry.is_known("Thresholt")

class Mine(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(2)

caffe_nb.register_layer("Threshold", Mine, override=True)
import caffe_nb.layers.activation.threshold
text = DATA + 'layer { name: "t" type: "Threshold" bottom: "d" top: "t" }'
assert isinstance(caffe_nb.Net.from_text(text).layer_dict["t"], Mine)
caffe_nb.unregister_layer("Threshold")
assert caffe_nb.Net.from_text(text).layer_dict["t"].type == "Threshold"
with pytest.raises(NetError, match="Did you mean 'ROIPooling'"):
    caffe_nb.Net.from_text(DATA + 'layer { name: "r" type: "ROIPoling" bottom: "d" top: "r" }')
assert "caffe_nb.layers.contrib.roi_pooling" in sys.modules
"""


def test_a_type_lies_in_the_module_of_its_name() -> None:
    classes = {name: cls for name in layer_types() if (cls := layer_class(name))}
    assert len(classes) > 70
    for name, cls in classes.items():
        assert cls.__module__.rpartition(".")[2].replace("_", "") == name.lower()


def test_its_module_is_imported_when_a_net_asks_for_it() -> None:
    subprocess.run([sys.executable, "-c", FRESH], check=True)
