import caffe
import numpy as np


class BatchLoader:
    def __init__(self, params):
        self.images = np.arange(params["images"] * 4, dtype=np.float64).reshape(-1, 1, 2, 2)
        self._cur = 0

    def next(self):
        if self._cur == len(self.images):
            self._cur = 0
        self._cur += 1
        return self.images[self._cur - 1], [self._cur % 2, 1]


class MultilabelData(caffe.Layer):
    """No bottoms; tops reshaped in setup, once and for all."""

    def setup(self, bottom, top):
        self.top_names = ["data", "label"]
        params = eval(self.param_str_)
        self.batch_size = params["batch_size"]
        self.batch_loader = BatchLoader(params)
        top[0].reshape(self.batch_size, 1, *params["im_shape"])
        top[1].reshape(self.batch_size, 2)

    def forward(self, bottom, top):
        for itt in range(self.batch_size):
            im, multilabel = self.batch_loader.next()
            top[0].data[itt, ...] = im
            top[1].data[itt, ...] = multilabel

    def reshape(self, bottom, top):
        """There is no need to reshape the data, since the input is of fixed size."""

    def backward(self, top, propagate_down, bottom):
        """These layers do not back propagate."""
