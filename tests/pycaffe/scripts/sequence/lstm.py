"""An LSTM with continuation markers learns to remember the first value of a sequence; state goes on over batches."""

import numpy as np

import caffe
from caffe import layers as L

T, N = 6, 8
caffe.set_random_seed(5)


def net_spec():
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[T, N, 1]))
    n.clip = L.Input(shape=dict(dim=[T, N]))
    n.label = L.Input(shape=dict(dim=[T, N, 1]))
    n.lstm = L.LSTM(
        n.data,
        n.clip,
        recurrent_param=dict(
            num_output=12,
            weight_filler=dict(type="uniform", min=-0.2, max=0.2),
            bias_filler=dict(type="constant", value=0),
        ),
    )
    n.predict = L.InnerProduct(n.lstm, num_output=1, axis=2, weight_filler=dict(type="xavier"))
    n.loss = L.EuclideanLoss(n.predict, n.label)
    return n.to_proto()


with open("lstm.prototxt", "w") as f:
    f.write(str(net_spec()))
with open("solver.prototxt", "w") as f:
    f.write(
        'net: "lstm.prototxt"\nbase_lr: 0.02\nlr_policy: "fixed"\nmomentum: 0.9\nmomentum2: 0.999\ntype: "Adam"\n'
        "clip_gradients: 10\nmax_iter: 1000\n"
    )

rng = np.random.RandomState(0)
solver = caffe.AdamSolver("solver.prototxt")
blobs = solver.net.blobs
blobs["clip"].data[...] = 1
blobs["clip"].data[0] = 0  # a sequence begins with every batch
losses = []
for it in range(400):
    blobs["data"].data[...] = rng.uniform(-1, 1, (T, N, 1))
    blobs["label"].data[...] = blobs["data"].data[0]
    solver.step(1)
    losses.append(float(blobs["loss"].data))
print("loss %.3f -> %.3f" % (losses[0], np.mean(losses[-20:])))
assert np.mean(losses[-20:]) < losses[0] / 4

# a long sequence in two batches, its state carried over by clip = 1, is the same as one twice as long
solver.net.save("lstm.caffemodel")
x = rng.uniform(-1, 1, (2 * T, N, 1)).astype(np.float32)
net = caffe.Net("lstm.prototxt", "lstm.caffemodel", caffe.TEST)
halves = []
for half in range(2):
    net.blobs["data"].data[...] = x[half * T : half * T + T]
    net.blobs["clip"].data[...] = 1
    net.blobs["clip"].data[0] = half
    net.forward()
    halves.append(net.blobs["lstm"].data.copy())
for name, shape in (("data", (2 * T, N, 1)), ("clip", (2 * T, N)), ("label", (2 * T, N, 1))):
    net.blobs[name].reshape(*shape)
net.reshape()
net.blobs["data"].data[...] = x
net.blobs["clip"].data[...] = 1
net.blobs["clip"].data[0] = 0
net.forward()
np.testing.assert_allclose(np.concatenate(halves), net.blobs["lstm"].data, atol=1e-5)
print("state is carried over", net.params["lstm"][0].data.shape)
