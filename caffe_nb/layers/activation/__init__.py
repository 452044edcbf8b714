"""Layers that work on each value by itself, or on each class vector."""

from caffe_nb.layers.activation import dropout, relu, sigmoid, softmax, tanh

__all__ = ["dropout", "relu", "sigmoid", "softmax", "tanh"]
