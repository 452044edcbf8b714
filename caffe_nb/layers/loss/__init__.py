"""Losses and what is measured like one."""

from caffe_nb.layers.loss import accuracy, euclidean_loss, softmax_with_loss

__all__ = ["accuracy", "euclidean_loss", "softmax_with_loss"]
