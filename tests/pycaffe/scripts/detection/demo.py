#!/usr/bin/env python
"""Detection with proposals from a Python layer and ROI pooling, images of different sizes one after the other."""

import os.path as osp
import sys

import numpy as np

import caffe


def add_path(path):
    if path not in sys.path:
        sys.path.insert(0, path)


this_dir = osp.dirname(osp.abspath(__file__))
add_path(osp.join(this_dir, "lib"))


def im_detect(net, im):
    blobs = {"data": im.transpose((2, 0, 1))[np.newaxis], "im_info": np.array([[im.shape[0], im.shape[1], 1.0]])}
    # reshape network inputs
    net.blobs["data"].reshape(*(blobs["data"].shape))
    net.blobs["im_info"].reshape(*(blobs["im_info"].shape))
    forward_kwargs = {"data": blobs["data"].astype(np.float32, copy=False)}
    forward_kwargs["im_info"] = blobs["im_info"].astype(np.float32, copy=False)
    blobs_out = net.forward(**forward_kwargs)
    rois = net.blobs["rois"].data.copy()
    scores = blobs_out["cls_prob"]
    box_deltas = blobs_out["bbox_pred"]
    return scores, rois[:, 1:5], box_deltas


if __name__ == "__main__":
    caffe.set_mode_cpu()
    caffe.set_random_seed(9)
    net = caffe.Net(osp.join(this_dir, "test.prototxt"), caffe.TEST)
    rng = np.random.RandomState(4)
    for shape in ((32, 48, 3), (40, 40, 3), (64, 32, 3)):
        scores, boxes, deltas = im_detect(net, rng.rand(*shape).astype(np.float32))
        assert scores.shape == (6, 3) and boxes.shape == (6, 4) and deltas.shape == (6, 12)
        assert np.allclose(scores.sum(1), 1, atol=1e-5)
        # ROI pooling by hand: the maxima over the quarters of each box
        feat, pooled = net.blobs["conv1"].data[0], net.blobs["pool2"].data
        for roi, got in zip(boxes, pooled):
            x1, y1, x2, y2 = [int(np.floor(v * 0.25 + 0.5)) for v in roi]
            h, w = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
            for ph in range(2):
                for pw in range(2):
                    rows = slice(*np.clip([y1 + ph * h // 2, y1 - (-(ph + 1) * h // 2)], 0, feat.shape[1]))
                    cols = slice(*np.clip([x1 + pw * w // 2, x1 - (-(pw + 1) * w // 2)], 0, feat.shape[2]))
                    part = feat[:, rows, cols]
                    want = part.max((1, 2)) if part.size else np.zeros(feat.shape[0])
                    assert np.allclose(want, got[:, ph, pw]), (roi, ph, pw)
        print("%dx%d: %d proposals" % (shape[0], shape[1], len(boxes)))
