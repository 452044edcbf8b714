"""Layers that carry a state from time step to time step."""

from caffe_nb.layers.recurrent import (
    lstm,
    lstm_unit,
    rnn,
)

__all__ = [
    "lstm",
    "lstm_unit",
    "rnn",
]
