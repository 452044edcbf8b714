import caffe
import numpy as np


class Proposals(caffe.Layer):
    """As many rows as there are scores above the threshold: known in forward only."""

    def setup(self, bottom, top):
        self._threshold = float(self.param_str)
        top[0].reshape(1, 5)

    def reshape(self, bottom, top):
        pass

    def forward(self, bottom, top):
        keep = np.where(bottom[0].data.ravel() > self._threshold)[0]
        rois = np.hstack((np.zeros((len(keep), 1), np.float32), np.tile(keep[:, None].astype(np.float32), (1, 4))))
        top[0].reshape(*(rois.shape))
        top[0].data[...] = rois
