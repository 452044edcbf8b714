"""Types and fields that Caffe does not have: refused all at once, or taken by a layer of the user's own."""

import pytest
from google.protobuf import text_format

import caffe
import caffe_nb
from caffe_nb.core import registry
from caffe_nb.errors import NetError, PrototxtError
from caffe_nb.live import reload
from caffe_nb.proto import binary, caffe_pb2

DATA = 'layer { name: "d" type: "Input" top: "d" input_param { shape { dim: 2 dim: 4 } } }\n'
FORK = (
    DATA
    + """layer { name: "m" type: "Maxout" bottom: "d" top: "m" maxout_param { pieces: 2 mode: MAX
    roi { a: 1 a: 2 } s: "x" 'y' } }
layer { name: "n" type: "Foo" bottom: "m" top: "n"
  foo_param: [1, 2] foo_flag: true }
layer { name: "t" type: "Bar" bottom: "m" top: "t" include { phase: TEST } }
"""
)


class Same(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data


@pytest.fixture
def registered():
    """Registers types and forgets them again."""
    names = []

    def add(name, cls=Same, **kwargs):
        names.append(name)
        return caffe_nb.register_layer(name, cls, **kwargs)

    yield add
    for name in set(names):
        if registry.is_users(name):
            caffe_nb.unregister_layer(name)


def test_one_error_lists_every_unknown_type_and_field_with_its_line():
    with pytest.raises(PrototxtError) as error:
        caffe_nb.Net.from_text(FORK)
    lines = [line.strip() for line in str(error.value).split("\n")]
    assert "5 things in this text are unknown" in lines[0]
    places = [line.split(":")[0] for line in lines[1:6]]
    assert sorted(places) == ["line 2", "line 2, column 55", "line 4", "line 5, column 21", "line 5, column 3"]
    for word in ("'Maxout'", "'maxout_param'", "'Foo'", "'foo_param'", "'foo_flag'"):
        assert sum(word in line for line in lines[1:6]) == 1
    assert "caffe_nb.register_layer('Maxout', YourClass)" in lines[-1]
    assert (error.value.line, error.value.column) == (2, 55)


def test_a_type_of_the_other_phase_does_not_matter(registered):
    registered("Maxout")
    registered("Foo")
    net = caffe_nb.Net.from_text(FORK)
    assert [layer.type for layer in net.layers] == ["Input", "Maxout", "Foo"]
    with pytest.raises(NetError, match="unknown layer type 'Bar'"):
        caffe_nb.Net.from_text(FORK, caffe.TEST)


def test_the_layer_gets_the_fields_as_plain_data(registered):
    registered("Maxout")
    registered("Foo")
    net = caffe_nb.Net.from_text(FORK)
    assert net.layers[1].extra_params == {"maxout_param": {"pieces": 2, "mode": "MAX", "roi": {"a": [1, 2]}, "s": "xy"}}
    assert net.layers[2].extra_params == {"foo_param": [1, 2], "foo_flag": True}
    net.forward(d=[[1, 2, 3, 4]] * 2)
    assert net.blobs["n"].data[0].tolist() == [1, 2, 3, 4]


def test_unknown_fields_of_a_known_block_go_to_the_layer_too(registered):
    registered("MyPool")
    text = DATA + 'layer { name: "p" type: "MyPool" bottom: "d" top: "p" pooling_param { kernel_size: 2 soft: .5 } }'
    layer = caffe_nb.Net.from_text(text).layers[1]
    assert layer.extra_params == {"pooling_param": {"soft": 0.5}}
    assert layer.layer_param.pooling_param.kernel_size == 2


def test_a_known_type_takes_no_unknown_field():
    with pytest.raises(PrototxtError, match="has no field 'soft'") as error:
        caffe_nb.Net.from_text(DATA + 'layer { name: "r" type: "ReLU" bottom: "d" top: "d" soft: 1 }')
    assert "^" in str(error.value)  # alone it is shown in its line
    with pytest.raises(PrototxtError, match="2 things"):
        caffe_nb.Net.from_text(DATA + 'layer { name: "r" type: "ReLU" bottom: "d" top: "d" soft: 1 hard { a: 2 } }')


def test_fields_outside_of_layers_are_listed():
    with pytest.raises(PrototxtError, match="a net has no field 'author'"):
        caffe_nb.Net.from_text('author: "me" year: 2014\n' + DATA)


def test_a_file_and_a_solver_that_names_it_say_the_same(tmp_path):
    (tmp_path / "net.prototxt").write_text(FORK)
    (tmp_path / "solver.prototxt").write_text('net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed"')
    for make, name in (
        (caffe.SGDSolver, "solver.prototxt"),
        (lambda path: caffe.Net(path, caffe.TRAIN), "net.prototxt"),
    ):
        with pytest.raises(PrototxtError, match="5 things"):
            make(str(tmp_path / name))


def test_several_unknown_fields_of_a_solver_are_listed(tmp_path):
    (tmp_path / "s.prototxt").write_text('base_lr: 0.1\nwarm: 1\nplateau: 2\nlr_policy: "fixed"')
    with pytest.raises(PrototxtError, match=r"(?s)line 2, column 1.*'warm'.*line 3, column 1.*'plateau'"):
        caffe.SGDSolver(str(tmp_path / "s.prototxt"))


V1 = """input: "d" input_dim: 2 input_dim: 4 input_dim: 1 input_dim: 1
layers { name: "m" type: MAX_OUT bottom: "d" top: "m" max_param { a: 1 } }
layers [ { name: "n" type: FOO bottom: "m" top: "n" }, { name: "r" type: RELU bottom: "n" top: "n" } ]
"""
V0 = """input: "d" input_dim: 2 input_dim: 4 input_dim: 1 input_dim: 1
layers { layer { name: "m" type: "maxout" pieces: 2 } bottom: "d" top: "m" }
layers { layer { name: "n" type: "foo" } bottom: "m" top: "n" }
"""


@pytest.mark.parametrize(
    ("text", "types", "extra"),
    [(V1, ["MAX_OUT", "FOO"], {"max_param": {"a": 1}}), (V0, ["maxout", "foo"], {"pieces": 2})],
)
def test_types_that_an_old_format_does_not_have_are_treated_alike(registered, text, types, extra):
    with pytest.raises(PrototxtError, match="3 things") as error:
        caffe_nb.Net.from_text(text)
    assert [
        f"line {line}: layer '{name}' is of the unknown type '{kind}'" in str(error.value)
        for line, name, kind in zip((2, 3), "mn", types, strict=True)
    ] == [True, True]
    for kind in types:
        registered(kind)
    net = caffe_nb.Net.from_text(text)
    assert [layer.type for layer in net.layers][1:3] == types
    assert net.layers[1].extra_params == extra
    assert net.layers[2].extra_params == {}


def test_weights_of_an_old_format_with_unknown_types_are_read(tmp_path):
    old = caffe_pb2.NetParameter()
    old.layers.add().layer.CopyFrom(caffe_pb2.V0LayerParameter(name="f", type="fork_only"))
    text_format.Parse("shape { dim: 1 dim: 4 } data: [1, 2, 3, 4]", old.layers[0].layer.blobs.add())
    (tmp_path / "old.caffemodel").write_bytes(old.SerializeToString())
    net = caffe_nb.Net.from_text(
        DATA + 'layer { name: "f" type: "InnerProduct" bottom: "d" top: "f" '
        "inner_product_param { num_output: 1 bias_term: false } }"
    )
    net.copy_from(str(tmp_path / "old.caffemodel"))
    assert net.params["f"][0].data.tolist() == [[1, 2, 3, 4]]
    assert binary.read_net(tmp_path / "old.caffemodel").layer[0].type == "fork_only"


def test_nets_inside_a_solver_take_fields_for_registered_layers(tmp_path, registered):
    inside = DATA + 'layer { name: "m" type: "MyScale" bottom: "d" top: "m" scale_by: 3 loss_weight: 1 }'
    path = tmp_path / "s.prototxt"
    path.write_text(f'base_lr: 0.1 lr_policy: "fixed"\nnet_param {{ {inside} }}')
    with pytest.raises(PrototxtError, match=r"(?s)scale_by.*register_layer"):
        caffe.SGDSolver(str(path))
    registered("MyScale")
    assert caffe.SGDSolver(str(path)).net.layers[1].extra_params == {"scale_by": 3}


def test_an_unknown_block_at_the_end_of_the_text_is_one_unknown_field():
    with pytest.raises(PrototxtError, match="2 things"):
        caffe_nb.Net.from_text("tag: 1\n" + DATA + 'notes { a: 1\n  b: "x"\n}')


def test_a_solver_that_is_opened_as_a_net_is_told_so(tmp_path):
    (tmp_path / "s.prototxt").write_text('base_lr: 0.1\nlr_policy: "fixed"')
    with pytest.raises(PrototxtError, match="field of a solver: is this the right file"):
        caffe.Net(str(tmp_path / "s.prototxt"), caffe.TEST)


def test_built_in_names_are_refused_unless_told(registered):
    with pytest.raises(NetError, match="built-in"):
        registered("ReLU")
    registered("ReLU", override=True)
    text = DATA + 'layer { name: "r" type: "ReLU" bottom: "d" top: "r" }'
    assert isinstance(caffe_nb.Net.from_text(text).layers[1], Same)
    caffe_nb.unregister_layer("ReLU")
    assert not isinstance(caffe_nb.Net.from_text(text).layers[1], Same)


def test_only_layers_are_taken():
    with pytest.raises(NetError, match=r"subclass of caffe\.Layer"):
        caffe_nb.register_layer("X", dict)
    with pytest.raises(NetError, match="the name of a layer type is a text"):
        caffe_nb.register_layer("", caffe_nb.Layer)
    with pytest.raises(NetError, match="not a type"):
        caffe_nb.unregister_layer("X")


def test_it_is_a_decorator_and_registering_again_replaces(registered):
    @caffe_nb.register_layer("Twice")
    class First(Same):
        pass

    assert isinstance(First, type)
    registered("Twice", Same)
    net = caffe_nb.Net.from_text(DATA + 'layer { name: "t" type: "Twice" bottom: "d" top: "t" }')
    assert type(net.layers[1]) is Same


def test_an_edit_of_its_file_reaches_the_net(tmp_path, monkeypatch, registered):
    monkeypatch.chdir(tmp_path)
    code = (
        "import caffe\nclass Times(caffe.Layer):\n    def reshape(self, bottom, top):\n"
        "        top[0].reshape(*bottom[0].shape)\n    def forward(self, bottom, top):\n"
        "        top[0].data[...] = bottom[0].data * 2\n"
    )
    (tmp_path / "times.py").write_text(code)
    host = caffe_nb.Net.from_text(
        DATA + 'layer { name: "h" type: "Python" bottom: "d" top: "h" python_param { module: "times" layer: "Times" } }'
    )
    registered("Times", type(host.layers[1]))
    net = caffe_nb.Net.from_text(DATA + 'layer { name: "t" type: "Times" bottom: "d" top: "t" times_param { n: 1 } }')
    assert net.forward(d=[[1] * 4] * 2)["t"][0, 0] == 2
    (tmp_path / "times.py").write_text(code.replace("* 2", "* 3"))
    assert [swap.ok for swap in reload()] == [True]
    assert net.forward()["t"][0, 0] == 3
    assert net.layers[1].extra_params == {"times_param": {"n": 1}}
