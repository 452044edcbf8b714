"""Turn a training log, Caffe's or ours, into two tables: LOG.train and LOG.test, with commas between.

The columns are NumIters, Seconds, LearningRate and the net's outputs; a row is an iteration that was shown or tested.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from caffe_nb.cli.options import Parser
from caffe_nb.errors import CaffeError
from caffe_nb.proto.files import read_bytes, write_bytes

_NUMBER = r"([-+]?(?:[0-9]+\.?[0-9]*(?:[eE][-+]?[0-9]+)?|nan|inf))"
_ITERATION = re.compile(r"Iteration ([0-9]{1,18})\b")
_RATE = re.compile(rf"lr = {_NUMBER}")
_OUTPUT = re.compile(rf"(Train|Test) net output #\d+: (\S+) = {_NUMBER}(?!\S)")
_TIME = re.compile(r"^[IWEF](\d{8}|\d{4}) (\d\d:\d\d:\d\d\.\d+)")

Row = dict[str, float]


@dataclass
class _Tables:
    """The rows so far, and where in the log we are."""

    train: list[Row] = field(default_factory=list)
    test: list[Row] = field(default_factory=list)
    iteration: int = -1
    rate: float = float("nan")
    begun: datetime | None = None
    seconds: float = 0.0

    def time(self, line: str) -> None:
        """Take a line's time; a log without a year may pass New Year."""
        found = _TIME.match(line)
        if found is None:
            return
        day = found[1] if len(found[1]) == 8 else f"2000{found[1]}"
        try:
            now = datetime.strptime(f"{day} {found[2]}", "%Y%m%d %H:%M:%S.%f")
        except ValueError:  # no time of a day
            return
        if self.begun is None:
            self.begun = now
        if now < self.begun:
            now += timedelta(days=366)
        self.seconds = (now - self.begun).total_seconds()

    def add(self, kind: str, name: str, value: float) -> None:
        """Put an output into its row."""
        rows = self.train if kind == "Train" else self.test
        if not rows or rows[-1]["NumIters"] != self.iteration or name in rows[-1]:
            rows.append({"NumIters": self.iteration, "Seconds": self.seconds, "LearningRate": self.rate})
        rows[-1][name] = value


def add_arguments(parser: Parser) -> None:
    """Add the arguments of `caffe parse-log`."""
    parser.add_argument("log", metavar="LOG", help="the log of `caffe train`, as it stood on the standard error stream")
    parser.add_argument("folder", metavar="FOLDER", nargs="?", default=".", help="where to write; here by default")
    parser.option("delimiter", "what stands between the columns (,)", default=",")
    parser.flag("verbose", "say what was written")


def run(args: argparse.Namespace) -> int:
    """Read the log and write the tables."""
    text = read_bytes(args.log).decode("utf-8", "replace")
    if len(args.delimiter) != 1:
        raise CaffeError(f"a delimiter is one character, got {args.delimiter!r}")
    tables = parse(text.splitlines())
    if not tables.train and not tables.test:
        raise CaffeError(
            f"{args.log} has no line such as 'Train net output #0: loss = 0.3': is it the log of a training?"
        )
    for name, rows in (("train", tables.train), ("test", tables.test)):
        path = Path(args.folder) / f"{Path(args.log).name}.{name}"
        write_bytes(path, _csv(rows, args.delimiter).encode())
        if args.verbose:
            print(f"Wrote {path}")
    return 0


def parse(lines: Iterable[str]) -> _Tables:
    """Return the rows of a log.

    Parameters
    ----------
    lines : iterable of str
        The log's lines.
    """
    tables = _Tables()
    for line in lines:
        tables.time(line)
        iteration = _ITERATION.search(line)
        if iteration:
            tables.iteration = int(iteration[1])
        rate = _RATE.search(line)
        if rate:
            tables.rate = float(rate[1])
            for rows in (tables.train, tables.test):  # the rate is logged after the outputs of its iteration
                if rows and rows[-1]["NumIters"] == tables.iteration:
                    rows[-1]["LearningRate"] = tables.rate
        output = _OUTPUT.search(line)
        if output and tables.iteration >= 0:
            tables.add(output[1], output[2], float(output[3]))
    return tables


def _csv(rows: list[Row], delimiter: str) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(row | {"NumIters": int(row["NumIters"])})
    return out.getvalue()
