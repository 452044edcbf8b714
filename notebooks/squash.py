import numpy as np

import caffe

SLOPE = 4.0


class Squash(caffe.Layer):
    """x / (1 + exp(-SLOPE x)), known as swish, or SiLU."""

    def setup(self, bottom, top):
        self.calls = 0
        self.strength = np.zeros(25)  # of the output, call by call

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        # what comes from below
        x = bottom[0].data
        self.gate = 1 / (1 + np.exp(-SLOPE * x))
        top[0].data[...] = x * self.gate
        self.strength[self.calls % 25] = np.abs(top[0].data).mean()
        self.calls += 1

    def backward(self, top, propagate_down, bottom):
        slope = self.gate + SLOPE * bottom[0].data * self.gate * (1 - self.gate)
        bottom[0].diff[...] = top[0].diff * slope
