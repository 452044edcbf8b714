"""Fine-tuning: weights of an old task by copy_from, a new last layer by a new name, old layers nearly frozen."""

import tempfile

import numpy as np

import caffe
from caffe import layers as L
from caffe.proto import caffe_pb2

caffe.set_random_seed(0)
rng = np.random.RandomState(0)

weight_param = dict(lr_mult=1, decay_mult=1)
bias_param = dict(lr_mult=2, decay_mult=0)
learned_param = [weight_param, bias_param]
frozen_param = [dict(lr_mult=0)] * 2


def fc_relu(bottom, nout, param=learned_param):
    fc = L.InnerProduct(bottom, num_output=nout, param=param, weight_filler=dict(type="xavier"))
    return fc, L.ReLU(fc, in_place=True)


def small_net(classes, name, train=True, learn_all=True):
    n = caffe.NetSpec()
    n.data = L.DummyData(shape=dict(dim=[16, 10]))
    n.label = L.DummyData(shape=dict(dim=[16]))
    param = learned_param if learn_all else frozen_param
    n.fc1, n.relu1 = fc_relu(n.data, 24, param)
    n.fc2, n.relu2 = fc_relu(n.relu1, 24, param)
    if train:
        n.drop2 = L.Dropout(n.relu2, in_place=True, dropout_ratio=0.1)
        top = n.drop2
    else:
        top = n.relu2
    fc8 = L.InnerProduct(top, num_output=classes, param=learned_param, weight_filler=dict(type="xavier"))
    n.__setattr__(name, fc8)
    if not train:
        n.probs = L.Softmax(fc8)
    n.loss = L.SoftmaxWithLoss(fc8, n.label)
    n.acc = L.Accuracy(fc8, n.label)
    with tempfile.NamedTemporaryFile("w", suffix=".prototxt", delete=False) as f:
        f.write(str(n.to_proto()))
        return f.name


def solver(train_net_path, base_lr=0.05):
    s = caffe_pb2.SolverParameter()
    s.train_net = train_net_path
    s.iter_size = 1
    s.max_iter = 100000
    s.type = "SGD"
    s.base_lr = base_lr
    s.lr_policy = "step"
    s.gamma = 0.1
    s.stepsize = 20000
    s.momentum = 0.9
    s.weight_decay = 5e-4
    s.display = 1000
    s.solver_mode = caffe_pb2.SolverParameter.CPU
    with tempfile.NamedTemporaryFile("w", suffix=".prototxt", delete=False) as f:
        f.write(str(s))
        return f.name


centres = rng.randn(6, 10) * 2


def batch(classes):
    label = rng.randint(0, classes, 16)
    return (centres[label] + rng.randn(16, 10) * 0.5).astype(np.float32), label


def feed(net, classes):
    data, label = batch(classes)
    net.blobs["data"].data[...] = data
    net.blobs["label"].data[...] = label


def run(solver, classes, niter):
    """DummyData with a constant filler fills once; what is written into its tops stays, as users know."""
    losses = np.zeros(niter)
    for it in range(niter):
        feed(solver.net, classes)
        solver.net.clear_param_diffs()
        solver.net.forward()
        solver.net.backward()
        solver.apply_update()
        losses[it] = solver.net.blobs["loss"].data.copy()
    return losses


first = caffe.get_solver(solver(small_net(4, "fc8")))
losses = run(first, 4, 300)
print("first task: loss %.3f -> %.3f" % (losses[0], losses[-20:].mean()))
assert losses[-20:].mean() < 0.2
first.net.save("first.caffemodel")

second = caffe.SGDSolver(solver(small_net(6, "fc8_new", learn_all=False)))
second.net.copy_from("first.caffemodel")
assert (second.net.params["fc2"][0].data == first.net.params["fc2"][0].data).all()
before = second.net.params["fc1"][0].data.copy()
losses = run(second, 6, 300)
print("second task: loss %.3f -> %.3f" % (losses[0], losses[-20:].mean()))
assert losses[-20:].mean() < 0.5
assert (second.net.params["fc1"][0].data == before).all(), "frozen layers stay"

second.net.save("second.caffemodel")
test = caffe.Net(small_net(6, "fc8_new", train=False), "second.caffemodel", caffe.TEST)
accuracy = 0
for it in range(20):
    feed(test, 6)
    accuracy += test.forward()["acc"] / 20
print("accuracy %.2f" % accuracy)
assert accuracy > 0.85
