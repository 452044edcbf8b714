"""Writing databases that Caffe and the Data layer read: LMDB, and LevelDB where its package is installed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from caffe_nb.errors import CaffeError, FormatError, NetError, did_you_mean
from caffe_nb.proto.files import MissingFileError

Item = tuple[bytes, bytes]

COMMIT_AFTER = 1000
"""Records of one transaction, as in Caffe's tools."""
LONGEST_KEY = 511
"""Bytes of a key; LMDB takes no more."""
_FIRST_MAP = 2**26


class Writer:
    """A new database, whole or not at all: it has its name only once the `with` block has ended well.

    Until then it lies beside its place; an exception (Ctrl-C too) takes it away.

    Parameters
    ----------
    path : path-like
        The database's folder, which must not exist.
    backend : str
        ``lmdb`` or ``leveldb``, in any case.

    Attributes
    ----------
    count : int
        Records put so far.

    Raises
    ------
    CaffeError
        When `path` exists; MissingFileError when the folder that it would lie in does not.
    NetError
        When there is no such backend, or its package is not installed.
    """

    def __init__(self, path: str | os.PathLike[str], backend: str) -> None:
        self.path = Path(path)
        self._kind = backend_class(backend)
        self.count = 0
        self._waiting: list[Item] = []
        self._beside = self.path.absolute().with_name(f".{self.path.absolute().name}.{os.getpid()}.part")
        self._refuse_existing()
        if not self._beside.parent.is_dir():
            raise MissingFileError(f"cannot write '{self.path}': the folder '{self._beside.parent}' does not exist.")

    def __enter__(self) -> Writer:
        shutil.rmtree(self._beside, ignore_errors=True)
        self._beside.mkdir()
        try:
            self._database = self._kind(self._beside)
        except BaseException:
            shutil.rmtree(self._beside, ignore_errors=True)
            raise
        return self

    def put(self, key: bytes, value: bytes) -> None:
        """Add a record; one of the same key is replaced.

        Parameters
        ----------
        key : bytes
            1 to 511 bytes; records are read in the order of their keys.
        value : bytes
            The record.

        Raises
        ------
        FormatError
            When the key has no length that LMDB takes.
        """
        if not 0 < len(key) <= LONGEST_KEY:
            raise FormatError(f"a key has 1 to {LONGEST_KEY} bytes; this one has {len(key)}: {key[:60]!r}...")
        self._waiting.append((key, value))
        self.count += 1
        if len(self._waiting) == COMMIT_AFTER:
            self._commit()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            try:
                if kind is None:
                    self._commit()
            finally:
                self._database.close()
            if kind is None:
                self._refuse_existing()
                self._beside.rename(self.path)
        finally:
            shutil.rmtree(self._beside, ignore_errors=True)

    def _commit(self) -> None:
        if self._waiting:
            self._database.commit(self._waiting)
            self._waiting = []

    def _refuse_existing(self) -> None:
        if self.path.exists():
            raise CaffeError(
                f"'{self.path}' exists already, and a new database never replaces anything: remove it, or give another"
                " name"
            )


class NewLMDB:
    """A new LMDB in an empty folder; it grows as it needs to."""

    def __init__(self, path: Path) -> None:
        import lmdb

        self._environment: Any = lmdb.open(str(path), map_size=_FIRST_MAP, sync=False)

    def commit(self, items: Sequence[Item]) -> None:
        """Write records in one transaction, in twice the room where there is not enough."""
        import lmdb

        while True:
            try:
                with self._environment.begin(write=True) as transaction:
                    transaction.cursor().putmulti(items)
                return
            except lmdb.MapFullError:
                self._environment.set_mapsize(2 * self._environment.info()["map_size"])

    def close(self) -> None:
        """Flush it to the disk and close it."""
        self._environment.sync(True)
        self._environment.close()


class NewLevelDB:
    """A new LevelDB in an empty folder."""

    def __init__(self, path: Path) -> None:
        try:
            import plyvel
        except ImportError as error:
            raise NetError(
                "LevelDB needs a package that is not installed: pip install 'caffe-nb[leveldb]'; or write an LMDB:"
                " -backend lmdb"
            ) from error
        self._database: Any = plyvel.DB(str(path), create_if_missing=True, error_if_exists=True)

    def commit(self, items: Sequence[Item]) -> None:
        """Write records in one batch."""
        with self._database.write_batch(transaction=True, sync=True) as batch:
            for key, value in items:
                batch.put(key, value)

    def close(self) -> None:
        """Close it."""
        self._database.close()


_KINDS: dict[str, type[NewLMDB] | type[NewLevelDB]] = {"lmdb": NewLMDB, "leveldb": NewLevelDB}


def backend_class(name: str) -> type[NewLMDB] | type[NewLevelDB]:
    """Return the kind of database of that name.

    Parameters
    ----------
    name : str
        ``lmdb`` or ``leveldb``, in any case.

    Raises
    ------
    NetError
        For any other.
    """
    kind = _KINDS.get(name.lower())
    if kind is None:
        raise NetError(f"unknown database backend '{name}': lmdb or leveldb.{did_you_mean(name, _KINDS)}")
    return kind
