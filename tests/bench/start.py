"""How long `import caffe_nb` and `import caffe` take, beside `import numpy`, each in a new process, in turns."""

from __future__ import annotations

import subprocess
import sys

MODULES = ("numpy", "caffe_nb", "caffe")


def main(rounds: int = 7) -> None:
    """Print the least of each: what else the machine does only adds to it."""
    least = dict.fromkeys(MODULES, float("inf"))
    for _ in range(rounds):
        for module in MODULES:
            least[module] = min(least[module], _seconds(module))
    for module, seconds in least.items():
        print(f"import {module}: {seconds:.3f} s, {seconds / least['numpy']:.2f} times NumPy's")


def _seconds(module: str) -> float:
    program = f"import time; began = time.perf_counter(); import {module}; print(time.perf_counter() - began)"
    return float(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)


if __name__ == "__main__":
    main()
