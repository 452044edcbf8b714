"""The panel's TypeScript is generated from the messages, and is not stale."""

from pathlib import Path

import pytest

from caffe_nb.inspector import generate, messages


def test_the_generated_file_is_up_to_date() -> None:
    assert not generate.is_stale(), "run python -m caffe_nb.inspector.generate"


def test_every_message_has_an_interface_and_every_received_one_a_reader() -> None:
    text = generate.generate()
    for union in ("Request", "Reply", "Push"):
        for cls in getattr(messages, union).__args__:
            assert f"export interface {cls.__name__} {{\n  kind: '{cls.__struct_config__.tag}';" in text
            assert (f"const read{cls.__name__}: " in text) == (union != "Request")


def test_a_missing_file_is_written_and_an_old_one_found_and_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "protocol.ts"
    assert generate.is_stale(target)
    assert generate.write(target)
    assert not generate.write(target)
    target.write_text(target.read_text(encoding="utf-8").replace("loss", "lost"), encoding="utf-8")
    monkeypatch.setattr(generate, "TARGET", target)
    assert generate.main(["--check"]) == 1
    assert "stale" in capsys.readouterr().err
    assert generate.write(target)
    assert [path.name for path in tmp_path.iterdir()] == ["protocol.ts"]


def test_what_may_be_left_out_of_a_request_is_always_there_in_a_reply() -> None:
    text = generate.generate()
    assert "  index?: number[];" in text
    assert "  inspect: string | null;" in text
