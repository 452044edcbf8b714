"""Features of a folder of images from the middle of a net, batch by batch, as people wrote them to .npy files."""

import glob
import os

import numpy as np
from PIL import Image

import caffe

MODEL = "deploy.prototxt"
WEIGHTS = "deploy.caffemodel"
LAYER = "fc6"

random = np.random.RandomState(7)
if not os.path.isdir("images"):
    os.mkdir("images")
for i in range(11):
    Image.fromarray(random.randint(0, 256, (40, 30 + i, 3)).astype(np.uint8)).save("images/im_%02d.png" % i)
with open(MODEL, "w") as f:
    f.write("""
name: "features"
input: "data"
input_dim: 4
input_dim: 3
input_dim: 24
input_dim: 24
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 6 kernel_size: 3 weight_filler { type: "msra" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool" type: "Pooling" bottom: "conv1" top: "pool" pooling_param { pool: AVE global_pooling: true } }
layer { name: "fc6" type: "InnerProduct" bottom: "pool" top: "fc6"
        inner_product_param { num_output: 16 weight_filler { type: "gaussian" std: 0.1 } } }
layer { name: "prob" type: "Softmax" bottom: "fc6" top: "prob" }
""")
caffe.set_random_seed(3)
caffe.Net(MODEL, caffe.TEST).save(WEIGHTS)

net = caffe.Net(MODEL, WEIGHTS, caffe.TEST)
transformer = caffe.io.Transformer({"data": net.blobs["data"].data.shape})
transformer.set_transpose("data", (2, 0, 1))
transformer.set_mean("data", np.array([104, 117, 123]))
transformer.set_raw_scale("data", 255)
transformer.set_channel_swap("data", (2, 1, 0))

files = sorted(glob.glob("images/*.png"))
inputs = np.asarray([transformer.preprocess("data", caffe.io.load_image(f)) for f in files])
out = net.forward_all(blobs=[LAYER], data=inputs)
assert out[LAYER].shape == (11, 16), out[LAYER].shape
np.save("features.npy", out[LAYER])

# one by one gives the same
net.blobs["data"].reshape(1, 3, 24, 24)
net.reshape()
for i, f in enumerate(files):
    net.blobs["data"].data[...] = transformer.preprocess("data", caffe.io.load_image(f))
    net.forward(end=LAYER)
    assert np.allclose(net.blobs[LAYER].data[0].flatten(), out[LAYER][i], atol=1e-5), f
    assert net.blobs["prob"].data.shape == (1, 16)
print("features", np.load("features.npy").shape, "of", len(files), "images")
