#!/usr/bin/env python
"""Cast a classifier into a fully convolutional net: its weights are transplanted, then it looks at a larger image."""

import os
import sys

import numpy as np

import caffe

caffe.set_mode_cpu()
caffe.set_random_seed(1701)

here = os.path.dirname(os.path.abspath(__file__))
net = caffe.Net(os.path.join(here, "bvlc_small.prototxt"), caffe.TEST)
net.save("bvlc_small.caffemodel")
net = caffe.Net(os.path.join(here, "bvlc_small.prototxt"), "bvlc_small.caffemodel", caffe.TEST)

params = ["fc6", "fc7"]
# fc_params = {name: (weights, biases)}
fc_params = {pr: (net.params[pr][0].data, net.params[pr][1].data) for pr in params}
for fc in params:
    print(f"{fc} weights are {fc_params[fc][0].shape} dimensional and biases are {fc_params[fc][1].shape} dimensional")

# weights that belong to no layer of the new net are skipped, those of the convolutional part are copied
net_full_conv = caffe.Net(os.path.join(here, "bvlc_small_full_conv.prototxt"), "bvlc_small.caffemodel", caffe.TEST)
params_full_conv = ["fc6-conv", "fc7-conv"]
conv_params = {pr: (net_full_conv.params[pr][0].data, net_full_conv.params[pr][1].data) for pr in params_full_conv}
for conv in params_full_conv:
    print(
        f"{conv} weights are {conv_params[conv][0].shape} dimensional and biases are {conv_params[conv][1].shape} dimensional"
    )

for pr, pr_conv in zip(params, params_full_conv):
    conv_params[pr_conv][0].flat = fc_params[pr][0].flat  # flat unrolls the arrays
    conv_params[pr_conv][1][...] = fc_params[pr][1]
net_full_conv.save("bvlc_small_full_conv.caffemodel")

im = np.random.RandomState(0).rand(41, 41, 3).astype(np.float32)
transformer = caffe.io.Transformer({"data": net_full_conv.blobs["data"].data.shape})
transformer.set_mean("data", np.array([0.4, 0.5, 0.6]))
transformer.set_transpose("data", (2, 0, 1))
transformer.set_channel_swap("data", (2, 1, 0))
transformer.set_raw_scale("data", 255.0)
out = net_full_conv.forward_all(data=np.asarray([transformer.preprocess("data", im)]))
print("prob map", out["prob"].shape)

# every place of the map is what the classifier says of the window under it
step = 4
for row in range(out["prob"].shape[2]):
    for col in range(out["prob"].shape[3]):
        window = transformer.preprocess("data", im)[:, step * row : step * row + 25, step * col : step * col + 25]
        net.blobs["data"].data[...] = window
        prob = net.forward()["prob"][0]
        np.testing.assert_allclose(prob, out["prob"][0, :, row, col], atol=1e-4)
print("equal at {} places".format(out["prob"][0, 0].size))
sys.exit(0)
