"""Gradient checks: what they cost, and how often they are wrong about right layers or vague about wrong ones."""

from __future__ import annotations

import statistics
import time
import warnings
from collections import Counter

import numpy as np

from caffe_nb.check import check_layer, check_net
from caffe_nb.net import Net
from tests.bench.live import text_of
from tests.check import layers as user
from tests.check.test_check_layer import RIGHT
from tests.check.wrong import WRONG


def main(seeds: int = 20) -> None:
    """Print all of it."""
    warnings.simplefilter("ignore")
    alarms(seeds)
    small()
    layers_of_nets()


def alarms(seeds: int) -> None:
    """Right layers that fail, wrong ones that pass, and wrong ones whose mistake is not named."""
    false = sum(
        not check_layer(layer, bottoms, seed=seed).ok for layer, bottoms in RIGHT.values() for seed in range(seeds)
    )
    found: Counter[str] = Counter()
    for kind, where, layer, bottoms in WRONG:
        for seed in range(seeds):
            report = check_layer(layer, bottoms, seed=seed)
            named = (kind, where) in [(finding.kind, finding.where) for finding in report.findings]
            found["missed" if report.ok else "named" if named else "vague"] += 1
    print(
        f"gradient checks: {false} false alarms in {len(RIGHT) * seeds} checks of right layers; of"
        f" {len(WRONG) * seeds} of wrong ones {found['named']} named, {found['vague']} vague, {found['missed']} missed"
    )


def small() -> None:
    """A layer of 1,000 inputs and 1,000 outputs, element by element."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        check_layer(user.Square, [(1000,)], full=True)
        took.append(time.perf_counter() - began)
    print(f"1,000 inputs by 1,000 outputs, element by element: {statistics.median(took):.2f} s")


def layers_of_nets() -> None:
    """Every layer of the nets, fast."""
    for name in ("lenet", "caffenet"):
        print(f"checks of {name}, layer by layer:")
        layers_of(Net.from_text(text_of(name)))


def layers_of(net: Net) -> None:
    """Every layer of a net, on random data."""
    net.blobs["data"].data[...] = np.random.default_rng(0).normal(size=net.blobs["data"].shape)
    net.forward_backward()
    for node in net.nodes:
        if node.inserted or not node.needs_backward:
            continue
        began = time.perf_counter()
        (report,) = check_net(net, [node.index]).values()
        print(
            f"  {node.name}: {time.perf_counter() - began:.2f} s, {report.forwards} forwards,"
            f" {report.backwards} backwards, {'right' if report.ok else report.message}"
        )
