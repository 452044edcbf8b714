"""The seven learning-rate policies of Caffe, as functions of the iteration."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, nan

from caffe_nb.errors import SolverError, did_you_mean, listing
from caffe_nb.proto import caffe_pb2

Policy = Callable[[caffe_pb2.SolverParameter, int], float]


def _power(base: float, exponent: float) -> float:
    """Return base^exponent as C's pow does: infinite where it overflows, NaN where it is no real number."""
    try:
        result = base**exponent
    except (OverflowError, ZeroDivisionError):
        return inf
    return nan if isinstance(result, complex) else float(result)


def _fixed(p: caffe_pb2.SolverParameter, _: int) -> float:
    return p.base_lr


def _step(p: caffe_pb2.SolverParameter, iteration: int) -> float:
    if p.stepsize <= 0:
        raise SolverError('lr_policy "step" needs stepsize: the number of iterations after which gamma is applied')
    return p.base_lr * _power(p.gamma, current_step(p, iteration))


def _exp(p: caffe_pb2.SolverParameter, iteration: int) -> float:
    return p.base_lr * _power(p.gamma, iteration)


def _inv(p: caffe_pb2.SolverParameter, iteration: int) -> float:
    return p.base_lr * _power(1 + p.gamma * iteration, -p.power)


def _multistep(p: caffe_pb2.SolverParameter, iteration: int) -> float:
    return p.base_lr * _power(p.gamma, current_step(p, iteration))


def _poly(p: caffe_pb2.SolverParameter, iteration: int) -> float:
    if p.max_iter <= 0:
        raise SolverError('lr_policy "poly" needs max_iter: the iteration at which the rate reaches zero')
    return p.base_lr * _power(max(0.0, 1 - iteration / p.max_iter), p.power)


def _sigmoid(p: caffe_pb2.SolverParameter, iteration: int) -> float:
    return p.base_lr / (1 + exp(min(-p.gamma * (iteration - p.stepsize), 700)))


def current_step(param: caffe_pb2.SolverParameter, iteration: int) -> int:
    """Return how many steps of the rate lie behind an iteration, which a .solverstate keeps; 0 without steps.

    Parameters
    ----------
    param : caffe_pb2.SolverParameter
        For ``step``: stepsize; for ``multistep``: the stepvalues, of which each iteration takes up one at most, in
        their order.
    iteration : int
        From 0.
    """
    if param.lr_policy == "step" and param.stepsize > 0:
        return iteration // param.stepsize
    if param.lr_policy != "multistep":
        return 0
    taken = -1
    for count, value in enumerate(param.stepvalue):
        taken = max(taken + 1, value)
        if taken > iteration:
            return count
    return len(param.stepvalue)


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
        With `warmup_iter` (of Intel's fork) the first so many iterations go from warmup_start_lr in a line to base_lr;
        then the policy goes on as if it had run from the start.
    iteration : int
        From 0.

    Raises
    ------
    SolverError
        For an unknown policy, or one whose settings are missing, and for a negative warmup_iter.
    """
    policy = POLICIES.get(param.lr_policy)
    if policy is None:
        if not param.lr_policy:
            raise SolverError(f"lr_policy is not set; use one of {listing(POLICIES)}")
        raise SolverError(
            f"unknown lr_policy '{param.lr_policy}'.{did_you_mean(param.lr_policy, POLICIES)}"
            f" Known: {listing(POLICIES)}"
        )
    if param.warmup_iter < 0:
        raise SolverError(f"warmup_iter must be 0 or more iterations, got {param.warmup_iter}")
    rate = policy(param, iteration)
    if iteration < param.warmup_iter:
        share = max(iteration, 0) / param.warmup_iter
        return param.warmup_start_lr + (param.base_lr - param.warmup_start_lr) * share
    return rate
