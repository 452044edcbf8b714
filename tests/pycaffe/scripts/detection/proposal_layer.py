import numpy as np
import yaml

import caffe

DEBUG = False


class ProposalLayer(caffe.Layer):
    """
    Outputs object detection proposals by applying estimated bounding-box
    transformations to a set of regular boxes (called "anchors").
    """

    def setup(self, bottom, top):
        # parse the layer parameter string, which must be valid YAML
        layer_params = yaml.safe_load(self.param_str)
        self._feat_stride = layer_params["feat_stride"]
        scales = layer_params.get("scales", (1, 2))
        self._anchors = np.array([[-s * 4, -s * 4, s * 4 - 1, s * 4 - 1] for s in scales], dtype=np.float32)
        self._num_anchors = self._anchors.shape[0]
        # rois blob: holds R regions of interest, each is a 5-tuple (n, x1, y1, x2, y2)
        top[0].reshape(1, 5)
        # scores blob: holds scores for R regions of interest
        if len(top) > 1:
            top[1].reshape(1, 1, 1, 1)

    def forward(self, bottom, top):
        assert bottom[0].data.shape[0] == 1, "Only single item batches are supported"
        cfg_key = str(self.phase)  # either 'TRAIN' or 'TEST'
        post_nms_topN = {"TRAIN": 12, "TEST": 6}[cfg_key]
        # the first set of _num_anchors channels are bg probs, the second set are the fg probs, which we want
        scores = bottom[0].data[:, self._num_anchors :, :, :]
        bbox_deltas = bottom[1].data
        im_info = bottom[2].data[0, :]
        height, width = scores.shape[-2:]
        shift_x, shift_y = np.meshgrid(np.arange(width) * self._feat_stride, np.arange(height) * self._feat_stride)
        shifts = np.vstack((shift_x.ravel(), shift_y.ravel(), shift_x.ravel(), shift_y.ravel())).transpose()
        A, K = self._num_anchors, shifts.shape[0]
        anchors = self._anchors.reshape((1, A, 4)) + shifts.reshape((1, K, 4)).transpose((1, 0, 2))
        anchors = anchors.reshape((K * A, 4))
        bbox_deltas = bbox_deltas.transpose((0, 2, 3, 1)).reshape((-1, 4))
        scores = scores.transpose((0, 2, 3, 1)).reshape((-1, 1))
        proposals = anchors + bbox_deltas
        proposals[:, 0::2] = np.clip(proposals[:, 0::2], 0, im_info[1] - 1)
        proposals[:, 1::2] = np.clip(proposals[:, 1::2], 0, im_info[0] - 1)
        order = scores.ravel().argsort(kind="stable")[::-1][:post_nms_topN]
        batch_inds = np.zeros((len(order), 1), dtype=np.float32)
        blob = np.hstack((batch_inds, proposals[order, :].astype(np.float32, copy=False)))
        top[0].reshape(*(blob.shape))
        top[0].data[...] = blob
        if len(top) > 1:
            top[1].reshape(*(scores[order].shape))
            top[1].data[...] = scores[order]

    def backward(self, top, propagate_down, bottom):
        """This layer does not propagate gradients."""

    def reshape(self, bottom, top):
        """Reshaping happens during the call to forward."""
