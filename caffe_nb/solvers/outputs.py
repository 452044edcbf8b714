"""What a net puts out, as Caffe's log words it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np

from caffe_nb import device
from caffe_nb.core.blob import Array
from caffe_nb.net import Net

log = logging.getLogger("caffe_nb")


class Means:
    """The mean of every output of a net over some forward passes.

    Parameters
    ----------
    net : Net
        The net; call `add` after each of its passes.
    """

    def __init__(self, net: Net) -> None:
        self.net = net
        self._totals: dict[str, Array] = {}
        self._passes = 0

    def add(self) -> None:
        """Add what the outputs hold now."""
        self._passes += 1
        for name in self.net.outputs:
            value = self.net.blobs[name].const_array.astype(np.float64).ravel()
            total = self._totals.setdefault(name, np.zeros_like(value))
            if total.size != value.size:  # an output whose shape follows its values: means of what all passes have
                total = self._totals[name] = np.resize(total, value.size)
            total += value

    def by_name(self) -> dict[str, float]:
        """Return the means; an output with several elements gets ``name[i]`` for each."""
        result: dict[str, float] = {}
        for name, total in self._totals.items():
            means = device.on_host(total) / self._passes
            labels = [name] if means.size == 1 else [f"{name}[{i}]" for i in range(means.size)]
            result.update(zip(labels, means.tolist(), strict=True))
        return result

    def log(self) -> None:
        """Log them, with what each is worth in the loss."""
        if log.isEnabledFor(logging.INFO):
            totals = {name: device.on_host(total) for name, total in self._totals.items()}
            log_lines("Test", self.net, totals, self._passes)


def log_train(net: Net) -> None:
    """Log what the outputs of a training net hold."""
    log_lines("Train", net, {name: net.blobs[name].const_data.ravel() for name in net.outputs})


def log_lines(kind: str, net: Net, values: dict[str, Array], count: int = 1) -> None:
    """Log each value divided by `count`, numbered through all outputs."""
    for number, (name, value, weight) in enumerate(_each(net, values, count)):
        note = f" (* {weight:g} = {weight * value:g} loss)" if weight else ""
        log.info("    %s net output #%d: %s = %g%s", kind, number, name, value, note)


def _each(net: Net, values: dict[str, Array], count: int) -> Iterator[tuple[str, float, float]]:
    weights = net.blob_loss_weights
    for name, array in values.items():
        for value in array.tolist():
            yield name, value / count, weights[name]
