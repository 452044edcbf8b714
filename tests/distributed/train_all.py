"""Trains the net of this folder with every solver type, in as many processes as there are; rank 0 keeps what came."""

import dataclasses
import sys
from pathlib import Path

import numpy as np

from caffe_nb.distributed import build, world
from caffe_nb.proto.text import parse_solver

TYPES = {
    "SGD": "momentum: 0.9 weight_decay: 0.01",
    "Nesterov": "momentum: 0.9",
    "AdaGrad": "",
    "RMSProp": "rms_decay: 0.9",
    "AdaDelta": "momentum: 0.95 delta: 1e-4",
    "Adam": "momentum: 0.9 momentum2: 0.999 delta: 1e-4",
}
WAYS = {"plain": "", "summed and clipped": "iter_size: 2 clip_gradients: 0.3"}


def main(kept: str) -> None:
    comm = world()
    text = Path("solver.prototxt").read_text()
    results = {}
    for name, settings in TYPES.items():
        for way, more in WAYS.items():
            source = parse_solver(f'{text} type: "{name}" {settings} {more}', "solver.prototxt")
            training = build(lambda source=source: dataclasses.replace(source, path=Path("solver.prototxt")), comm)
            losses = []
            training.solver.hooks.after_iteration.append(lambda solver, losses=losses: losses.append(solver.loss))
            training.step(6)
            weights = np.concatenate([blob.data.ravel() for blob in training.solver.net.learnable_params])
            results[f"{name}, {way}: losses"], results[f"{name}, {way}: weights"] = losses, weights
    if comm.rank == 0:
        np.savez(kept, **results)


if __name__ == "__main__":
    main(sys.argv[1])
