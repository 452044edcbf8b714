"""How many processors count: the fewest of what the system, the container and the environment grant."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from caffe_nb.ops.processors import processors

AFFINITY = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
needs_two = pytest.mark.skipif(AFFINITY < 2, reason="one processor only")


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


V2 = "0::/kube/pod\n"
V1 = "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n"
QUOTAS = {
    "version 2, the group's own": {"proc/self/cgroup": V2, "sys/fs/cgroup/kube/pod/cpu.max": "100000 100000"},
    "version 2, one above": {
        "proc/self/cgroup": V2,
        "sys/fs/cgroup/kube/pod/cpu.max": "max 100000",
        "sys/fs/cgroup/kube/cpu.max": "50000 100000",
    },
    "version 2, seen from inside": {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "90000 100000"},
    "version 1": {
        "proc/self/cgroup": V1,
        "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "100000",
        "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000",
    },
    "version 1, seen from inside": {
        "proc/self/cgroup": V1,
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "20000",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
    },
}


@needs_two
@pytest.mark.parametrize("files", QUOTAS.values(), ids=QUOTAS)
def test_a_containers_quota(files: dict[str, str], tmp_path: Path) -> None:
    assert processors(write(tmp_path, files), {}) == 1


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/self/cgroup": V2, "sys/fs/cgroup/kube/pod/cpu.max": "max 100000"},
        {"proc/self/cgroup": V2, "sys/fs/cgroup/kube/pod/cpu.max": "6400000 100000"},
        {
            "proc/self/cgroup": V1,
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        },
        {"proc/self/cgroup": "nonsense\n", "sys/fs/cgroup/cpu.max": "nonsense"},
    ],
)
def test_without_a_quota_the_affinity(files: dict[str, str], tmp_path: Path) -> None:
    assert processors(write(tmp_path, files), {}) == AFFINITY


@needs_two
def test_one_and_a_half_processors_are_two(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000"}
    assert processors(write(tmp_path, files), {}) == 2


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"OMP_NUM_THREADS": "1"}, 1),
        ({"OMP_NUM_THREADS": "1,4"}, 1),
        ({"NUMBA_NUM_THREADS": "1"}, 1),
        ({"OMP_NUM_THREADS": "many", "NUMBA_NUM_THREADS": "0"}, AFFINITY),
        ({"OMP_NUM_THREADS": "100000"}, AFFINITY),
    ],
)
def test_environment_variables(environment: dict[str, str], expected: int, tmp_path: Path) -> None:
    assert processors(tmp_path, environment) == expected


PROGRAM = """
import numpy
from threadpoolctl import threadpool_info
from caffe_nb.ops.parallel import threads
count = threads()
print(count, max(each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"))
"""


@needs_two
@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"])
def test_one_variable_bounds_kernels_and_blas(name: str) -> None:
    others = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=others | {name: "1"}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "1"]
