"""`%caffe_cluster` and `%caffe_run --cluster`: an IPyParallel cluster whose engines train a net together over MPI."""

from __future__ import annotations

import logging
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from caffe_nb import live
from caffe_nb.distributed import overview, supervise
from caffe_nb.distributed.faults import Fault, RankError
from caffe_nb.distributed.mpi import MISSING, mpiexec
from caffe_nb.errors import CaffeError, SolverError
from caffe_nb.notebook import engine
from caffe_nb.notebook.cluster_display import ClusterProgress, ClusterStatus
from caffe_nb.notebook.display import shown
from caffe_nb.solvers import Solver

POLL = 0.1
"""Seconds between two looks at what the ranks tell."""
END = 4.0
"""Seconds for `mpiexec` to end after one of its processes has, and for what a rank has told to come."""
START_TIMEOUT = 90
"""Seconds that the engines may take to come up."""


class Cluster:
    """Engines that MPI started, one a rank.

    Parameters
    ----------
    n : int
        How many.
    hostfile : path, optional
        The machines, one a line, for `mpiexec -f`; this one by default.

    Raises
    ------
    CaffeError
        When IPyParallel or MPI is missing, or the engines do not start; with what `mpiexec` said.
    """

    def __init__(self, n: int, hostfile: str | os.PathLike[str] | None = None) -> None:
        ipyparallel = _ipyparallel()
        if n < 1:
            raise CaffeError(f"a cluster has at least one engine, got {n}")
        self._folder = Path(tempfile.mkdtemp(prefix="caffe-cluster-"))
        self._cluster = ipyparallel.Cluster(
            n=n,
            engines="mpi",
            config=_config(hostfile),
            profile_dir=str(self._folder),
            load_profile=False,
            controller_ip="*" if hostfile else "127.0.0.1",
            engine_timeout=START_TIMEOUT,
            log=_silent(),
        )
        try:
            self._cluster.start_cluster_sync(n=n)
            self._client = self._cluster.connect_client_sync()
            self._client.wait_for_engines(n, timeout=START_TIMEOUT, interactive=False)
            said = self._client[:].apply_sync(engine.hello, str(Path.cwd()), [p for p in sys.path if p])
        except BaseException as error:
            output = self._output()
            self.stop()
            if isinstance(error, KeyboardInterrupt):
                raise
            raise CaffeError(f"the cluster did not start: {output or error}") from None
        by_rank = sorted(zip(said, self._client.ids, strict=True), key=lambda pair: pair[0]["rank"])
        self.ranks: list[dict[str, Any]] = [each for each, _ in by_rank]
        self._engines = [engine_id for _, engine_id in by_rank]

    @property
    def size(self) -> int:
        """How many ranks there are."""
        return len(self.ranks)

    @property
    def running(self) -> bool:
        """Whether the engines are there."""
        return bool(self._cluster.engines) and all(each.running for each in self._cluster.engines.values())

    def status(self) -> ClusterStatus:
        """Return what the ranks are, for display."""
        return ClusterStatus(self.ranks, self.running)

    def stop(self, *, kill: bool = False) -> None:
        """End all engines; with `kill` also those that hang, without a word."""
        if kill and self.running:  # each engine has a process beside it that passes signals on
            self._client.send_signal("SIGKILL" if hasattr(signal, "SIGKILL") else "SIGTERM", block=False)
            self._wait_for_end()
        try:
            self._cluster.stop_cluster_sync()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, solver: Solver, iterations: int, *, quiet: bool = False) -> None:
        """Train a solver's net on all ranks; the solver here takes up what they reach.

        Parameters
        ----------
        solver : Solver
            One that was read from a file, which all ranks read too. Its state is where they begin.
        iterations : int
            How many.
        quiet : bool, default False
            Show nothing.

        Raises
        ------
        SolverError
            When the solver does not come from a file.
        RankError
            When a rank cannot go on; all have stopped then.
        """
        if solver.path is None:
            raise SolverError(
                "a cluster trains a solver that comes from a file, which every rank reads; write it to one"
            )
        path, end = str(solver.path.absolute()), solver.iter + iterations
        progress = ClusterProgress(solver.net.name, solver.iter, end, self.ranks)
        cells = _cells(solver)
        with shown(progress, quiet=quiet), _interrupts() as interrupts:
            state = engine.state_of(solver)
            results = [
                self._client[each].apply_async(engine.train, path, end, cells, None if rank else state)
                for rank, each in enumerate(self._engines)
            ]
            self._follow(results, solver, progress, interrupts)
            self._finish(results, solver)

    def _follow(self, results: list[Any], solver: Solver, progress: ClusterProgress, interrupts: list[int]) -> None:
        """Show what rank 0 tells until all are done; pass the first interrupt on to the ranks."""
        seen, passed_on = 0, False
        waits = [result for result in results if not result.done()]
        while waits:
            waits[0].wait(POLL)
            seen = _take_up(results[0].data, seen, solver, progress)
            if interrupts and not passed_on:
                passed_on = True
                progress.note("stopped by interrupt on all ranks; run again to go on")
                self._client.send_signal("SIGINT", block=False)
            if len(interrupts) > 1:
                self.stop(kill=True)
                raise KeyboardInterrupt
            waits = [result for result in results if not result.done()]
            if waits and any(_hung(result) for result in results):
                break
        last = results[0].get()["told"] if results[0].done() and results[0].successful() else seen
        deadline = time.monotonic() + END
        while (seen := _take_up(results[0].data, seen, solver, progress)) < last and time.monotonic() < deadline:
            time.sleep(POLL / 10)  # what was told may come after the end of the run

    def _finish(self, results: list[Any], solver: Solver) -> None:
        ipyparallel = _ipyparallel()
        answers: list[dict[str, Any]] = []
        for result in results:
            try:
                answers += [result.get()] if result.done() else []
            except (ipyparallel.EngineError, ipyparallel.CompositeError, ipyparallel.RemoteError) as error:
                if "died" not in str(error) and not isinstance(error, ipyparallel.EngineError):
                    raise CaffeError(f"an engine failed: {error}") from None
                faults = self._died(str(error))
                self.stop()
                raise RankError(faults) from None
        told: list[dict[str, Any]] = next((answer["faults"] for answer in answers if answer["faults"]), [])
        if any(answer["hung"] for answer in answers):
            self.stop(kill=True)
        if told:
            raise RankError([Fault(**each) for each in told])
        engine.take_state(solver, answers[0]["state"])

    def _died(self, message: str) -> list[Fault]:
        """Return which rank's process ended, as its supervisor says."""
        self._wait_for_end()
        output = self._output()
        advice = "the cluster is stopped, %caffe_cluster start begins anew"
        found = re.findall(r"^rank (\d+) \((.+)\): (ended by signal .*)$", output, re.MULTILINE)
        if found:
            return [Fault(int(rank), name, f"{how}; {advice}") for rank, name, how in found]
        return [Fault(0, self.ranks[0]["name"], f"{message}; {advice}\n{output}")]

    def _wait_for_end(self) -> None:
        """Return when `mpiexec` has ended, or does not."""
        deadline = time.monotonic() + END
        while self.running and time.monotonic() < deadline:
            time.sleep(POLL / 2)

    def _output(self) -> str:
        """Return what `mpiexec` and the engines wrote."""
        texts = [each.get_output(remove=False) or "" for each in self._cluster.engines.values()]
        return "\n".join(line for text in texts for line in text.splitlines() if line.strip(" ="))


