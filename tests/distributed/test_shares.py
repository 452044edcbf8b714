"""Each process's share of the data: together the global batch of one process, in any order of files and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import lmdb
import numpy as np
import pytest
from PIL import Image

from caffe_nb import Net, ranks, rng
from caffe_nb.distributed.turns import take_turns
from caffe_nb.errors import NetError
from caffe_nb.proto import caffe_pb2
from caffe_nb.ranks import Share

ITEMS = 11


@pytest.fixture(autouse=True)
def _alone_again() -> Iterator[None]:
    yield
    ranks.set_share(ranks.ALONE)


def hdf5(folder: Path) -> str:
    for name, rows in (("a", range(7)), ("b", range(7, ITEMS))):
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["data"] = file["label"] = np.array(rows, np.float32)
    (folder / "list.txt").write_text("a.h5 b.h5")
    return 'type: "HDF5Data" hdf5_data_param { source: "list.txt" batch_size: BATCH SHUFFLE }'


def database(folder: Path) -> str:
    with lmdb.open(str(folder / "db"), map_size=1 << 20) as made, made.begin(write=True) as transaction:
        for number in range(ITEMS):
            datum = caffe_pb2.Datum(channels=1, height=1, width=1, data=bytes([number]), label=number)
            transaction.put(b"%05d" % number, datum.SerializeToString())
    return 'type: "Data" data_param { source: "db" backend: LMDB batch_size: BATCH SHUFFLE }'


def images(folder: Path) -> str:
    for number in range(ITEMS):
        Image.fromarray(np.full((1, 1), number, np.uint8)).save(folder / f"{number}.png")
    (folder / "list.txt").write_text("\n".join(f"{number}.png {number}" for number in range(ITEMS)))
    return 'type: "ImageData" image_data_param { source: "list.txt" batch_size: BATCH is_color: false SHUFFLE }'


KINDS = [hdf5, database, images]


def labels(folder: Path, layer: str, share: Share, batch: int, batches: int, phase: int = 0) -> list[list[int]]:
    ranks.set_share(share)
    rng.set_random_seed(5)
    text = layer.replace("BATCH", str(batch))
    net = Net.from_text(f'layer {{ name: "d" {text} top: "data" top: "label" }}', phase, folder=folder)
    found = []
    for _ in range(batches):
        net.forward()
        assert net.blobs["data"].data.ravel().tolist() == net.blobs["label"].data.tolist()
        found.append([int(label) for label in net.blobs["label"].data])
    return found


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_shares_are_the_global_batch(tmp_path: Path, kind: Callable[[Path], str], size: int) -> None:
    layer = kind(tmp_path).replace("SHUFFLE", "")
    whole = labels(tmp_path, layer, ranks.ALONE, 2 * size, 12)
    shares = [labels(tmp_path, layer, Share(rank, size, 9), 2, 12) for rank in range(size)]
    for batch, parts in zip(whole, zip(*shares, strict=True), strict=True):
        assert np.stack(parts, axis=1).ravel().tolist() == batch  # item i is that of rank i % size


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_shuffled_shares_make_whole_rounds_each_in_another_order(tmp_path: Path, kind: Callable[[Path], str]) -> None:
    layer = kind(tmp_path).replace("SHUFFLE", "shuffle: true")
    shares = [labels(tmp_path, layer, Share(rank, 2, 9), 1, ITEMS) for rank in range(2)]
    order = np.stack([np.ravel(share) for share in shares], axis=1).ravel().tolist()
    first, second = order[:ITEMS], order[ITEMS:]
    assert sorted(first) == sorted(second) == list(range(ITEMS))
    assert first != second
    assert first != list(range(ITEMS))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_test_data_is_not_divided(tmp_path: Path, kind: Callable[[Path], str]) -> None:
    layer = kind(tmp_path).replace("SHUFFLE", "")
    assert labels(tmp_path, layer, Share(1, 2, 9), 4, 1, phase=1) == [[0, 1, 2, 3]]


@pytest.mark.parametrize("kind", [database, images], ids=lambda kind: kind.__name__)
def test_more_processes_than_items_are_refused(tmp_path: Path, kind: Callable[[Path], str]) -> None:
    layer = kind(tmp_path).replace("SHUFFLE", "")
    with pytest.raises(NetError, match="fewer than the 12 processes"):
        labels(tmp_path, layer, Share(1, 12, 9), 1, 1)


def test_memory_data_that_all_are_given_is_shared_out() -> None:
    data, given = np.arange(12, dtype=np.float32), []
    for rank in range(3):
        ranks.set_share(Share(rank, 3, 9))
        net = Net.from_text(
            'layer { name: "m" type: "MemoryData" top: "data" top: "label"'
            " memory_data_param { batch_size: 2 channels: 1 height: 1 width: 1 } }"
        )
        net.set_input_arrays(data.reshape(-1, 1, 1, 1), data)
        net.forward()
        net.forward()
        given.append(net.blobs["label"].data.tolist())
    assert given == [[6, 9], [7, 10], [8, 11]]


def test_processes_draw_other_augmentations(tmp_path: Path) -> None:
    layer = images(tmp_path).replace("SHUFFLE", "rand_skip: 5")
    starts = [labels(tmp_path, layer, Share(rank, 2, 9), 1, 1)[0][0] for rank in range(2)]
    assert (starts[1] - starts[0]) % ITEMS == 1  # the same skip for both, and then turn by turn


COUNTING = """
import numpy as np
import caffe

class Counting(caffe.Layer):
    def setup(self, bottom, top):
        self.batch = -1

    def reshape(self, bottom, top):
        top[0].reshape(2)

    def forward(self, bottom, top):
        self.batch += 1
        top[0].data[...] = self.batch, np.random.randint(1000)

    def backward(self, top, propagate_down, bottom):
        pass
"""


def test_a_shared_python_layer_gives_each_process_its_turn(tmp_path: Path) -> None:
    (tmp_path / "counting.py").write_text(COUNTING)
    text = (
        'layer { name: "c" type: "Python" top: "c"'
        ' python_param { module: "counting" layer: "Counting" share_in_parallel: true } }'
    )
    seen: dict[int, int] = {}
    for rank in range(3):
        net = Net.from_text(text, folder=tmp_path)
        take_turns(net, Share(rank, 3, 9))
        np.random.seed(rank)
        for turn in range(4):
            net.forward()
            batch, drawn = net.blobs["c"].data
            assert batch == turn * 3 + rank
            seen[int(batch)] = int(drawn)
    one = np.random.RandomState(9)
    assert [seen[batch] for batch in range(12)] == [one.randint(1000) for _ in range(12)]
