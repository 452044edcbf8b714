"""Watching one net: how long its layers take and what has changed, noted in plain attributes while it runs."""

from __future__ import annotations

import weakref

from caffe_nb import device
from caffe_nb.inspector.book import Record, finite
from caffe_nb.inspector.control import control_of
from caffe_nb.inspector.describe import solver_of
from caffe_nb.inspector.messages import NetUpdate
from caffe_nb.inspector.pieces import Current, LayerState, LayerTime
from caffe_nb.net.net import Net
from caffe_nb.net.stale import dependents

SMOOTHING = 0.1
"""Weight of a layer's newest time in its smoothed time."""
LONG_LAYER = 0.5
"""Seconds after which a running layer is reported again."""
NOTABLE = 0.05
"""Relative change of a layer's time that is told."""


class Watch:
    """What is seen of one net while somebody watches; a hook is on the net from `__init__` to `close`.

    Parameters
    ----------
    net : Net
        Kept by a weak reference.
    record : Record
        Where its times are noted.
    """

    def __init__(self, net: Net, record: Record) -> None:
        self._net = weakref.ref(net)
        self._record = record
        for times in record.times.values():
            times.extend([0.0] * (len(net.nodes) - len(times)))
        self._calls = 0
        self._seen: tuple[int, int] = (0, self._writes(net))
        self._stamp = 0
        self._sent: NetUpdate | None = None
        self._sent_at = 0.0
        self._told_times: dict[int, LayerTime] = {}
        self._sent_states = {node.index: record.state(node) for node in net.nodes if not node.inserted}
        net.hooks.timed.append(self._ran)

    @property
    def net(self) -> Net | None:
        """The net, while it lives."""
        return self._net()

    def refresh(self) -> None:
        """Let the next `update` return what there is even when it is not new: somebody else has come to watch."""
        self._sent = None
        self._told_times.clear()

    def close(self) -> None:
        """Take the hooks off the net."""
        self._record.passing.close()
        net = self.net
        if net is not None:
            net.hooks.timed.remove(self._ran)

    # called by the net, after each layer

    def _ran(self, indices: tuple[int, ...], direction: str, seconds: float) -> None:
        times, within = self._record.times[direction], self._record.within[direction]
        first, *others = indices
        now, before = 1000 * seconds, times[first]
        times[first] = before + SMOOTHING * (now - before) if before else now
        within.pop(first, None)
        for index in others:
            times[index] = 0.0
            within[index] = first
        self._calls += 1

    # called by the pusher

    def update(self, now: float) -> NetUpdate | None:
        """Return what has changed since the last call, or None.

        Parameters
        ----------
        now : float
            `time.perf_counter()`.
        """
        net = self.net
        if net is None:
            return None
        calls, writes = self._calls, self._writes(net)
        ran = calls != self._seen[0]
        if ran or writes != self._seen[1]:
            self._stamp += 1
            self._seen = (calls, writes)
        update = self._snapshot(net, now, ran)
        states = self._changed_states(net)
        if not states and not self._worth_sending(update, now):
            return None
        self._sent, self._sent_at = update, now
        if not states:
            return update
        return NetUpdate(**{name: getattr(update, name) for name in NetUpdate.__struct_fields__} | {"states": states})

    def _snapshot(self, net: Net, now: float, ran: bool) -> NetUpdate:
        solver, control = solver_of(net), control_of(net)
        running = net.running
        loss = solver.smoothed_loss if solver and solver.iter else None
        current = None
        if running is not None:
            index, direction, since = running
            current = Current(index, "backward" if direction == "backward" else "forward", round(now - since, 3))
        return NetUpdate(
            net=net.id,
            revision=net.revision,
            running=ran or running is not None or (solver is not None and solver.running),
            solver=solver is not None,
            iteration=solver.iter if solver else 0,
            max_iterations=solver.param.max_iter if solver and solver.iter <= solver.param.max_iter else 0,
            loss=None if loss is None else finite(loss),
            stamp=self._stamp,
            current=current,
            times=self._layer_times(net),
            states=[],
            held=control.held,
            place=control.place,
            breaks=control.breaks,
            stale=_stale(net),
            transfers="" if device.current() is None else net.transfers.message,
        )

    def _layer_times(self, net: Net) -> list[LayerTime]:
        record, times = self._record, []
        for node in net.nodes:
            if node.inserted:
                continue
            index = node.index
            forward, backward = (record.times[direction][index] for direction in ("forward", "backward"))
            first = record.within["forward"].get(index, record.within["backward"].get(index))
            within = "" if first is None else net.nodes[first].name
            now, told = LayerTime(index, round(forward, 3), round(backward, 3), within), self._told_times.get(index)
            if told is None or _notable(now, told):
                self._told_times[index] = now
                times.append(now)
        return times

    def _changed_states(self, net: Net) -> list[LayerState]:
        changed = []
        for node in net.nodes:
            if node.inserted:
                continue
            state = self._record.state(node)
            if state != self._sent_states[node.index]:
                self._sent_states[node.index] = state
                changed.append(state)
        return changed

    def _worth_sending(self, update: NetUpdate, now: float) -> bool:
        sent = self._sent
        if sent is None or (now - self._sent_at >= LONG_LAYER and update.current is not None):
            return True
        names = [name for name in NetUpdate.__struct_fields__ if name != "current"]
        if any(getattr(update, name) != getattr(sent, name) for name in names):
            return True
        return _layer(update.current) != _layer(sent.current)

    @staticmethod
    def _writes(net: Net) -> int:
        """Return a number that changes whenever a blob or a parameter is written."""
        total = sum(blob.version + blob.diff_version for blob in net.blobs.values())
        return total + sum(blob.version + blob.diff_version for layer in net.layers for blob in layer.blobs)


def _stale(net: Net) -> list[int]:
    changed = [node.index for node in net.nodes if node.changed and node.ran]
    if not changed:
        return []
    return sorted(index for index in dependents(net.nodes, changed) if not net.nodes[index].inserted)


def _notable(now: LayerTime, told: LayerTime) -> bool:
    return now.within != told.within or _apart(now.forward, told.forward) or _apart(now.backward, told.backward)


def _apart(now: float, told: float) -> bool:
    return abs(now - told) > NOTABLE * told


def _layer(current: Current | None) -> tuple[int, str] | None:
    return None if current is None else (current.index, current.direction)
