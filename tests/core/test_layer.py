"""The base of all layers, and the registry that makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caffe_nb.core import registry
from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer, Phase
from caffe_nb.core.registry import Context, create, layer_class, layer_types, register, register_factory
from caffe_nb.errors import NetError
from caffe_nb.proto import caffe_pb2


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_factories", {})
    monkeypatch.setattr(registry, "_classes", {})
    monkeypatch.setattr(registry, "_load", [])  # else the built-in types would be registered here, and nowhere later


def test_a_phase_is_a_number_that_prints_as_its_name() -> None:
    assert [int(phase) for phase in Phase] == [0, 1]
    assert f"{Phase.TRAIN} {Phase.TEST}" == "TRAIN TEST"
    assert Phase(caffe_pb2.TEST) is Phase.TEST


def test_every_method_may_be_left_out() -> None:
    layer = Layer()
    layer.attach(caffe_pb2.LayerParameter(), Phase.TEST)
    bottom, top = [Blob(2)], [Blob(2)]
    layer.setup(bottom, top)
    layer.reshape(bottom, top)
    layer.forward(bottom, top)
    layer.backward(top, [True], bottom)
    assert top[0].shape == (2,)


def test_a_layer_knows_its_text_phase_and_type_before_its_constructor_runs() -> None:
    seen: list[Any] = []

    @register("Curious")
    class Curious(Layer):
        """Looks at itself."""

        def __init__(self, p_object: Any = None) -> None:
            super().__init__(p_object)
            seen.extend([self.layer_param.name, self.phase, self.dtype, len(self.blobs)])

    layer = create(caffe_pb2.LayerParameter(name="a", type="Curious"), Context(Phase.TEST, np.dtype(np.float64)))
    assert isinstance(layer, Curious)
    assert seen == ["a", Phase.TEST, np.float64, 0]
    assert layer.type == "Curious"
    assert layer.blobs.add_blob(2).dtype == np.float64


def test_types_are_listed_in_order() -> None:
    for name in ("B", "A"):
        register(name)(type(name, (Layer,), {}))
    assert layer_types() == ["A", "B"]
    cls = layer_class("A")
    assert cls is not None
    assert cls.type_name == "A"
    assert layer_class("C") is None


def test_a_factory_chooses_the_class_by_the_text(tmp_path: Path) -> None:
    class Found(Layer):
        """What the factory found."""

    def make(param: caffe_pb2.LayerParameter, context: Context) -> Layer:
        layer = Found()
        layer.attach(param, context.phase, context.dtype)
        layer.param_str = str(context.folder)
        return layer

    register_factory("Hosted", make)
    layer = create(caffe_pb2.LayerParameter(type="Hosted"), Context(folder=tmp_path))
    assert isinstance(layer, Found)
    assert layer.param_str == str(tmp_path)
    assert layer_class("Hosted") is None


def test_an_unknown_type_is_named_with_near_misses_and_all_that_are_known() -> None:
    for name in ("Convolution", "Pooling"):
        register(name)(type(name, (Layer,), {}))
    with pytest.raises(NetError, match=r"unknown layer type 'Convolutoin'\. Did you mean 'Convolution'\?.*Pooling"):
        create(caffe_pb2.LayerParameter(type="Convolutoin"), Context())


def test_force_backward_does_not_ask_for_the_gradient_of_labels() -> None:
    class Loss(Layer):
        """Takes a label as its second bottom."""

        label_bottoms = (1,)

    assert [Loss().allow_force_backward(i) for i in (0, 1)] == [True, False]
