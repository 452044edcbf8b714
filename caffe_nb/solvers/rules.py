"""The update rules: from a parameter's gradient to what is subtracted from it."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Array, Blob
from caffe_nb.proto import caffe_pb2


class SGD:
    """Stochastic gradient descent with momentum, as Caffe's SGDSolver.

    Parameters
    ----------
    params : sequence of Blob
        The learnable parameters.
    settings : caffe_pb2.SolverParameter
        `momentum` (default 0) is read anew at every update.

    Notes
    -----
    h ← momentum·h + rate·diff; diff ← h. The learning rate is inside the history, so a change of rate fades in.
    """

    def __init__(self, params: Sequence[Blob], settings: caffe_pb2.SolverParameter) -> None:
        self.settings = settings
        self.history: list[Array] = [blob.const_data * 0 for blob in params]

    def update(self, index: int, blob: Blob, rate: float) -> None:
        """Turn a parameter's diff into its update value.

        Parameters
        ----------
        index : int
            Which parameter.
        blob : Blob
            The parameter; its diff is overwritten.
        rate : float
            Learning rate times the parameter's lr_mult.
        """
        history = self.history[index]
        history *= self.settings.momentum
        history += rate * blob.const_diff
        blob.diff[...] = history
