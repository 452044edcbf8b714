"""Training with several processes: MPI between them, a share of each batch for each of them."""

from caffe_nb.distributed.communicator import Alone, Communicator
from caffe_nb.distributed.faults import Fault, RankError
from caffe_nb.distributed.mpi import MPICommunicator, world
from caffe_nb.distributed.start import build
from caffe_nb.distributed.training import DataParallel

__all__ = ["Alone", "Communicator", "DataParallel", "Fault", "MPICommunicator", "RankError", "build", "world"]
