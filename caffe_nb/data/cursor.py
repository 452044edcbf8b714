"""Records of a database in the order of their keys, or in random ones, around and around."""

from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from caffe_nb.data.paths import find
from caffe_nb.data.sharing import check_enough, from_start
from caffe_nb.errors import FormatError, NetError
from caffe_nb.ranks import ALONE, Share

VERIFIED_UP_TO = 2**30
"""Bytes of an LMDB up to which all of its pages are checked before it is opened (half a second for this size)."""


_TRIES, _PAUSE = 10, 0.02


class Database(Protocol):
    """An open database; several cursors may read it."""

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """Return an iterator over keys and values, from the first key on."""

    def keys(self) -> list[bytes]:
        """Return all keys, in order."""

    def read(self, keys: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Return an iterator over these keys and their values."""


class Records:
    """A cursor that starts over after the last record.

    Parameters
    ----------
    source : str
        The database's folder, looked for in the working directory and then in `folder`.
    backend : str
        LMDB or LEVELDB.
    folder : pathlib.Path or None
        Where the net's prototxt lies.

    Raises
    ------
    NetError
        When there is no such database, or it is of the other kind, or its package is not installed.
    FormatError
        When it is damaged or empty.
    """

    def __init__(self, source: str, backend: str, folder: Path | None) -> None:
        self.path = find(source, [folder], "the database", Path.exists)
        _check_kind(self.path, backend)
        self._database = _shared(self.path, LMDB if backend == "LMDB" else LevelDB)
        self._rest = iter(self._database)
        self._keys: list[bytes] = []
        self._draw: np.random.Generator | None = None
        self._share = ALONE
        self._first = 0  # of the round that comes: how many records of others come before ours

    def shuffle(self, draw: np.random.Generator) -> None:
        """Give the records in a random order from now on, in another one each time around.

        Raises
        ------
        FormatError
            When the database is damaged.
        """
        self._read_keys()
        self._draw = draw
        self._rest = self._start()

    def take(self, share: Share) -> None:
        """Give a process's share of the records only, from now on: every `size`-th one, around and around.

        Raises
        ------
        NetError
            When there are more processes than records.
        FormatError
            When the database is damaged.
        """
        if share.alone:
            return
        self._read_keys()
        check_enough(len(self._keys), share, f"the database '{self.path}'", "records")
        self._share, self._first = share, share.rank
        self._rest = self._start()

    def _read_keys(self) -> None:
        try:
            self._keys = self._keys or self._database.keys()
        except Exception as error:
            raise FormatError(f"cannot read the keys of '{self.path}'; the database is damaged: {error}") from error

    def _start(self) -> Iterator[tuple[bytes, bytes]]:
        """Return an iterator over all records that are ours, once."""
        if self._draw is None and self._share.alone:
            return iter(self._database)
        count = len(self._keys)
        order = range(count) if self._draw is None else self._draw.permutation(count)
        ours, self._first = from_start(self._first, count, self._share)
        return self._database.read([self._keys[order[index]] for index in ours])

    def next(self) -> tuple[str, bytes]:
        """Return what the next record is, for messages, and its value.

        Raises
        ------
        FormatError
            When the database is empty or damaged.
        """
        for _ in range(2):
            try:
                for key, value in self._rest:
                    return f"record {key.decode(errors='backslashreplace')!r} of '{self.path}'", value
            except Exception as error:
                self._rest = self._start()
                raise FormatError(f"cannot read '{self.path}' further; the database is damaged: {error}") from error
            self._rest = self._start()
        raise FormatError(f"the database '{self.path}' has no records")

    def once(self) -> Iterator[tuple[str, bytes]]:
        """Iterate over all records once, as `next` returns them.

        Raises
        ------
        FormatError
            As `next`.
        """
        first = record = self.next()
        while True:
            yield record
            record = self.next()
            if record[0] == first[0]:
                return

    def skip(self, count: int) -> None:
        """Start after so many records from the first on; more than there are go around.

        Raises
        ------
        FormatError
            As `next`.
        """
        if self._draw is not None or not self._share.alone:
            for _ in range(count % max(1, len(self._keys))):
                self.next()
            return
        first, _ = self.next()
        total = 1
        while total <= count and self.next()[0] != first:
            total += 1
        self._rest = self._start()
        for _ in range(count % total if total <= count else count):
            self.next()


class LMDB:
    """An LMDB, opened for reading alone and without locks; closed when its last cursor is gone."""

    def __init__(self, path: Path) -> None:
        file = path / "data.mdb" if path.is_dir() else path
        _verify(file)
        self._environment = _opened(path)
        # Reading a page beyond the end of a file that was cut off would end the process.
        needed = (self._environment.info()["last_pgno"] + 1) * self._environment.stat()["psize"]
        if file.stat().st_size < needed:
            raise FormatError(
                f"'{file}' is truncated: it has {file.stat().st_size} bytes and needs {needed}; copy it again"
            )

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        with self._environment.begin() as transaction:
            yield from transaction.cursor()

    def keys(self) -> list[bytes]:
        """Return all keys, in order."""
        with self._environment.begin() as transaction:
            return list(transaction.cursor().iternext(keys=True, values=False))

    def read(self, keys: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Return an iterator over these keys and their values."""
        with self._environment.begin() as transaction:
            for key in keys:
                yield key, transaction.get(key, b"")


def _opened(path: Path) -> Any:
    """Open an LMDB; one that was given up a moment ago may still be closing, in a thread or as garbage."""
    import lmdb

    for left in reversed(range(_TRIES)):
        try:
            return lmdb.open(str(path), subdir=path.is_dir(), readonly=True, lock=False, create=False, readahead=False)
        except lmdb.Error as error:
            ours = "already open" in str(error)
            if ours and left:
                gc.collect()
                time.sleep(_PAUSE)
                continue
            hint = "; close it first: this process has opened it itself" if ours else ""
            raise FormatError(f"cannot open '{path}' as an LMDB: {error}{hint}") from error
    raise AssertionError("the last try returns or raises")


class LevelDB:
    """A LevelDB; one process at a time can have it open. Closed when its last cursor is gone."""

    def __init__(self, path: Path) -> None:
        try:
            import plyvel
        except ImportError as error:
            raise NetError(
                "LevelDB needs a package that is not installed: pip install 'caffe-nb[leveldb]'; or convert the"
                " database to LMDB and set backend: LMDB"
            ) from error
        try:
            self._database = plyvel.DB(str(path), create_if_missing=False)
        except plyvel.Error as error:
            reason = error.args[0].decode(errors="replace") if error.args else ""
            if reason.startswith("IO error") and "LOCK:" in reason:
                raise NetError(
                    f"the LevelDB '{path}' is open in another process, and only one at a time can have it open: convert"
                    " it to LMDB and set backend: LMDB, which any number of processes can read"
                ) from error
            raise FormatError(f"cannot open '{path}' as a LevelDB: {reason}") from error

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        yield from self._database.iterator(verify_checksums=True)

    def keys(self) -> list[bytes]:
        """Return all keys, in order."""
        return list(self._database.iterator(include_value=False, verify_checksums=True))

    def read(self, keys: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Return an iterator over these keys and their values."""
        for key in keys:
            yield key, self._database.get(key, verify_checksums=True)


_open: weakref.WeakValueDictionary[tuple[int, int], Any] = weakref.WeakValueDictionary()


def _shared(path: Path, kind: Callable[[Path], Database]) -> Database:
    """Return an open database, the same for all that read it: neither kind can be opened twice in a process."""
    main = path / "data.mdb" if (path / "data.mdb").exists() else path
    identity = (main.stat().st_dev, main.stat().st_ino)
    database: Database | None = _open.get(identity)
    if database is None:
        database = _open[identity] = kind(path)
    return database


def _check_kind(path: Path, backend: str) -> None:
    lmdb = path.is_file() or (path / "data.mdb").is_file()
    leveldb = (path / "CURRENT").is_file()
    if backend == "LMDB" and not lmdb:
        hint = "; it is a LevelDB: set backend: LEVELDB" if leveldb else " (no data.mdb)"
        raise NetError(f"'{path}' is not an LMDB{hint}")
    if backend != "LMDB" and not leveldb:
        hint = "; it is an LMDB: set backend: LMDB" if lmdb else " (no file CURRENT)"
        raise NetError(f"'{path}' is not a LevelDB{hint}")


def _verify(file: Path) -> None:
    """Refuse a file whose pages are damaged: LMDB trusts them, and a wrong one may end the process."""
    from lmdb.verify import VerifyError, verify

    if file.stat().st_size > VERIFIED_UP_TO:
        return
    try:
        problems = [problem for problem in verify(str(file)) if "a leak" not in problem]
    except (VerifyError, OSError) as error:
        problems = [str(error)]
    if problems:
        raise FormatError(f"'{file}' is not an LMDB, or it is damaged; copy it again: {problems[0]}")
