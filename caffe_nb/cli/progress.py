"""A progress bar on a terminal, beside the log lines."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm


@contextlib.contextmanager
def progress(log: logging.Logger, unit: str, total: int | None = None) -> Iterator[Callable[[], object]]:
    """Show a bar while the block runs, where the standard error stream is a terminal; log lines pass above it.

    Parameters
    ----------
    log : logging.Logger
        The command's log.
    unit : str
        What is counted.
    total : int, optional
        How many there will be.

    Yields
    ------
    callable
        To be called after each one.
    """
    with logging_redirect_tqdm([log]), tqdm(total=total, unit=f" {unit}", disable=None, leave=False) as bar:
        yield bar.update
