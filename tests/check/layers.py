"""Python layers as users write them: right ones, and wrong ones that a gradient check must catch."""

from __future__ import annotations

import threading

import numpy as np

from caffe_nb.core.layer import Layer


class Elementwise(Layer):
    """Base: one top of the bottom's shape."""

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)


class Square(Elementwise):
    factor = 2.0

    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data ** 2

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            bottom[0].diff[...] = self.factor * bottom[0].data * top[0].diff


class Relu(Elementwise):
    def forward(self, bottom, top):
        top[0].data[...] = np.maximum(bottom[0].data, 0)

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = top[0].diff * (bottom[0].data > 0)


class Linear(Layer):
    """Weight and bias, by hand."""

    def setup(self, bottom, top):
        self.blobs.add_blob(3, bottom[0].shape[1])
        self.blobs.add_blob(3)

    def reshape(self, bottom, top):
        top[0].reshape(bottom[0].num, 3)

    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data @ self.blobs[0].data.T + self.blobs[1].data

    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[...] += top[0].diff.T @ bottom[0].data
        self.blobs[1].diff[...] += top[0].diff.sum(axis=0)
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff @ self.blobs[0].data


class EuclideanLoss(Layer):
    """As Caffe's own example has it, with a float32 buffer."""

    def setup(self, bottom, top):
        if len(bottom) != 2:
            raise Exception("Need two inputs to compute distance.")

    def reshape(self, bottom, top):
        self.diff = np.zeros_like(bottom[0].data, dtype=np.float32)
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.diff[...] = bottom[0].data - bottom[1].data
        top[0].data[...] = np.sum(self.diff**2) / bottom[0].num / 2.0

    def backward(self, top, propagate_down, bottom):
        for i in range(2):
            if not propagate_down[i]:
                continue
            sign = 1 if i == 0 else -1
            bottom[i].diff[...] = sign * self.diff / bottom[i].num * top[0].diff[0]


class Float32Loss(EuclideanLoss):
    """Makes its float32 array anew in every forward."""

    def forward(self, bottom, top):
        self.diff = (bottom[0].data - bottom[1].data).astype(np.float32)
        top[0].data[...] = np.sum(self.diff**2) / bottom[0].num / 2.0


class SoftmaxLoss(Layer):
    """A loss that takes labels, which get no diff."""

    def reshape(self, bottom, top):
        top[0].reshape()

    def forward(self, bottom, top):
        scores = bottom[0].data - bottom[0].data.max(axis=1, keepdims=True)
        e = np.exp(scores)
        self.p = e / e.sum(axis=1, keepdims=True)
        self.rows, self.labels = np.arange(bottom[0].num), bottom[1].data.astype(int).ravel()
        top[0].data[...] = -np.log(self.p[self.rows, self.labels]).mean()

    def backward(self, top, propagate_down, bottom):
        if propagate_down[1]:
            raise Exception("cannot backpropagate to the labels")
        g = self.p.copy()
        g[self.rows, self.labels] -= 1
        bottom[0].diff[...] = g / bottom[0].num * top[0].diff


class ZeroForLabels(SoftmaxLoss):
    def backward(self, top, propagate_down, bottom):
        super().backward(top, [True, False], bottom)
        bottom[1].diff[...] = 0


class SilentAboutTargets(EuclideanLoss):
    def backward(self, top, propagate_down, bottom):
        super().backward(top, [True, False], bottom)


class Dropout(Elementwise):
    """Draws from NumPy's global generator."""

    def forward(self, bottom, top):
        self.mask = np.random.rand(*bottom[0].shape) > 0.4
        top[0].data[...] = bottom[0].data * self.mask

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = top[0].diff * self.mask


class OwnGenerator(Dropout):
    """Keeps a generator in an attribute."""

    def setup(self, bottom, top):
        self.random = np.random.default_rng(3)

    def forward(self, bottom, top):
        self.mask = self.random.random(bottom[0].shape) > 0.4
        top[0].data[...] = bottom[0].data * self.mask


class LowPrecision(Elementwise):
    """Keeps nothing, but rounds to float32 on the way."""

    def forward(self, bottom, top):
        top[0].data[...] = np.tanh(bottom[0].data.astype(np.float32)) ** 2

    def backward(self, top, propagate_down, bottom):
        t = np.tanh(bottom[0].data)
        bottom[0].diff[...] = top[0].diff * 2 * t * (1 - t * t)


class OnlyFloat32(Square):
    def forward(self, bottom, top):
        if bottom[0].data.dtype != np.float32:
            raise TypeError("float32 expected")
        super().forward(bottom, top)


