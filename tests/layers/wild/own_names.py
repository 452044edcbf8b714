import caffe
import numpy as np


class OwnNames(caffe.Layer):
    """Keeps things under names that the engine uses too."""

    def __init__(self, p_object, *args, **kwargs):
        super(OwnNames, self).__init__(p_object, *args, **kwargs)
        self.made = True

    def setup(self, bottom, top):
        self.type = "mine"
        self.xp = np
        self.labels = np.array([0, 1, 2])
        self.folder = "images/"
        self.name = "own"
        self.net = None
        self.count = 0

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        self.count += 1
        top[0].data[...] = bottom[0].data + self.xp.asarray(self.labels)[: bottom[0].shape[1]]

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = top[0].diff
