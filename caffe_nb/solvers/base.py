"""Solver: the loop that tests, runs the net, updates its parameters and writes snapshots."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from caffe_nb import rng
from caffe_nb.core.blob import Array, Blob
from caffe_nb.errors import SolverError, did_you_mean, listing
from caffe_nb.net import Net
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.text import SolverSource, parse_solver, read_solver, to_text
from caffe_nb.solvers import nets, regularize, rules, snapshot
from caffe_nb.solvers.lr_policy import learning_rate

log = logging.getLogger("caffe_nb")

_live: weakref.WeakSet[Solver] = weakref.WeakSet()


def live_solvers() -> list[Solver]:
    """Return all solvers that are alive in this process."""
    return list(_live)


@dataclass
class SolverHooks:
    """Listeners of one solver; all empty until somebody listens.

    Attributes
    ----------
    before_iteration, after_iteration : list of callables
        Called with the solver; after an iteration `solver.loss` and `solver.smoothed_loss` are that iteration's.
    after_test : list of callables
        Called with the solver, the test net's index and the mean of every output of it, by name.
    """

    before_iteration: list[Callable[[Solver], object]] = field(default_factory=list)
    after_iteration: list[Callable[[Solver], object]] = field(default_factory=list)
    after_test: list[Callable[[Solver, int, dict[str, float]], object]] = field(default_factory=list)


class Solver:
    """Trains a net; subclasses choose the update rule.

    Parameters
    ----------
    source : path, SolverParameter or SolverSource
        The solver's prototxt, or what the parsers make.
    net : Net, optional
        A net that is alive already, to be trained in the place of one that the text names; test nets are built from
        its text.
    folder : pathlib.Path, optional
        Where files that the solver names are looked for besides the working directory; that of its text by default.

    Raises
    ------
    PrototxtError, SolverError, NetError
        With file, line and what was likely meant.

    Attributes
    ----------
    net : Net
        The net that is trained.
    test_nets : list of Net
        The nets that are tested; they use the trained net's parameters.
    iter : int
        How many times the parameters were updated.
    loss, smoothed_loss : float
        Of the last iteration; smoothed over `average_loss` iterations. NaN before the first.
    running : bool
        Whether `step` is running.
    hooks : SolverHooks
        Where others listen.
    """

    type_name: ClassVar[str] = ""
    rule_class: ClassVar[type[rules.SGD]]

    def __init__(
        self,
        source: str | os.PathLike[str] | caffe_pb2.SolverParameter | SolverSource,
        *,
        net: Net | None = None,
        folder: Path | None = None,
    ) -> None:
        text = as_source(source)
        self.param = text.param
        self.path = text.path
        folder = folder or (text.path.absolute().parent if text.path else None)
        if self.param.random_seed >= 0:
            rng.set_random_seed(self.param.random_seed)
        learning_rate(self.param, 0)  # a wrong policy is said now, not after the first pass
        self.net = nets.train_net(text, folder, net)
        self.test_nets = nets.test_nets(text, folder, net)
        self.rule = self.rule_class(self.net.learnable_params, self.param)
        self.hooks = SolverHooks()
        self.iter = 0
        self.loss = self.smoothed_loss = float("nan")
        self.running = False
        self._losses: list[float] = []
        self._stop = False
        self._callbacks: list[tuple[Callable[[], object], Callable[[], object]]] = []
        _live.add(self)

    @classmethod
    def from_text(
        cls, text: str, *, name: str = "<string>", net: Net | None = None, folder: Path | None = None
    ) -> Solver:
        """Make a solver from a prototxt's text; of the type that it names when called on `Solver` itself."""
        source = parse_solver(text, name)
        return (solver_class(source.param.type, name) if cls is Solver else cls)(source, net=net, folder=folder)

    # running

    def step(self, iterations: int) -> None:
        """Run that many iterations: test when due, forward and backward, update, snapshot when due.

        Parameters
        ----------
        iterations : int
            How many; `stop` ends the loop after the current one.

        Raises
        ------
        Exception
            What a layer raises. The solver can go on: the iteration that failed has changed no parameter.
        """
        __tracebackhide__ = True
        end = self.iter + iterations
        self._losses.clear()
        self._stop = False
        with self.net.lock:
            self.running = True
            try:
                while self.iter < end and not self._stop:
                    self._iterate()
            finally:
                self.running = False

    def solve(self, resume_file: str | os.PathLike[str] | None = None) -> None:
        """Train until `max_iter`, from a .solverstate where one is given; write a last snapshot and test if asked."""
        if resume_file:
            self.restore(resume_file)
        self.step(max(0, self.param.max_iter - self.iter))
        if self._stop:
            return
        every = self.param.snapshot
        if self.param.snapshot_after_train and self._has_prefix and not (every and self.iter % every == 0):
            self.snapshot()
        if self.param.test_interval and self.iter % self.param.test_interval == 0:
            self.test_all()

    def stop(self) -> None:
        """Ask a running `step` to return after the current iteration; may be called from another thread."""
        self._stop = True

    def _iterate(self) -> None:
        __tracebackhide__ = True
        for net in (self.net, *self.test_nets):
            for listener in tuple(net.hooks.safe_point):
                listener()
        for hook in tuple(self.hooks.before_iteration):
            hook(self)
        self.net.clear_param_diffs()
        every = self.param.test_interval
        if every and self.iter % every == 0 and (self.iter > 0 or self.param.test_initialization):
            self.test_all()
            if self._stop:
                return
        for on_start, _ in self._callbacks:
            on_start()
        loss = sum(self._pass() for _ in range(max(1, self.param.iter_size)))
        self.loss = loss / max(1, self.param.iter_size)
        self._smooth()
        self._display()
        for _, on_gradients_ready in self._callbacks:
            on_gradients_ready()
        self.apply_update()
        self.iter += 1
        for hook in tuple(self.hooks.after_iteration):
            hook(self)
        if self.param.snapshot and self.iter % self.param.snapshot == 0:
            self.snapshot()

    def _pass(self) -> float:
        __tracebackhide__ = True
        loss = self.net.forward_pass()
        self.net.backward_pass()
        return loss

    def apply_update(self) -> None:
        """Turn the gradients into updates (clip, average, decay, the rule) and subtract them from the parameters."""
        params = self.net.learnable_params
        rate = self.lr
        with np.errstate(over="ignore", invalid="ignore"):  # a net that diverges shows it in its values
            self._update(params, rate)

    def _update(self, params: list[Blob], rate: float) -> None:
        regularize.clip(params, self.param.clip_gradients)
        for index, blob in enumerate(params):
            regularize.average(blob, self.param.iter_size)
            decay = self.param.weight_decay * self.net.params_weight_decay[index]
            regularize.decay(blob, decay, self.param.regularization_type)
            self.rule.update(index, blob, rate * self.net.params_lr[index])
        for blob in params:
            blob.data -= blob.const_diff

    def test_all(self) -> None:
        """Run every test net for its test_iter batches; listeners get the mean of each output."""
        for index in range(len(self.test_nets)):
            self.test(index)

    def test(self, index: int = 0) -> dict[str, float]:
        """Run one test net and return the mean of each of its outputs over test_iter batches.

        Parameters
        ----------
        index : int, default 0
            Which test net.

        Returns
        -------
        dict of str to float
            By output name; an output with several elements gets ``name[i]`` for each.
        """
        net = self.test_nets[index]
        net.share_with(self.net)
        totals: dict[str, Array] = {}
        batches = self.param.test_iter[index]
        for _ in range(batches):
            net.forward_pass()
            for name in net.outputs:
                value = net.blobs[name].const_data.astype(np.float64).ravel()
                totals[name] = totals[name] + value if name in totals else value
            if self._stop and self.running:
                return {}
        result: dict[str, float] = {}
        for name, total in totals.items():
            means = total / max(1, batches)
            labels = [name] if means.size == 1 else [f"{name}[{i}]" for i in range(means.size)]
            result.update(zip(labels, means.tolist(), strict=True))
        for number, (label, mean) in enumerate(result.items()):
            log.info("    Test net output #%d: %s = %g", number, label, mean)
        for hook in tuple(self.hooks.after_test):
            hook(self, index, result)
        return result

    def _smooth(self) -> None:
        window = max(1, self.param.average_loss)
        self._losses.append(self.loss)
        del self._losses[:-window]
        self.smoothed_loss = sum(self._losses) / len(self._losses)

    def _display(self) -> None:
        if not self.param.display or self.iter % self.param.display or not log.isEnabledFor(logging.INFO):
            return
        log.info("Iteration %d, loss = %g", self.iter, self.smoothed_loss)
        weights = self.net.blob_loss_weights
        number = 0
        for name in self.net.outputs:
            for value in self.net.blobs[name].const_data.ravel().tolist():
                weight = weights[name]
                note = f" (* {weight:g} = {weight * value:g} loss)" if weight else ""
                log.info("    Train net output #%d: %s = %g%s", number, name, value, note)
                number += 1
        log.info("Iteration %d, lr = %g", self.iter, self.lr)

    # state

    @property
    def lr(self) -> float:
        """The learning rate of the current iteration."""
        return learning_rate(self.param, self.iter)

    @property
    def _has_prefix(self) -> bool:
        return bool(self.param.snapshot_prefix) or self.path is not None

    def snapshot(self) -> Path:
        """Write PREFIX_iter_N.caffemodel and .solverstate; return the latter's path."""
        start = snapshot.prefix(self.param, self.path)
        path = snapshot.write(self.net, self.rule.history, self.iter, self.param, start)
        log.info("Snapshotting solver state to binary proto file %s", path)
        return path

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Take up a .solverstate and the weights that it names."""
        self.iter = snapshot.read(Path(path), self.net, self.rule.history)

    def share_weights(self, net: Net) -> None:
        """Let another net use the trained net's parameters."""
        net.share_with(self.net)

    def add_callback(self, on_start: Callable[[], object], on_gradients_ready: Callable[[], object]) -> None:
        """Call `on_start()` before each iteration's passes and `on_gradients_ready()` before its update."""
        self._callbacks.append((on_start, on_gradients_ready))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} iteration {self.iter} of {self.param.max_iter or '?'}, net '{self.net.name}'>"


class SGDSolver(Solver):
    """Stochastic gradient descent with momentum."""

    type_name = "SGD"
    rule_class = rules.SGD


SOLVERS: dict[str, type[Solver]] = {cls.type_name: cls for cls in (SGDSolver,)}


def solver_class(name: str, where: str = "") -> type[Solver]:
    """Return the class of a solver type.

    Raises
    ------
    SolverError
        For a type that is not there.
    """
    if name not in SOLVERS:
        raise SolverError(
            f"unknown solver type '{name}'.{did_you_mean(name, SOLVERS)} Known: {listing(SOLVERS)}", where=where
        )
    return SOLVERS[name]


def get_solver(source: str | os.PathLike[str] | caffe_pb2.SolverParameter) -> Solver:
    """Return the solver of the type that the text names (SGD by default)."""
    text = as_source(source)
    return solver_class(text.param.type, text.name)(text)


def as_source(source: str | os.PathLike[str] | caffe_pb2.SolverParameter | SolverSource) -> SolverSource:
    """Return a solver's text with its nets, from a file or a message."""
    if isinstance(source, SolverSource):
        return source
    if isinstance(source, caffe_pb2.SolverParameter):
        return parse_solver(to_text(source), "<message>")
    return read_solver(source)
