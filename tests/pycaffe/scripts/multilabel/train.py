"""Multilabel classification on a Python data layer, with a SigmoidCrossEntropyLoss and a Hamming accuracy."""

import os
import os.path as osp
import sys

import caffe
from caffe import layers as L
from caffe import params as P

sys.path.append(osp.dirname(osp.abspath(__file__)))
caffe.set_mode_cpu()
caffe.set_random_seed(2)
workdir = "./work"
if not os.path.isdir(workdir):
    os.makedirs(workdir)


def conv_relu(bottom, ks, nout, stride=1, pad=0, group=1):
    conv = L.Convolution(
        bottom, kernel_size=ks, stride=stride, num_output=nout, pad=pad, group=group, weight_filler=dict(type="xavier")
    )
    return conv, L.ReLU(conv, in_place=True)


def caffenet_multilabel(data_layer_params, datalayer):
    n = caffe.NetSpec()
    n.data, n.label = L.Python(
        module="pascal_multilabel_datalayers", layer=datalayer, ntop=2, param_str=str(data_layer_params)
    )
    n.conv1, n.relu1 = conv_relu(n.data, 5, 12, pad=2)
    n.pool1 = L.Pooling(n.relu1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.norm1 = L.LRN(n.pool1, local_size=5, alpha=1e-4, beta=0.75)
    n.conv2, n.relu2 = conv_relu(n.norm1, 3, 12, pad=1, group=2)
    n.pool2 = L.Pooling(n.relu2, global_pooling=True, pool=P.Pooling.MAX)
    n.score = L.InnerProduct(n.pool2, num_output=5, weight_filler=dict(type="xavier"))
    n.loss = L.SigmoidCrossEntropyLoss(n.score, n.label)
    return str(n.to_proto())


def hamming_distance(gt, est):
    return sum([1 for (g, e) in zip(gt, est) if g == e]) / float(len(gt))


def check_accuracy(net, num_batches, batch_size=32):
    acc = 0.0
    for t in range(num_batches):
        net.forward()
        gts = net.blobs["label"].data
        ests = net.blobs["score"].data > 0
        for gt, est in zip(gts, ests):
            acc += hamming_distance(gt, est)
    return acc / (num_batches * batch_size)


with open(osp.join(workdir, "trainnet.prototxt"), "w") as f:
    f.write(
        caffenet_multilabel(dict(batch_size=32, im_shape=[16, 16], split="train", seed=0), "MultilabelDataLayerSync")
    )
with open(osp.join(workdir, "valnet.prototxt"), "w") as f:
    f.write(caffenet_multilabel(dict(batch_size=32, im_shape=[16, 16], split="val", seed=1), "MultilabelDataLayerSync"))
with open(osp.join(workdir, "solver.prototxt"), "w") as f:
    f.write(
        'train_net: "%s"\ntest_net: "%s"\ntest_iter: 1\ntest_interval: 1000000\nbase_lr: 0.01\nlr_policy: "fixed"\n'
        'type: "Adam"\nmomentum: 0.9\nmomentum2: 0.999\ndisplay: 1000\n'
        % (osp.join(workdir, "trainnet.prototxt"), osp.join(workdir, "valnet.prototxt"))
    )

solver = caffe.get_solver(osp.join(workdir, "solver.prototxt"))
solver.test_nets[0].share_with(solver.net)
before = check_accuracy(solver.test_nets[0], 3)
solver.step(150)
after = check_accuracy(solver.test_nets[0], 10)
print("accuracy %.2f -> %.2f" % (before, after))
assert after > 0.8
