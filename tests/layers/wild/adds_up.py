import caffe
from gain import Gain


class AddsUp(Gain):
    """A layer of the module beside it, with a backward that adds into the bottom's diff."""

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = 0
        for row in range(bottom[0].shape[0]):
            bottom[0].diff[row] += top[0].diff[row] * self.blobs[0].data[0]


class Plain(caffe.Layer):
    """Nothing but a forward, which shapes its top."""

    def forward(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)
        top[0].data[...] = -bottom[0].data
