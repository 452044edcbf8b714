"""Holding a running net between two of its layers, and running parts of one that stands: the panel's buttons."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from weakref import WeakKeyDictionary, ref

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.hooks import Callback
from caffe_nb.errors import NetError
from caffe_nb.inspector.describe import find_node, is_running, solver_of
from caffe_nb.inspector.mailbox import POLL, held
from caffe_nb.inspector.pieces import Action, Breaks, Held, Pass, Place
from caffe_nb.net.build import Node
from caffe_nb.net.net import Net

log = logging.getLogger("caffe_nb")

_controls: WeakKeyDictionary[Net, Control] = WeakKeyDictionary()
_guard = threading.Lock()


def control_of(net: Net) -> Control:
    """Return the net's control, made on the first call; it costs nothing until something is asked of it."""
    with _guard:
        control = _controls.get(net)
        if control is None:
            control = _controls[net] = Control(net)
        return control


class Control:
    """What holds one net and lets it go on.

    Parameters
    ----------
    net : Net
        Kept by a weak reference.

    Attributes
    ----------
    breaks : Breaks
        When the net is to be held.
    held : Held or None
        Where it is held now. It holds its lock meanwhile, and answers questions (`mailbox.ask`).

    Notes
    -----
    The hooks are on the net only while there is something to stop at. A net is held in the thread that runs it; an
    interrupt, and a solver that is asked to stop, let it go.
    """

    def __init__(self, net: Net) -> None:
        self._net = ref(net)
        self.breaks = Breaks()
        self.held: Held | None = None
        self._go = threading.Event()
        self._next = ""  # why to hold before the very next layer
        self._target: int | None = None  # the layer to hold after, once
        self._let_through = False  # from a stop to the next forward's first layer
        self._place = Place(0, "forward")
        self._thread: threading.Thread | None = None
        self._hooks: dict[str, Callback] = {}

    @property
    def net(self) -> Net:
        """The net."""
        net = self._net()
        assert net is not None
        return net

    @property
    def place(self) -> Place:
        """The layer that `step` runs next, where the net is idle."""
        paused = self.net.paused
        if paused is not None and not is_running(self.net):
            return Place(paused.index, "backward" if paused.method == "backward" else "forward")
        return self._place

    def act(self, action: Action, layer: int = -1) -> None:
        """Do what a button says; what takes long runs on in a thread.

        Parameters
        ----------
        action : str
            forward, backward: a whole pass. step: one layer. run_to, run_from: up to and with a layer, from it on.
            pause, resume, stop: of a run.
        layer : int
            For run_to and run_from.

        Raises
        ------
        NetError
            For what does not go now, in words.
        """
        if action in ("run_to", "run_from"):
            find_node(self.net, layer)
        if self.held is not None:
            self._act_held(action, layer)
        elif self._busy():
            self._act_running(action)
        else:
            self._act_idle(action, layer)
        self._listen()

    def set_breaks(self, breaks: Breaks) -> None:
        """Hold the net there from now on.

        Raises
        ------
        NetError
            For a layer that there is not, and a limit that is no size.
        """
        for index in breaks.layers:
            find_node(self.net, index)
        if breaks.limit is not None and not 0 < breaks.limit < math.inf:
            raise NetError(f"a diff's size can be limited to a finite number above 0, got {breaks.limit:g}")
        self.breaks = breaks
        self._listen()

    def release(self) -> None:
        """Let the net run on, past all breakpoints, to the end of its pass: it was interrupted."""
        self._next, self._target, self._let_through = "", None, True
        self._go.set()

    # what the buttons do

    def _act_held(self, action: Action, layer: int) -> None:
        if action == "resume":
            pass
        elif action == "step":
            self._next = "one layer was run"
        elif action == "run_to":
            self._target = layer
        elif action == "stop":
            self._stop()
        elif action != "pause":
            raise NetError(f"net '{self.net.name}' is held in the middle of a run: step, resume or stop it first")
        if action != "pause":
            self._go.set()

    def _act_running(self, action: Action) -> None:
        if action in ("pause", "step"):
            self._next = "paused"
        elif action == "stop":
            self._stop()
        elif action != "resume":
            raise NetError(f"net '{self.net.name}' is running: pause or stop it first")

    def _act_idle(self, action: Action, layer: int) -> None:
        net, place, last = self.net, self.place, len(self.net.nodes) - 1
        if action == "forward":
            self._start(lambda: self._forward(0, last))
        elif action == "run_to":
            self._start(lambda: self._forward(0, layer))
        elif action == "run_from":
            self._start(lambda: self._forward(layer, last))
        elif action == "backward":
            self._start(lambda: self._backward(last, 0))
        elif action == "step" and place.direction == "forward":
            end = self._through_splits(place.index)
            self._start(lambda: self._forward(place.index, end))
        elif action == "step":
            self._start(lambda: self._backward(place.index, place.index))
        elif action in ("pause", "resume"):
            raise NetError(f"net '{net.name}' is idle: there is nothing to {action}")

    def _stop(self) -> None:
        solver = solver_of(self.net)
        if solver is not None and solver.running:
            solver.stop()
        else:
            self.net.interrupted = True
        self.release()

    def _busy(self) -> bool:
        return is_running(self.net) or (self._thread is not None and self._thread.is_alive())

    # passes of an idle net

    def _start(self, run: Callable[[], None]) -> None:
        def body() -> None:
            try:
                run()
            except KeyboardInterrupt:
                pass  # the stop button
            except Exception:
                log.debug("a run from the panel ended with an exception", exc_info=True)  # shown at its layer
            finally:
                self.net.interrupted = False

        self._let_through = False
        self._thread = threading.Thread(target=body, name="caffe_nb panel run", daemon=True)
        self._thread.start()

    def _forward(self, start: int, end: int) -> None:
        last = len(self.net.nodes) - 1
        self.net.forward_pass(start, end)
        self._place = Place(end + 1, "forward") if end < last else self._next_backward(end + 1)

    def _backward(self, start: int, end: int) -> None:
        last = len(self.net.nodes) - 1
        if start == last:
            self.net.clear_param_diffs()
        self.net.backward_pass(start, end)
        self._place = self._next_backward(end)

    def _next_backward(self, above: int) -> Place:
        """Return the last layer below that one whose backward does something; after all of them, the first forward."""
        below = [node.index for node in self.net.nodes[:above] if node.needs_backward and node.bottoms]
        return Place(below[-1], "backward") if below else Place(0, "forward")

    def _through_splits(self, index: int) -> int:
        """Return the last layer of a step: the splits behind a layer, which nobody sees, run with it."""
        nodes = self.net.nodes
        while index + 1 < len(nodes) and nodes[index + 1].inserted:
            index += 1
        return index

    # hooks, called by the thread that runs the net

    def _listen(self) -> None:
        """Put the hooks on the net that are needed now, and take off the others."""
        breaks = self.breaks
        wanted: dict[str, Callback] = {}
        if self._next or self._target is not None or breaks.layers or breaks.iteration is not None:
            wanted |= {"before_forward": self._before("forward"), "before_backward": self._before("backward")}
        if self._target is not None or breaks.not_finite or breaks.limit is not None:
            wanted |= {"after_forward": self._after("forward"), "after_backward": self._after("backward")}
        hooks, mine = self.net.hooks, self._hooks
        for name in {*wanted, *mine}:
            listeners: list[Callback] = getattr(hooks, name)
            others = [hook for hook in listeners if hook is not mine.get(name)]
            own = [wanted[name]] if name in wanted else []
            listeners[:] = [*own, *others] if name.startswith("before") else [*others, *own]  # to time no hold
        self._hooks = wanted

    def _before(self, direction: Pass) -> Callback:
        def before(index: int) -> None:
            if direction == "forward" and index == 0:
                self._let_through = False
            node = self.net.nodes[index]
            seen = not node.inserted and (direction == "forward" or node.bottoms)
            why = self._why_before(node) if seen else ""
            if why:
                self._hold(Held(index, direction, after=False, why=why))

        return before

    def _after(self, direction: Pass) -> Callback:
        def after(index: int) -> None:
            node = self.net.nodes[index]
            if self._target == index and direction == "forward":
                self._target = None
                self._hold(Held(index, direction, after=True, why="run to here"))
                return
            why = self._why_after(node, direction)
            if why:
                self._hold(Held(index, direction, after=True, why=why))

        return after

    def _why_before(self, node: Node) -> str:
        breaks, solver = self.breaks, solver_of(self.net)
        if breaks.iteration is not None and solver is not None and solver.iter >= breaks.iteration:
            self.breaks = Breaks(breaks.layers, breaks.not_finite, breaks.limit)
            return f"iteration {solver.iter}"
        if self._next:
            return self._next
        return "breakpoint" if node.index in breaks.layers else ""

    def _why_after(self, node: Node, direction: Pass) -> str:
        breaks = self.breaks
        if direction == "forward":
            written = [(f"top '{label}'", top.peek()) for label, top in zip(node.top_names, node.tops, strict=True)]
        else:
            written = [
                (f"diff of bottom '{label}'", bottom.peek("diff"))
                for label, bottom, needed in zip(node.bottom_labels, node.bottoms, node.propagate_down, strict=True)
                if needed
            ]
            params: list[Blob] = list(node.layer.blobs)
            written += [(f"diff of param {i}", blob.peek("diff")) for i, blob in enumerate(params)]
        for what, array in written:
            if breaks.not_finite and not np.isfinite(array).all():
                return f"{_first_bad(array)} in {what}"
            if direction == "backward" and breaks.limit is not None and array.size:
                largest = float(np.abs(array).max())
                if largest > breaks.limit:
                    return f"|{what}| reaches {largest:.3g}, over {breaks.limit:g}"
        return ""

    def _hold(self, where: Held) -> None:
        """Stay here until told to go on; questions are answered meanwhile."""
        net = self.net
        if self._let_through or self._released():
            return
        self._next, self.held = "", where
        self._go.clear()
        held.add(net)
        try:
            while not self._go.wait(POLL) and not self._released():
                for listener in tuple(net.hooks.between_layers):
                    listener()
        finally:
            held.discard(net)
            self.held = None
            self._listen()

    def _released(self) -> bool:
        solver = solver_of(self.net)
        return self.net.interrupted or (solver is not None and (solver.stopping or solver.net.interrupted))


def _first_bad(array: Array) -> str:
    value = array.reshape(-1)[int(np.argmin(np.isfinite(array).reshape(-1)))]
    place = np.unravel_index(int(np.argmin(np.isfinite(array).reshape(-1))), array.shape)
    return f"{'NaN' if np.isnan(value) else 'infinity'} at [{', '.join(str(int(i)) for i in place)}]"
