"""The five methods, alone and over MPI, and what is built on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe_nb import Net
from caffe_nb.distributed import Alone, RankError
from caffe_nb.distributed.buckets import BUCKET, plan
from caffe_nb.distributed.communicator import broadcast_text, gather
from caffe_nb.distributed.faults import together
from tests.distributed.conftest import start

SCRIPT = """
import numpy as np
from caffe_nb.distributed import RankError, world
from caffe_nb.distributed.communicator import broadcast_text, gather
from caffe_nb.distributed.faults import together

comm = world()
assert comm.size == 3
values = np.full(1000, comm.rank, np.float32)
under_way = comm.allreduce(values)
comm.barrier()
under_way.wait()
assert (values == 3).all()
comm.broadcast(values := np.full(3, comm.rank), 2)
assert (values == 2).all()
assert gather(comm, "ä" * comm.rank) == ["", "ä", "ää"]
assert broadcast_text(comm, f"from {comm.rank}") == "from 0"

def fails():
    if comm.rank == 1:
        raise ValueError("not here")
    return comm.rank

try:
    together(comm, fails)
except RankError as error:
    assert [fault.rank for fault in error.faults] == [1]
    assert error.mine == (comm.rank == 1)
    assert "ValueError: not here" in str(error)
assert together(comm, lambda: comm.rank) == comm.rank
print("well", flush=True)
"""


def test_over_mpi(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    out, err = start(tmp_path, 3, "script.py").communicate(timeout=60)
    assert out.count("well") == 3, err  # their lines may run into one another


def test_alone_everything_is_there_at_once() -> None:
    comm, values = Alone(), np.arange(3.0)
    comm.allreduce(values).wait()
    comm.broadcast(values)
    comm.barrier()
    assert values.tolist() == [0, 1, 2]
    assert gather(comm, "x") == ["x"]
    assert broadcast_text(comm, "y") == "y"
    with pytest.raises(RankError, match=r"rank 0 \(process \d+ on \S+\): ZeroDivisionError"):
        together(comm, lambda: 1 / 0)


def test_buckets_follow_backward_and_large_parameters_have_their_own() -> None:
    many = BUCKET // 4 // 8
    net = Net.from_text(f"""
        layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: 2 dim: 8 }} }} }}
        layer {{ name: "a" type: "InnerProduct" bottom: "x" top: "a" param {{ name: "w" }}
          inner_product_param {{ num_output: 8 }} }}
        layer {{ name: "b" type: "InnerProduct" bottom: "a" top: "b" inner_product_param {{ num_output: {many} }} }}
        layer {{ name: "c" type: "InnerProduct" bottom: "a" top: "c" param {{ name: "w" }}
          inner_product_param {{ num_output: 8 }} }}
        layer {{ name: "l1" type: "Reduction" bottom: "b" top: "l1" loss_weight: 1 }}
        layer {{ name: "l2" type: "Reduction" bottom: "c" top: "l2" loss_weight: 1 }}
    """)
    names = [node.name for node in net.nodes]
    buckets = [(names[each.layer], [blob.shape for blob in each.blobs]) for each in plan(net, net.learnable_params)]
    assert buckets == [
        ("c", [(8,)]),  # the bias; the weights are shared with a, which comes last
        ("b", [(many, 8)]),
        ("a", [(many,), (8, 8), (8,)]),
    ]