class MaxOfTwo(Elementwise):
    """Ties go to the first."""

    def forward(self, bottom, top):
        top[0].data[...] = np.maximum(bottom[0].data, bottom[1].data)

    def backward(self, top, propagate_down, bottom):
        first = bottom[0].data >= bottom[1].data
        bottom[0].diff[...] = top[0].diff * first
        bottom[1].diff[...] = top[0].diff * ~first


class TwoTops(Layer):
    def reshape(self, bottom, top):
        for t in top:
            t.reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = np.sin(bottom[0].data)
        top[1].data[...] = np.exp(bottom[0].data / 10)

    def backward(self, top, propagate_down, bottom):
        x = bottom[0].data
        bottom[0].diff[...] = top[0].diff * np.cos(x) + top[1].diff * np.exp(x / 10) / 10


class Configured(Square):
    """Reads param_str and the phase."""

    def setup(self, bottom, top):
        self.scale = float(self.param_str)

    def forward(self, bottom, top):
        top[0].data[...] = self.scale * bottom[0].data ** (2 if str(self.phase) == "TRAIN" else 1)

    def backward(self, top, propagate_down, bottom):
        slope = 2 * bottom[0].data if str(self.phase) == "TRAIN" else 1
        bottom[0].diff[...] = self.scale * slope * top[0].diff


# wrong ones


class WrongSign(EuclideanLoss):
    def backward(self, top, propagate_down, bottom):
        super().backward(top, propagate_down, bottom)
        bottom[0].diff[...] *= -1


class WrongFactor(Square):
    factor = 1.0


class SlightlyWrong(Square):
    factor = 2.001


class Zero(Square):
    factor = 0.0


class NotWritten(Square):
    def backward(self, top, propagate_down, bottom):
        pass


class PartlyWritten(Square):
    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[1:] = 2 * bottom[0].data[1:] * top[0].diff[1:]


class NoBackward(Elementwise):
    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data ** 2


class Accumulates(Square):
    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] += 2 * bottom[0].data * top[0].diff


class Transposed(Linear):
    def backward(self, top, propagate_down, bottom):
        super().backward(top, propagate_down, bottom)
        bottom[0].diff[...] = top[0].diff @ self.blobs[0].data.T


class NoBiasGradient(Linear):
    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[...] += top[0].diff.T @ bottom[0].data
        bottom[0].diff[...] = top[0].diff @ self.blobs[0].data


class IgnoresTopDiff(Square):
    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = 2 * bottom[0].data


class WrongAtOneElement(Square):
    def backward(self, top, propagate_down, bottom):
        super().backward(top, propagate_down, bottom)
        bottom[0].diff[1, 2] += 0.5


class OutsideTheSlopes(Relu):
    """At zero the slopes are 0 and 1."""

    def backward(self, top, propagate_down, bottom):
        super().backward(top, propagate_down, bottom)
        bottom[0].diff[bottom[0].data == 0] = 5.0


class NotANumber(Square):
    def backward(self, top, propagate_down, bottom):
        super().backward(top, propagate_down, bottom)
        bottom[0].diff[0, 0] = np.nan


class ForwardNotANumber(Square):
    def forward(self, bottom, top):
        super().forward(bottom, top)
        top[0].data[0, 0] = np.nan


# ones that end the check


class Raises(Square):
    def backward(self, top, propagate_down, bottom):
        raise KeyError("my own mistake")


class Interrupted(Square):
    """Is interrupted in its tenth forward, after having drawn numbers and changed its state."""

    kind: type[BaseException] = KeyboardInterrupt

    def setup(self, bottom, top):
        self.runs = 0

    def forward(self, bottom, top):
        super().forward(bottom, top)
        np.random.rand(5)
        bottom[0].data[...] = 7
        self.runs += 1
        if self.runs == 10:
            raise self.kind("stop")


class Stateful(Square):
    """Counts, keeps a running mean that its output depends on, and holds what cannot be copied."""

    def setup(self, bottom, top):
        self.runs, self.mean, self.lock = 0, np.zeros(1, np.float32), threading.Lock()
        self.held = self.blobs.add_blob(1)
        self.blobs[0].data[...] = 3

    def forward(self, bottom, top):
        self.runs += 1
        self.mean += 0.5
        top[0].data[...] = bottom[0].data ** 2 * self.held.data + self.mean

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = 2 * bottom[0].data * top[0].diff * self.held.data
        self.held.diff[...] += (bottom[0].data ** 2 * top[0].diff).sum()
