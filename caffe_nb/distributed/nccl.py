"""The communicator of processes with a GPU each: what lies there is summed there, over NCCL; all else goes over MPI."""

from __future__ import annotations

import logging
import socket
from typing import Any

import numpy as np

from caffe_nb import device
from caffe_nb.distributed.communicator import Array, gather
from caffe_nb.distributed.mpi import MPICommunicator, Request

KEY_BYTES = 128
"""NCCL_UNIQUE_ID_BYTES of nccl.h, which CuPy gives as a number each."""

log = logging.getLogger("caffe_nb")


class NCCLCommunicator(MPICommunicator):
    """Processes that `mpiexec` started, each of which computes on a GPU of its own.

    Sums run on a stream beside the one that computes, and begin when that has come to where they were asked for.
    """

    takes_device_arrays = True

    def __init__(self, comm: Any = None) -> None:
        super().__init__(comm)
        self._gpu = device.gpu()
        self._cuda = self._gpu.xp.cuda
        nccl = self._cuda.nccl
        key = np.zeros(KEY_BYTES, np.int64)
        if not self.rank:
            key[:] = nccl.get_unique_id()
        self.broadcast(key)
        self._nccl = nccl.NcclCommunicator(self.size, tuple(key.tolist()), self.rank)
        self._stream = self._cuda.Stream(non_blocking=True)

    def allreduce(self, values: Array) -> Request:
        """Begin to overwrite a contiguous array, of the host or of the GPU, by the sum of all processes'."""
        if not device.holds(values):
            return super().allreduce(values)
        nccl, address = self._cuda.nccl, self._gpu.address(values)
        kind = nccl.NCCL_FLOAT64 if values.dtype == np.float64 else nccl.NCCL_FLOAT32
        self._stream.wait_event(self._cuda.get_current_stream().record())
        self._nccl.allReduce(address, address, values.size, kind, nccl.NCCL_SUM, self._stream.ptr)
        done = self._stream.record()
        return Request(lambda: bool(done.done), self)


def over(comm: MPICommunicator) -> MPICommunicator:
    """Return processes that sum on their GPUs where each has its own and NCCL is there; else `comm`, with words.

    Parameters
    ----------
    comm : MPICommunicator
        Processes that all compute on a GPU.
    """
    cuda = device.gpu().xp.cuda
    found = bool(getattr(getattr(cuda, "nccl", None), "available", False))
    places = gather(comm, f"{socket.gethostname()} {cuda.Device().pci_bus_id}" if found else "")
    shared = sorted(place for place in set(places) if places.count(place) > 1)
    if "" in places:
        problem = "CuPy finds no NCCL: pip install nvidia-nccl-cu12 (nvidia-nccl-cu13 for CUDA 13)"
    elif shared:
        problem = f"several processes compute on one GPU ({shared[0]}): -gpu 0,1 gives each its own"
    else:
        return NCCLCommunicator(comm.comm)
    if not comm.rank:
        log.warning("Gradients are averaged on the host, not by NCCL. %s", problem)
    return comm
