"""Where many ranks would stand: a prediction from measured compute time, gradient bytes, latency and bandwidth.

``python -m tests.bench.scaling [--latency S] [--bandwidth B] [--work W] --net NAME,IMAGES,FORWARD,BACKWARD,BYTES ...``
prints the tables of docs/distributed.md. Nothing is measured here: the nets' numbers come from `tests.bench.speed`
(time) and `tests.bench.distributed` (bytes), those of the network from its vendor or a ping-pong between two machines.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

BUCKET = 4 << 20
RANKS = (8, 64, 512)


@dataclass(frozen=True)
class Measured:
    """One net on one machine.

    Attributes
    ----------
    name : str
        The net.
    images : int
        Of one rank's batch.
    forward, backward : float
        Seconds for them.
    bytes : float
        Of all gradients.
    """

    name: str
    images: int
    forward: float
    backward: float
    bytes: float


def allreduce(bytes: float, ranks: int, latency: float, bandwidth: float) -> float:
    """Return the seconds that a sum over all ranks takes, by reduce-scatter and allgather (Rabenseifner's).

    2·log₂(ranks) messages one after the other, and 2·(ranks - 1)/ranks of the bytes through each rank's link.
    """
    if ranks == 1:
        return 0.0
    return 2 * math.ceil(math.log2(ranks)) * latency + 2 * (ranks - 1) / ranks * bytes / bandwidth


@dataclass(frozen=True)
class Network:
    """What lies between the ranks, and what each does for it.

    Attributes
    ----------
    latency : float
        Seconds of a message.
    bandwidth : float
        Bytes a second of a rank's link.
    work : float
        Seconds of a rank's own work for each byte: scaling, packing and summing, which hide behind nothing.
    overlap : float
        Part of backward behind which sums may hide.
    """

    latency: float
    bandwidth: float
    work: float
    overlap: float


def iteration(net: Measured, ranks: int, network: Network) -> tuple[float, float]:
    """Return the seconds of an iteration, and those of them that communication adds.

    Buckets follow one another; what does not fit behind `overlap` of backward is added, and at least the last bucket.
    """
    latency, bandwidth = network.latency, network.bandwidth
    buckets = max(1, round(net.bytes / BUCKET))
    each = allreduce(net.bytes / buckets, ranks, latency, bandwidth)
    added = max(each, buckets * each - network.overlap * net.backward) if ranks > 1 else 0.0
    agreed = 2 * allreduce(32 * ranks, ranks, latency, bandwidth)  # how each rank stands, before and after the passes
    added += agreed + (network.work * net.bytes if ranks > 1 else 0.0)
    return net.forward + net.backward + added, added


def table(nets: list[Measured], network: Network) -> str:
    """Return the prediction as a table."""
    heads = ["net", "one: images/s", *(f"{n} ranks: images/s (efficiency)" for n in RANKS), "added at 512"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for net in nets:
        alone = net.images / (net.forward + net.backward)
        cells = [net.name, f"{alone:.1f}"]
        for ranks in RANKS:
            seconds, added = iteration(net, ranks, network)
            rate = ranks * net.images / seconds
            cells.append(f"{rate:.0f} ({rate / ranks / alone:.0%})")
        cells.append(f"{1e3 * added:.1f} ms")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=2e-6, help="seconds of a message between two machines")
    parser.add_argument("--bandwidth", type=float, default=10e9, help="bytes a second of a rank's link")
    parser.add_argument("--work", type=float, default=0.5e-9, help="seconds of a rank's own work for each byte")
    parser.add_argument("--overlap", type=float, default=0.8, help="part of backward behind which sums may hide")
    parser.add_argument("--net", action="append", required=True, help="NAME,IMAGES,FORWARD,BACKWARD,BYTES in seconds")
    args = parser.parse_args(arguments)
    nets = []
    for words in args.net:
        name, images, *numbers = words.split(",")
        forward, backward, size = map(float, numbers)
        nets.append(Measured(name, int(images), forward, backward, size))
    print(table(nets, Network(args.latency, args.bandwidth, args.work, args.overlap)))


if __name__ == "__main__":
    main()
