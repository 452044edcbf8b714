"""One net, timed in this process: a line of JSON for each round that is asked for on the standard input."""

from __future__ import annotations

import json
import resource
import sys
import time

import numpy as np

from caffe_nb import Net, set_threads
from caffe_nb.proto.text import to_text
from tests.bench.layers import NETS


def main(which: str, threads: int) -> None:
    """Time it."""
    set_threads(threads)
    net = Net.from_text(to_text(NETS[which]()))
    random = np.random.default_rng(0)
    for name in net.inputs:
        blob = net.blobs[name]
        blob.data[...] = random.standard_normal(blob.shape) if name.startswith("data") else 1
    for name in net.outputs:
        net.blobs[name].diff[...] = 1
    began = time.perf_counter()
    net.forward_backward()
    print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)
    for line in sys.stdin:
        forward, backward = [], []
        end = time.perf_counter() + float(line)
        while not forward or time.perf_counter() < end:
            start = time.perf_counter()
            net.forward_pass()
            middle = time.perf_counter()
            net.clear_param_diffs()
            between = time.perf_counter()
            net.backward_pass()
            forward.append(middle - start)
            backward.append(time.perf_counter() - between)
        print(json.dumps({"forward": forward, "backward": backward}), flush=True)
    print(json.dumps({"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
