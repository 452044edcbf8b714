"""Two solvers side by side, stepped by hand, with tests by hand and losses kept in arrays (HDF5 data)."""

import os

import h5py
import numpy as np

import caffe

rng = np.random.RandomState(1)
X = rng.randn(500, 4).astype(np.float32)
y = (X[:, 0] * 2 - X[:, 1] + 0.5 > 0).astype(np.float32)
for name, part in (("train", slice(0, 400)), ("test", slice(400, 500))):
    with h5py.File(name + ".h5", "w") as f:
        f["data"] = X[part]
        f["label"] = y[part]
    with open(name + ".txt", "w") as f:
        f.write(os.path.abspath(name + ".h5") + "\n")


def logreg(source, batch_size, hidden):
    n = caffe.NetSpec()
    n.data, n.label = caffe.layers.HDF5Data(batch_size=batch_size, source=source, ntop=2)
    bottom = n.data
    if hidden:
        n.ip0 = caffe.layers.InnerProduct(n.data, num_output=16, weight_filler=dict(type="xavier"))
        n.relu0 = caffe.layers.ReLU(n.ip0, in_place=True)
        bottom = n.relu0
    n.ip1 = caffe.layers.InnerProduct(bottom, num_output=2, weight_filler=dict(type="xavier"))
    n.accuracy = caffe.layers.Accuracy(n.ip1, n.label)
    n.loss = caffe.layers.SoftmaxWithLoss(n.ip1, n.label)
    return n.to_proto()


solvers = []
for kind, hidden in (("line", False), ("hidden", True)):
    for name, size in (("train", 20), ("test", 10)):
        with open("%s_%s.prototxt" % (kind, name), "w") as f:
            f.write(str(logreg(name + ".txt", size, hidden)))
    with open(kind + "_solver.prototxt", "w") as f:
        f.write(
            f'train_net: "{kind}_train.prototxt"\ntest_net: "{kind}_test.prototxt"\ntest_iter: 10\ntest_interval: 1000\n'
            'base_lr: 0.1\nlr_policy: "step"\ngamma: 0.1\nstepsize: 5000\nmomentum: 0.9\nmax_iter: 1000\n'
            f'display: 500\nsnapshot_prefix: "{kind}"\nsolver_mode: CPU\n'
        )
    solvers.append((kind, caffe.get_solver(kind + "_solver.prototxt")))

niter, test_interval = 200, 50
train_loss = {name: np.zeros(niter) for name, _ in solvers}
test_acc = {name: np.zeros(int(np.ceil(niter / test_interval))) for name, _ in solvers}
for it in range(niter):
    for name, s in solvers:
        s.step(1)
        train_loss[name][it] = s.net.blobs["loss"].data
        s.test_nets[0].share_with(s.net)
        s.net.forward(start="ip1")
        if it % test_interval == 0:
            correct = 0
            for test_it in range(10):
                s.test_nets[0].forward()
                correct += sum(s.test_nets[0].blobs["ip1"].data.argmax(1) == s.test_nets[0].blobs["label"].data)
            test_acc[name][it // test_interval] = correct / 1e2
for name, s in solvers:
    assert s.iter == niter
    print(
        "%s: loss %.3f, accuracy %.2f, %d layers" % (name, train_loss[name][-1], test_acc[name][-1], len(s.net.layers))
    )
    assert test_acc[name][-1] > 0.9
    s.snapshot()
    again = caffe.SGDSolver(name + "_solver.prototxt")
    again.restore("%s_iter_%d.solverstate" % (name, niter))
    assert again.iter == niter
    assert all((a.data == b.data).all() for p in again.net.params for a, b in zip(again.net.params[p], s.net.params[p]))
