import os

import caffe


class NetInside(caffe.Layer):
    """Runs a net of its own, from a file beside this one."""

    def setup(self, bottom, top):
        here = os.path.dirname(os.path.abspath(__file__))
        self.net = caffe.Net(os.path.join(here, "inner.prototxt"), caffe.TEST)

    def reshape(self, bottom, top):
        self.net.blobs["x"].reshape(*bottom[0].shape)
        self.net.reshape()
        top[0].reshape(*self.net.blobs["y"].shape)

    def forward(self, bottom, top):
        self.net.blobs["x"].data[...] = bottom[0].data
        top[0].data[...] = self.net.forward()["y"]

    def backward(self, top, propagate_down, bottom):
        self.net.blobs["y"].diff[...] = top[0].diff
        self.net.backward()
        bottom[0].diff[...] = self.net.blobs["x"].diff
