"""New databases: read back whole, or not there at all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe_nb.data import writer
from caffe_nb.data.cursor import Records
from caffe_nb.data.writer import COMMIT_AFTER, Writer
from caffe_nb.errors import CaffeError, FormatError, NetError
from caffe_nb.proto.files import MissingFileError


@pytest.fixture(params=["lmdb", "leveldb"])
def backend(request: pytest.FixtureRequest) -> str:
    if request.param == "leveldb":
        pytest.importorskip("plyvel", reason="it has no wheels for this Python")
    return str(request.param)


def values(path: Path, backend: str) -> list[bytes]:
    return [value for _, value in Records(str(path), backend.upper(), None).once()]


@given(st.dictionaries(st.binary(min_size=1, max_size=511), st.binary(max_size=300), min_size=1, max_size=30))
def test_records_come_back_in_the_order_of_their_keys(
    tmp_path_factory: pytest.TempPathFactory, records: dict[bytes, bytes]
) -> None:
    path = tmp_path_factory.mktemp("writer") / "db"
    with Writer(path, "LMDB") as database:
        for key, value in records.items():
            database.put(key, value)
    assert values(path, "lmdb") == [records[key] for key in sorted(records)]


@pytest.mark.parametrize("count", [1, COMMIT_AFTER, COMMIT_AFTER + 1, 3 * COMMIT_AFTER + 7])
def test_transactions_lose_nothing(tmp_path: Path, backend: str, count: int) -> None:
    with Writer(tmp_path / "db", backend) as database:
        for index in range(count):
            database.put(b"%08d" % index, b"%d" % index)
        assert database.count == count
    assert values(tmp_path / "db", backend) == [b"%d" % index for index in range(count)]
    assert [path.name for path in tmp_path.iterdir()] == ["db"]


def test_an_lmdb_grows_over_its_first_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_FIRST_MAP", 2**16)
    with Writer(tmp_path / "db", "lmdb") as database:
        for index in range(2500):
            database.put(b"%08d" % index, bytes([index % 256]) * 1000)
    assert values(tmp_path / "db", "lmdb") == [bytes([index % 256]) * 1000 for index in range(2500)]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_exception_leaves_nothing(tmp_path: Path, backend: str, error: type[BaseException]) -> None:
    def interrupted() -> None:
        with Writer(tmp_path / "db", backend) as database:
            for index in range(COMMIT_AFTER + 10):
                database.put(b"%08d" % index, b"x")
            raise error

    with pytest.raises(error):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_never_replaced(tmp_path: Path, backend: str) -> None:
    with Writer(tmp_path / "db", backend) as database:
        database.put(b"a", b"old")
    with pytest.raises(CaffeError, match="exists already, and a new database never replaces anything"):
        Writer(tmp_path / "db", backend)
    assert values(tmp_path / "db", backend) == [b"old"]


def test_what_came_to_exist_meanwhile_is_not_replaced_either(tmp_path: Path, backend: str) -> None:
    def overtaken() -> None:
        with Writer(tmp_path / "db", backend) as database:
            database.put(b"a", b"new")
            (tmp_path / "db").mkdir()

    with pytest.raises(CaffeError, match="exists already"):
        overtaken()
    assert list(tmp_path.rglob("*")) == [tmp_path / "db"]


@pytest.mark.parametrize("length", [0, 512])
def test_keys_that_lmdb_does_not_take(tmp_path: Path, length: int) -> None:
    def put() -> None:
        with Writer(tmp_path / "db", "lmdb") as database:
            database.put(b"k" * length, b"value")

    with pytest.raises(FormatError, match=f"a key has 1 to 511 bytes; this one has {length}"):
        put()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda path: Writer(path / "db", "lmbd"), NetError, "unknown database backend 'lmbd'.* Did you mean 'lmdb'"),
        (lambda path: Writer(path / "none" / "db", "lmdb"), MissingFileError, "the folder '.*none' does not exist"),
    ],
)
def test_what_cannot_be_written(
    tmp_path: Path, make: Callable[[Path], Writer], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make(tmp_path)


def test_leveldb_without_its_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plyvel", None)
    with pytest.raises(NetError, match=r"pip install 'caffe-nb\[leveldb\]'"), Writer(tmp_path / "db", "leveldb"):
        pass
    assert list(tmp_path.iterdir()) == []
