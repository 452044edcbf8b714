"""Layers in the manner of region proposal networks, for rcnn.prototxt."""

import numpy as np

import caffe


class RoIDataLayer(caffe.Layer):
    def setup(self, bottom, top):
        self.classes = int(self.param_str_.split(":")[1])
        top[0].reshape(1, 3, 16, 16)
        top[1].reshape(1, 3)
        top[2].reshape(1, 4)

    def forward(self, bottom, top):
        image = np.random.default_rng(0).normal(size=(1, 3, 14, 18))
        top[0].reshape(*image.shape)
        top[0].data[...] = image.astype(np.float32, copy=False)

    def backward(self, top, propagate_down, bottom):
        pass

    def reshape(self, bottom, top):
        pass


class AnchorTargetLayer(caffe.Layer):
    def setup(self, bottom, top):
        height, width = bottom[0].data.shape[-2:]
        top[0].reshape(1, 1, 9 * height, width)

    def forward(self, bottom, top):
        height, width = bottom[0].data.shape[-2:]
        labels = np.full((1, 1, 9 * height, width), -1)
        labels[..., 0] = 1
        top[0].reshape(*labels.shape)
        top[0].data[...] = labels

    def backward(self, top, propagate_down, bottom):
        pass


class L2(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        top[0].data[...] = 0.5 * np.sum(bottom[0].data ** 2)

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff[0] * bottom[0].data