_current: Cluster | None = None


def start(n: int, hostfile: str | os.PathLike[str] | None = None) -> Cluster:
    """Start the notebook's cluster, in the place of one that runs.

    Parameters
    ----------
    n : int
        How many engines, each a rank.
    hostfile : path, optional
        See `Cluster`.
    """
    global _current
    stop()
    _current = Cluster(n, hostfile)
    return _current


def stop() -> bool:
    """Stop the notebook's cluster; return whether there was one."""
    global _current
    found, _current = _current, None
    if found is not None:
        found.stop()
    return found is not None


def current() -> Cluster:
    """Return the notebook's cluster.

    Raises
    ------
    CaffeError
        When none runs.
    """
    if _current is None:
        raise CaffeError("no cluster runs here; start one: %caffe_cluster start -n 4")
    if not _current.running:
        raise CaffeError("the cluster has stopped; start one: %caffe_cluster start -n 4")
    return _current


def _take_up(data: dict[str, Any], seen: int, solver: Solver, progress: ClusterProgress) -> int:
    """Show what rank 0 has told since, and let the solver here, and so the panel, follow its losses."""
    while (told := data.get(f"told {seen + 1}")) is not None:
        seen += 1
        progress.ranks_did(*told["ranks"])
        overview.tell(solver, progress.overview())
        for note in told["notes"]:
            progress.note(note)
        for iteration, index, outputs in told["tests"]:
            progress.test(iteration, index, outputs)
            solver.go_back(iteration)
            solver.scores.add(iteration, index, outputs, solver.test_nets[index].blobs)
            for tested in tuple(solver.hooks.after_test):
                tested(solver, index, outputs)
        for iteration, loss, rate in told["points"]:
            solver.go_back(iteration)
            solver.loss = loss
            solver.losses.add(iteration - 1, loss, solver.param.average_loss)
            progress.advance(iteration, loss, rate)
            for listener in tuple(solver.hooks.after_iteration):
                listener(solver)
    return seen


def _hung(result: Any) -> bool:
    return bool(result.done() and result.successful() and result.get()["hung"])


def _cells(solver: Solver) -> dict[str, str]:
    """Return the texts of layer classes that cells of the notebook define, bases first."""
    found: dict[str, str] = {}
    for node in solver.net.nodes:
        if node.is_python and type(node.layer).__module__ == "__main__":
            version = live.versions(node.layer)[-1]
            found |= {cell.name: cell.text for cell in reversed(version.cells)}
    return found


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Collect interrupts instead of raising them."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)


def _ipyparallel() -> Any:
    try:
        import ipyparallel
    except ImportError as error:
        raise CaffeError(f"{MISSING}: {error}") from error
    return ipyparallel


def _config(hostfile: str | os.PathLike[str] | None) -> Any:
    from traitlets.config import Config

    config = Config()
    config.MPIEngineSetLauncher.mpi_cmd = [str(mpiexec())]
    if os.name == "posix":
        command = [sys.executable, supervise.__file__, sys.executable, "-m", "ipyparallel.engine"]
        config.MPIEngineSetLauncher.engine_cmd = command
    if hostfile is not None:
        if not Path(hostfile).is_file():
            raise CaffeError(f"there is no file of machines '{hostfile}'; it has the name of one on each line")
        config.MPIEngineSetLauncher.mpi_args = ["-f", str(Path(hostfile).absolute())]
    return config


def _silent() -> logging.Logger:
    """Return a logger that shows nothing: what goes wrong is raised."""
    logger = logging.getLogger("caffe_nb.cluster")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger
