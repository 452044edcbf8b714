"""BatchNorm layers from when each had to say that its statistics are not for the solver."""

from __future__ import annotations

from caffe_nb.proto import caffe_pb2

_STATISTICS = 3  # mean, variance, and the factor that both are divided by


def upgrade_batch_norm(param: caffe_pb2.NetParameter) -> None:
    """Set the multipliers of BatchNorm layers with three ``param`` entries to 0, whatever they were.

    Early nets listed them, some with multipliers that trained the running averages; Caffe takes those nets as meant.

    Parameters
    ----------
    param : NetParameter
        Changed in place.
    """
    for layer in param.layer:
        if layer.type == "BatchNorm" and len(layer.param) == _STATISTICS:
            for spec in layer.param:
                spec.lr_mult = 0
                spec.decay_mult = 0
