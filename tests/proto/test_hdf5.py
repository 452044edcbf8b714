"""Weights and snapshots in HDF5, as Caffe lays them out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from caffe_nb.errors import FormatError
from caffe_nb.proto import hdf5
from caffe_nb.proto.files import MissingFileError
from caffe_nb.proto.stored import StoredArray

FILES = Path(__file__).parents[1] / "golden" / "files"
WEIGHTS, STATE = FILES / "net.caffemodel.h5", FILES / "s_iter_5.solverstate.h5"


def value(array: StoredArray) -> np.ndarray:
    out = np.full(array.shape, np.nan, np.float32)
    array.data(out)
    return out


def layout(path: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.__setitem__(
                name, (item.shape, item.dtype.str, item[()].tolist()) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found


def test_caffes_weights_are_read_to_the_last_bit() -> None:
    stored = np.load(FILES / "net.npz", allow_pickle=False)
    with hdf5.open_weights(WEIGHTS) as layers:
        found = {f"{layer.name}_{i}": value(array) for layer in layers for i, array in layer.arrays.items()}
        assert {layer.name for layer in layers} == {"input", "conv", "bn", "scale", "ip"}
        assert all(array.certain for layer in layers for array in layer.arrays.values())
    for name, array in found.items():
        np.testing.assert_array_equal(array, stored[name])
    assert len(found) == 9


def test_weights_are_laid_out_as_caffes(tmp_path: Path) -> None:
    with hdf5.open_weights(WEIGHTS) as layers:
        same = [(layer.name, [value(layer.arrays[i]) for i in sorted(layer.arrays)], None) for layer in layers]
    hdf5.write_weights(tmp_path / "w.h5", same)
    assert layout(tmp_path / "w.h5") == layout(WEIGHTS)


def test_states_are_laid_out_as_caffes(tmp_path: Path) -> None:
    with hdf5.open_state(STATE) as state:
        assert (state.iteration, state.current_step, state.learned_net) == (5, 0, "s_iter_5.caffemodel.h5")
        history = [value(array) for array in state.history]
    hdf5.write_state(tmp_path / "s.h5", 5, 0, "s_iter_5.caffemodel.h5", history)
    assert layout(tmp_path / "s.h5") == layout(STATE)


def test_gradients_are_kept_beside_and_shared_arrays_left_out(tmp_path: Path) -> None:
    ones = np.ones(2, np.float32)
    hdf5.write_weights(tmp_path / "w.h5", [("a/one", [ones, None], [ones * 2, ones * 3]), ("a", [], []), ("", [], [])])
    assert {name for name in layout(tmp_path / "w.h5") if name[-1] in "01"} == {
        "data/a/one/0", "diff/a/one/0", "diff/a/one/1",
    }  # fmt: skip
    with hdf5.open_weights(tmp_path / "w.h5") as (layer,):
        assert layer.name == "a/one"
        diff = np.zeros(2)
        assert layer.arrays[0].diff
        layer.arrays[0].diff(diff)
        assert diff.tolist() == [2, 2]


@pytest.mark.parametrize("names", [["a", "a"], [""], ["/a"], ["a/../b", "a/../b"], ["a", "a/0"], ["a/."]])
def test_names_that_hdf5_cannot_keep_are_refused(names: list[str], tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"layer .* cannot be saved as HDF5"):
        hdf5.write_weights(tmp_path / "w.h5", [(name, [np.ones(2)], None) for name in names])


def text_in_place_of_numbers(file: h5py.File) -> None:
    file["data/ip/1"] = "text"


def a_number_beside_the_layers(file: h5py.File) -> None:
    file["data/7"] = 1.0


def a_name_in_a_layer(file: h5py.File) -> None:
    file["data/ip/weights"] = [1.0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (text_in_place_of_numbers, "'data/ip/1' is no array of numbers"),
        (a_number_beside_the_layers, "'data/7' is no array of a layer"),
        (a_name_in_a_layer, "'data/ip/weights' is no array of a layer"),
    ],
)
def test_other_contents_are_refused(change: Callable[[h5py.File], None], words: str, tmp_path: Path) -> None:
    hdf5.write_weights(tmp_path / "w.h5", [("ip", [np.ones(2)], None)])
    with h5py.File(tmp_path / "w.h5", "r+") as file:
        change(file)
    with pytest.raises(FormatError, match=rf"w\.h5: .*{words}"), hdf5.open_weights(tmp_path / "w.h5"):
        pass


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"net\.caffemodel: expected weights in HDF5 .* not an HDF5 file"):
        hdf5.open_weights(FILES / "net.caffemodel").__enter__()
    with pytest.raises(FormatError, match=r"expected weights in HDF5 .* no group 'data'"):
        hdf5.open_weights(STATE).__enter__()
    with pytest.raises(FormatError, match=r"expected a solver's state in HDF5 .* no group 'history'"):
        hdf5.open_state(WEIGHTS).__enter__()
    with pytest.raises(MissingFileError, match=r"Did you mean 'net\.caffemodel\.h5'"):
        hdf5.open_weights(FILES / "nets.caffemodel.h5").__enter__()
    (tmp_path / "cut.h5").write_bytes(WEIGHTS.read_bytes()[:5000])
    with pytest.raises(FormatError, match="truncated"):
        hdf5.open_weights(tmp_path / "cut.h5").__enter__()


def test_arrays_in_pieces_are_not_certain_to_be_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_dataset("data/a/0", data=np.arange(6.0), chunks=(2,), compression="gzip")
    with hdf5.open_weights(tmp_path / "w.h5") as (layer,):
        assert not layer.arrays[0].certain
        assert value(layer.arrays[0]).tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("iter", np.ones(2, np.int32), "no whole number 'iter'"),
        ("learned_net", 3, "its 'learned_net' is no text"),
        ("history/7", np.ones(2), "its history has the names"),
    ],
)
def test_a_state_with_other_contents_is_refused(name: str, content: object, words: str, tmp_path: Path) -> None:
    hdf5.write_state(tmp_path / "s.h5", 1, 0, "m", [np.ones(2)])
    with h5py.File(tmp_path / "s.h5", "r+") as file:
        if name in file:
            del file[name]
        file[name] = content
    with pytest.raises(FormatError, match=words):
        hdf5.open_state(tmp_path / "s.h5").__enter__()
