import caffe
import numpy as np


class Softmax(caffe.Layer):
    """Works in the bottom's own memory, as many do."""

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        score = bottom[0].data
        score -= np.max(score, axis=1, keepdims=True)
        np.exp(score, out=score)
        top[0].data[...] = score / np.sum(score, axis=1, keepdims=True)
