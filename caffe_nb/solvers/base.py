"""Solver: the loop that tests, runs the net, updates its parameters and writes snapshots."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from caffe_nb import rng
from caffe_nb.errors import SolverError, did_you_mean, listing
from caffe_nb.net import Net
from caffe_nb.net.interrupts import between_layers
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.text import SolverSource, parse_solver
from caffe_nb.solvers import nets, outputs, regularize, rules, snapshot
from caffe_nb.solvers.alive import announce
from caffe_nb.solvers.display import solver_html
from caffe_nb.solvers.losses import WithLosses
from caffe_nb.solvers.lr_policy import learning_rate
from caffe_nb.solvers.source import as_source, check, check_type

log = logging.getLogger("caffe_nb")


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


class Solver(WithLosses):
    """Trains a net; subclasses choose the update rule and are known by their `type_name`.

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
    running : bool
        Whether `step` is running.
    hooks : SolverHooks
        Where others listen.
    """

    type_name: ClassVar[str] = ""
    rule_class: ClassVar[type[rules.Rule]]
    types: ClassVar[dict[str, type[Solver]]] = {}
    """All solver types by their Caffe names."""

    def __init_subclass__(cls) -> None:
        if "type_name" in vars(cls):
            Solver.types[cls.type_name] = cls

    def __init__(
        self,
        source: str | os.PathLike[str] | caffe_pb2.SolverParameter | SolverSource,
        *,
        net: Net | None = None,
        folder: Path | None = None,
    ) -> None:
        super().__init__()
        check_type(self.type_name)
        text = as_source(source)
        self._param, self.path = text.param, text.path
        folder = folder or (text.path.absolute().parent if text.path else None)
        if self.param.random_seed >= 0:
            rng.set_random_seed(self.param.random_seed)
        check(self.param, self.rule_class, text.name)  # what is wrong is said now, not after the first pass
        self._net = nets.train_net(text, folder, net)
        self._test_nets = nets.test_nets(text, folder, net)
        for each in (self.net, *self.test_nets):
            nets.load_weights(each, self.param.weights, folder)
        self.rule = self.rule_class(self.net.learnable_params, self.param)
        self.hooks = SolverHooks()
        self._iter = 0
        self.running = False
        self._stop = False
        self._begun: tuple[int, Any] | None = None  # passes done of the iteration that runs, and their loss
        self._callbacks: list[tuple[Callable[[], object], Callable[[], object]]] = []
        announce(self)

    @classmethod
    def from_text(
        cls, text: str, *, name: str = "<string>", net: Net | None = None, folder: Path | None = None
    ) -> Solver:
        """Make a solver from a prototxt's text; of the type that it names when called on `Solver` itself."""
        source = parse_solver(text, name, keep_unknown=True)
        made = Solver.class_of(source.param.type, name) if cls is Solver else cls
        return made(source, net=net, folder=folder)

    @classmethod
    def class_of(cls, name: str, where: str = "") -> type[Solver]:
        """Return the class of a solver type.

        Raises
        ------
        SolverError
            For a type that is not there.
        """
        if name not in cls.types:
            raise SolverError(
                f"unknown solver type '{name}'.{did_you_mean(name, cls.types)} Known: {listing(cls.types)}", where=where
            )
        return cls.types[name]

    # running

    def step(self, iterations: int) -> None:
        """Run that many iterations: test when due, forward and backward, update, snapshot when due.

        Parameters
        ----------
        iterations : int
            How many; `stop` ends the loop after the current one.

        Raises
        ------
        SolverError
            When a snapshot is due on the way and its folder is not there.
        Exception
            What a layer raises; also KeyboardInterrupt, which waits for a built-in layer that runs.

        Notes
        -----
        After an exception or an interrupt the next call goes on within that iteration, before the layer where it
        stopped: with the same batch, and with the result that it would have had. That ends when the net is run by hand
        in between.
        """
        __tracebackhide__ = True
        end = self.iter + iterations
        every = self.param.snapshot
        if every > 0 and self.iter // every < end // every:
            self._check_snapshots()
        self.losses.restart()
        self._stop = False
        with self.net.lock, between_layers([self.net, *self.test_nets]):
            self.running = True
            try:
                while self.iter < end and not self._stop:
                    self._iterate()
                self.net.settle()
            finally:
                self.running = False

    def solve(self, resume_file: str | os.PathLike[str] | None = None) -> None:
        """Train until `max_iter`, from a .solverstate where one is given.

        Writes a last snapshot (also when `stop` ended the training) unless the text says not to, then runs one more
        forward pass to show the loss and the tests, where they are due.
        """
        log.info("Solving %s\nLearning Rate Policy: %s", self.net.param.name, self.param.lr_policy)
        if resume_file:
            log.info("Restoring previous solver status from %s", resume_file)
            self.restore(resume_file)
        last = self.param.snapshot_after_train and self._has_prefix
        if last:
            self._check_snapshots()
        self.step(max(0, self.param.max_iter - self.iter))
        if last and not (self.param.snapshot and self.iter % self.param.snapshot == 0):
            self.snapshot()
        if self._stop:
            log.info("Optimization stopped early.")
            return
        if self.param.display and self.iter % self.param.display == 0:
            self.loss = self.net.forward_pass()
            self._smooth()
            log.info("Iteration %d, loss = %g", self.iter, self.smoothed_loss)
        if self.param.test_interval and self.iter % self.param.test_interval == 0:
            self.test_all()
        log.info("Optimization Done.")

    def stop(self) -> None:
        """Ask a running `step` to return after the current iteration; may be called from another thread."""
        self._stop = True

    def _iterate(self) -> None:
        __tracebackhide__ = True
        for net in (self.net, *self.test_nets):
            for listener in tuple(net.hooks.safe_point):
                listener()
        if self.net.paused is None or self._begun is None:
            self._begun = None
            self._begin()
            if self._stop:
                return
            self._begun = (0, 0.0)
        done, loss = self._begun
        for index in range(done, self.param.iter_size):
            self._begun = (index, loss)
            loss += self._pass(index)
        self._begun = None
        self.loss = loss / self.param.iter_size
        for _, on_gradients_ready in self._callbacks:
            on_gradients_ready()
        self._smooth()
        if self._shown and log.isEnabledFor(logging.INFO):
            self._display()
        self.apply_update()
        for hook in tuple(self.hooks.after_iteration):
            hook(self)
        if self.param.snapshot and self.iter % self.param.snapshot == 0:
            self.snapshot()

    def _begin(self) -> None:
        __tracebackhide__ = True
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
        self.net.debug_info = self._shown and self.param.debug_info

    @property
    def _shown(self) -> bool:
        return self.param.display > 0 and self.iter % self.param.display == 0

    def _pass(self, index: int) -> Any:
        __tracebackhide__ = True
        paused = self.net.paused
        loss = self.net.resume(keep_diffs=index > 0) if paused is not None else self.net.forward_loss()
        if paused is None or paused.method == "forward":
            self.net.backward_pass()
        return loss

    def apply_update(self) -> None:
        """Turn the gradients into updates, subtract them from the parameters and count the iteration.

        Clips, averages over iter_size, adds the weight decay, runs the rule and subtracts, in this order.
        """
        net, param, rate = self.net, self.param, self.lr
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):  # divergence is silent
            clip, average = regularize.clipping(net.learnable_params, param.clip_gradients), 1 / param.iter_size
            for index, blob in enumerate(net.learnable_params):
                decay = param.weight_decay * net.params_weight_decay[index]
                kind = regularize.kind_of(decay, param.regularization_type)
                before = regularize.Regularization(clip, average, decay, kind)
                self.rule.update(index, blob, rate * net.params_lr[index], self.iter, before)
        self._iter += 1

    def test_all(self) -> None:
        """Run every test net for its test_iter batches; listeners get the mean of each output."""
        for index in range(len(self.test_nets)):
            if not self.stopping:
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
            By output name; an output with several elements gets ``name[i]`` for each. Empty when `stop` was called.
        """
        net = self.test_nets[index]
        log.info("Iteration %d, Testing net (#%d)", self.iter, index)
        net.share_with(self.net)
        net.debug_info = self.param.debug_info
        means, batches = outputs.Means(net), self.param.test_iter[index]
        loss: Any = 0.0
        for _ in range(batches):
            if self.stopping:
                log.info("Test interrupted.")
                return {}
            if self.net.interrupted:
                raise KeyboardInterrupt
            loss += net.forward_loss()
            means.add()
        net.settle()
        if self.param.test_compute_loss and batches > 0:
            log.info("Test loss: %g", loss / batches)
        means.log()
        result = means.by_name()
        self.scores.add(self.iter, index, result, net.blobs)
        for hook in tuple(self.hooks.after_test):
            hook(self, index, result)
        return result

    def _smooth(self) -> None:
        self.losses.add(self.iter, self._loss, self.param.average_loss)

    def _display(self) -> None:
        self.net.settle()
        log.info("Iteration %d, loss = %g", self.iter, self.smoothed_loss)
        outputs.log_train(self.net)
        log.info("Iteration %d, lr = %g", self.iter, self.lr)

    @property
    def stopping(self) -> bool:
        """Whether a running `step` was asked to return."""
        return self._stop and self.running

    # state

    @property
    def last_pass(self) -> bool:
        """Whether the pass that runs is the last one of its iteration."""
        return self._begun is not None and self._begun[0] == self.param.iter_size - 1

    @property
    def net(self) -> Net:
        """The net that is trained."""
        return self._net

    @property
    def test_nets(self) -> list[Net]:
        """The nets that are tested; they use the trained net's parameters."""
        return self._test_nets

    @property
    def iter(self) -> int:
        """How many times the parameters were updated."""
        return self._iter

    @property
    def param(self) -> caffe_pb2.SolverParameter:
        """The solver's text as a message."""
        return self._param

    @property
    def lr(self) -> float:
        """The learning rate of the current iteration."""
        return learning_rate(self.param, self.iter)

    @property
    def _has_prefix(self) -> bool:
        return bool(self.param.snapshot_prefix) or self.path is not None

    def _check_snapshots(self) -> None:
        folder = Path(snapshot.prefix(self.param, self.path)).absolute().parent
        if not folder.is_dir():
            raise SolverError(
                f"snapshots go to the folder {folder}, which does not exist; make it, or change snapshot_prefix"
            )

    def snapshot(self) -> Path:
        """Write PREFIX_iter_N.caffemodel and .solverstate; return the latter's path."""
        start = snapshot.prefix(self.param, self.path)
        return snapshot.write(self.net, self.rule.memories, self.iter, self.param, start)

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Take up a .solverstate and the weights that it names."""
        self._begun = None
        self._iter = snapshot.read(Path(path), self.net, self.rule.memories)

    def go_back(self, iteration: int) -> None:
        """Count on from an earlier iteration, whose state the caller has put back."""
        self._begun = self.net.paused = None
        self._iter = iteration

    def share_weights(self, net: Net) -> None:
        """Let another net use the trained net's parameters."""
        net.share_with(self.net)

    def add_callback(self, on_start: Callable[[], object], on_gradients_ready: Callable[[], object]) -> None:
        """Call `on_start()` before each iteration's passes and `on_gradients_ready()` after them; it may set `loss`."""
        self._callbacks.append((on_start, on_gradients_ready))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} iteration {self.iter} of {self.param.max_iter or '?'}, net '{self.net.name}'>"

    def _repr_html_(self) -> str:
        return solver_html(self)
