import caffe
import numpy as np


class Centers(caffe.Layer):
    """A parameter appended as a Blob, moved by the layer itself in backward."""

    def setup(self, bottom, top):
        self.blobs.append(caffe.Blob([1]))
        self.blobs[0].reshape(2, bottom[0].channels)
        self.blobs[0].data[...] = 1.0

    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.near = bottom[0].data - self.blobs[0].data[bottom[1].data.astype(int).ravel()]
        top[0].data[0] = 0.5 * np.sum(self.near**2)

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = top[0].diff[0] * self.near
        for row, which in enumerate(bottom[1].data.astype(int).ravel()):
            self.blobs[0].data[which] += 0.5 * self.near[row]
