"""The seven learning-rate policies of Caffe, as functions of the iteration."""

from __future__ import annotations

from collections.abc import Callable
from math import exp

from caffe_nb.errors import SolverError, did_you_mean, listing
from caffe_nb.proto import caffe_pb2

Policy = Callable[[caffe_pb2.SolverParameter, int], float]


def _fixed(p: caffe_pb2.SolverParameter, _: int) -> float:
    return p.base_lr


def _step(p: caffe_pb2.SolverParameter, iteration: int) -> float:
    if p.stepsize <= 0:
        raise SolverError('lr_policy "step" needs stepsize: the number of iterations after which gamma is applied')
    return p.base_lr * float(p.gamma ** (iteration // p.stepsize))


def _exp(p: caffe_pb2.SolverParameter, iteration: int) -> float:
    return p.base_lr * float(p.gamma**iteration)


def _inv(p: caffe_pb2.SolverParameter, iteration: int) -> float:
    return p.base_lr * float((1 + p.gamma * iteration) ** -p.power)


def _multistep(p: caffe_pb2.SolverParameter, iteration: int) -> float:
    return p.base_lr * float(p.gamma ** sum(value <= iteration for value in p.stepvalue))


def _poly(p: caffe_pb2.SolverParameter, iteration: int) -> float:
    if p.max_iter <= 0:
        raise SolverError('lr_policy "poly" needs max_iter: the iteration at which the rate reaches zero')
    return p.base_lr * float(max(0.0, 1 - iteration / p.max_iter) ** p.power)


def _sigmoid(p: caffe_pb2.SolverParameter, iteration: int) -> float:
    return p.base_lr / (1 + exp(-p.gamma * (iteration - p.stepsize)))


POLICIES: dict[str, Policy] = {
    "fixed": _fixed,
    "step": _step,
    "exp": _exp,
    "inv": _inv,
    "multistep": _multistep,
    "poly": _poly,
    "sigmoid": _sigmoid,
}


def learning_rate(param: caffe_pb2.SolverParameter, iteration: int) -> float:
    """Return the learning rate of an iteration.

    Parameters
    ----------
    param : caffe_pb2.SolverParameter
        `lr_policy` with its base_lr, gamma, power, stepsize, stepvalue and max_iter:
        fixed: base_lr; step: base_lr·gamma^⌊iter/stepsize⌋; exp: base_lr·gamma^iter;
        inv: base_lr·(1 + gamma·iter)^-power; multistep: base_lr·gamma^(number of stepvalues reached);
        poly: base_lr·(1 - iter/max_iter)^power; sigmoid: base_lr / (1 + exp(-gamma·(iter - stepsize))).
    iteration : int
        From 0.

    Raises
    ------
    SolverError
        For an unknown policy, or one whose settings are missing.
    """
    policy = POLICIES.get(param.lr_policy)
    if policy is None:
        if not param.lr_policy:
            raise SolverError(f"lr_policy is not set; use one of {listing(POLICIES)}")
        raise SolverError(
            f"unknown lr_policy '{param.lr_policy}'.{did_you_mean(param.lr_policy, POLICIES)}"
            f" Known: {listing(POLICIES)}"
        )
    return policy(param, iteration)
