"""Records of databases, in the order of their keys, around and around."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import lmdb
import numpy as np
import pytest

from caffe_nb.data.cursor import Records
from caffe_nb.errors import FormatError, NetError
from tests.data.made import write_lmdb

VALUES = [b"zero", b"one" * 5000, b"two"]


def values(records: Records, count: int) -> list[bytes]:
    return [records.next()[1] for _ in range(count)]


def test_the_first_record_follows_the_last(tmp_path: Path) -> None:
    write_lmdb(tmp_path / "db", VALUES)
    assert values(Records("db", "LMDB", tmp_path), 7) == [*VALUES, *VALUES, VALUES[0]]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 3_000_000_001])
def test_skipping_goes_around(tmp_path: Path, count: int) -> None:
    write_lmdb(tmp_path / "db", VALUES)
    records = Records("db", "LMDB", tmp_path)
    records.skip(count)
    assert values(records, 2) == [VALUES[count % 3], VALUES[(count + 1) % 3]]


def test_a_record_says_what_it_is(tmp_path: Path) -> None:
    path = write_lmdb(tmp_path / "db", VALUES)
    assert Records("db", "LMDB", tmp_path).next()[0] == f"record '00000000' of '{path}'"


def test_keys_are_in_order_and_not_in_the_order_of_writing(tmp_path: Path) -> None:
    with lmdb.open(str(tmp_path / "db")) as environment, environment.begin(write=True) as transaction:
        for key in (b"b", b"c", b"a"):
            transaction.put(key, key)
    assert values(Records("db", "LMDB", tmp_path), 3) == [b"a", b"b", b"c"]


def test_several_cursors_read_one_database_each_at_its_own_pace(tmp_path: Path) -> None:
    write_lmdb(tmp_path / "db", VALUES)
    first, second = Records("db", "LMDB", tmp_path), Records("db", "LMDB", tmp_path)
    assert values(first, 2) == VALUES[:2]
    assert values(second, 1) == VALUES[:1]
    del first
    assert values(second, 2) == VALUES[1:]


def test_a_database_is_closed_with_its_last_cursor(tmp_path: Path) -> None:
    path = write_lmdb(tmp_path / "db", VALUES)
    records = Records("db", "LMDB", tmp_path)
    records.next()
    del records
    gc.collect()
    write_lmdb(path, [b"new"])
    assert values(Records("db", "LMDB", tmp_path), 1) == [b"new"]


def test_a_database_of_one_file(tmp_path: Path) -> None:
    path = str(tmp_path / "one.lmdb")
    with lmdb.open(path, subdir=False) as environment, environment.begin(write=True) as transaction:
        transaction.put(b"a", b"value")
    assert values(Records("one.lmdb", "LMDB", tmp_path), 2) == [b"value", b"value"]


def test_a_database_that_the_process_holds_open_itself(tmp_path: Path) -> None:
    path = write_lmdb(tmp_path / "db", VALUES)
    with lmdb.open(str(path)), pytest.raises(FormatError, match="close it first: this process has opened it itself"):
        Records("db", "LMDB", tmp_path)


def test_a_database_that_is_missing_or_of_the_other_kind(tmp_path: Path) -> None:
    with pytest.raises(NetError, match="the database 'none' was not found; looked in"):
        Records("none", "LMDB", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NetError, match=r"empty' is not an LMDB \(no data.mdb\)"):
        Records("empty", "LMDB", tmp_path)
    with pytest.raises(NetError, match=r"empty' is not a LevelDB \(no file CURRENT\)"):
        Records("empty", "LEVELDB", tmp_path)
    write_lmdb(tmp_path / "db", VALUES)
    with pytest.raises(NetError, match="it is an LMDB: set backend: LMDB"):
        Records("db", "LEVELDB", tmp_path)
    (tmp_path / "empty" / "CURRENT").write_text("x")
    with pytest.raises(NetError, match="it is a LevelDB: set backend: LEVELDB"):
        Records("empty", "LMDB", tmp_path)


def test_a_database_without_records(tmp_path: Path) -> None:
    write_lmdb(tmp_path / "db", [])
    with pytest.raises(FormatError, match="has no records"):
        Records("db", "LMDB", tmp_path).next()


@pytest.mark.parametrize("size", [0, 100, 4096, 9000, 20000])
@pytest.mark.parametrize("verified", [True, False], ids=["verified", "too large to verify"])
def test_a_database_that_was_cut_off(
    tmp_path: Path, size: int, verified: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_lmdb(tmp_path / "db", [bytes(3000)] * 20) / "data.mdb"
    file.write_bytes(file.read_bytes()[:size])
    if not verified:
        monkeypatch.setattr("caffe_nb.data.cursor.VERIFIED_UP_TO", -1)
    with pytest.raises(FormatError, match=r"data\.mdb|as an LMDB"):
        Records("db", "LMDB", tmp_path)


def test_damaged_databases_are_read_or_refused_in_words(tmp_path: Path) -> None:
    whole = (write_lmdb(tmp_path / "whole", [bytes([i]) * 700 for i in range(40)]) / "data.mdb").read_bytes()
    draw = np.random.default_rng(0)
    refused = 0
    for attempt in range(60):
        damaged = bytearray(whole)
        for place in draw.integers(0, len(whole), 20):
            damaged[place] ^= 1 << int(draw.integers(8))
        folder = tmp_path / f"db{attempt}"
        folder.mkdir()
        (folder / "data.mdb").write_bytes(damaged)
        try:
            assert len(values(Records(folder.name, "LMDB", tmp_path), 80)) == 80
        except FormatError:
            refused += 1
    assert refused > 10


def test_leveldb_without_its_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "CURRENT").write_text("MANIFEST-000001\n")
    monkeypatch.setitem(sys.modules, "plyvel", None)
    with pytest.raises(NetError, match=r"pip install 'caffe-nb\[leveldb\]'"):
        Records(str(tmp_path), "LEVELDB", None)


def test_leveldb(tmp_path: Path) -> None:
    plyvel = pytest.importorskip("plyvel", reason="it has no wheels for this Python")
    with plyvel.DB(str(tmp_path / "db"), create_if_missing=True) as database:
        for index, value in reversed(list(enumerate(VALUES))):
            database.put(b"%08d" % index, value)
    first, second = Records("db", "LEVELDB", tmp_path), Records("db", "LEVELDB", tmp_path)
    assert values(first, 4) == [*VALUES, VALUES[0]]
    assert values(second, 1) == VALUES[:1]
    del first, second
    gc.collect()
    for file in (tmp_path / "db").iterdir():
        file.write_bytes(b"noise" * 10)
    with pytest.raises(FormatError, match="as a LevelDB"):
        Records("db", "LEVELDB", tmp_path)
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "CURRENT").write_text("MANIFEST-000099\n")
    with pytest.raises(FormatError, match="as a LevelDB"):  # a name with "lock" in it says nothing of who has it open
        Records("clock", "LEVELDB", tmp_path)
