from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.log_row import NewRow, StoreError
from opsagent.store import spool
from opsagent.store.opening import open_log

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 21, tzinfo=UTC)
BODY = '{"v": 1, "at": "2026-11-21T01:00:00+01:00", "kind": "ack"}'


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def put(directory: Path, content: bytes) -> str:
    name = f"{uuid4()}.json"
    (directory / name).write_bytes(content)
    return name


def test_what_is_written_is_read_with_its_time_in_utc_and_its_owner(tmp_path: Path) -> None:
    path = spool.write(tmp_path, BODY)

    found = spool.read(tmp_path)

    assert found.waiting == (spool.Spooled(uuid=path.stem, at=NOW, uid=os.getuid(), body=BODY),)
    assert path.stat().st_mode & 0o777 == 0o640, "who may write into it would speak in its owner's name"
    assert names(tmp_path) == [path.name]


def test_files_come_in_the_order_of_the_times_they_state(tmp_path: Path) -> None:
    for hour in (3, 1, 2):
        spool.write(tmp_path, json.dumps({"at": f"2026-11-21T0{hour}:00:00Z"}))

    assert [file.at.hour for file in spool.peek(tmp_path).waiting] == [1, 2, 3]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not-json"),
        (b"\xff\xfe", "not-json"),
        (b"[" * 60_000, "not-json"),
        (b"[1]", "no-time"),
        (b"null", "no-time"),
        (b"{}", "no-time"),
        (b'{"at": 5}', "no-time"),
        (b'{"at": "soon"}', "no-time"),
        (b'{"at": "0001-01-01T00:00:00Z"}', "no-time"),
        (b'{"at": "2026-11-21T00:00:00"}', "no-time"),
        (b'{"at": "0001-01-01T00:00:00+14:00"}', "no-time"),
        (b'{"at": "2026-11-21T00:00:00Z", "x": "' + b"y" * (64 << 10) + b'"}', "too-large"),
    ],
)
def test_a_file_that_makes_no_sense_is_moved_aside_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    name = put(tmp_path, content)

    found = spool.read(tmp_path)

    assert found == spool.Spool(refused=(spool.Refused(name=name, reason=reason),))
    assert names(tmp_path / "refused") == [f"{reason}-{name}"]
    assert spool.read(tmp_path) == spool.Spool()


def test_links_pipes_and_foreign_names_are_refused_and_never_followed(tmp_path: Path) -> None:
    secret = tmp_path.parent / "secret.json"
    secret.write_text(BODY)
    names = [f"{uuid4()}.json" for _ in range(4)]
    (tmp_path / names[0]).symlink_to(secret)
    (tmp_path / names[1]).hardlink_to(secret)
    os.mkfifo(tmp_path / names[2])
    (tmp_path / names[3]).mkdir()
    (tmp_path / "note.txt").write_text(BODY)

    found = spool.read(tmp_path)

    assert found.waiting == ()
    assert {bad.name: bad.reason for bad in found.refused} == dict.fromkeys(names, "not-regular") | {"note.txt": "name"}
    assert secret.read_text() == BODY


def test_a_thousand_names_that_are_not_ours_keep_no_command_waiting(tmp_path: Path) -> None:
    for number in range(spool.MOST + 1):
        (tmp_path / f".{number:04}").touch()
        (tmp_path / f"-{number:04}").touch()
    path = spool.write(tmp_path, BODY)

    assert [file.uuid for file in spool.peek(tmp_path).waiting] == [path.stem]


def test_a_name_too_long_to_be_set_aside_is_cut(tmp_path: Path) -> None:
    (tmp_path / ("é" * 127)).touch()

    assert len(spool.read(tmp_path).refused) == 1
    assert names(tmp_path) == [spool.REFUSED]


def in_the_way(directory: Path, what: str) -> None:
    """Put something in the place of the folder for what is refused."""
    match what:
        case "a file":
            (directory / spool.REFUSED).touch()
        case "a pipe":
            os.mkfifo(directory / spool.REFUSED)
        case "a link":
            (directory / "elsewhere").mkdir()
            (directory / spool.REFUSED).symlink_to(directory / "elsewhere")
        case "a folder in the place of the name":
            (directory / spool.REFUSED / "name-nonsense" / "full").mkdir(parents=True)


@pytest.mark.parametrize("what", ["a file", "a pipe", "a link", "a folder in the place of the name"])
def test_what_cannot_be_set_aside_stays_and_keeps_nobody_from_being_heard(tmp_path: Path, what: str) -> None:
    directory = tmp_path / "spool"
    directory.mkdir()
    in_the_way(directory, what)
    (directory / "nonsense").touch()
    path = spool.write(directory, BODY)

    assert [file.uuid for file in spool.read(directory).waiting] == [path.stem]
    assert (directory / "nonsense").exists()


def test_a_file_that_cannot_be_removed_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "00000000-0000-0000-0000-000000000000.json" / "full").mkdir(parents=True)

    spool.remove(tmp_path, spool.Spooled(uuid="00000000-0000-0000-0000-000000000000", at=NOW, uid=0, body=BODY))

    assert (tmp_path / "00000000-0000-0000-0000-000000000000.json" / "full").is_dir()


def test_a_link_in_place_of_the_spool_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "spool").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StoreError):
        spool.write(tmp_path / "spool", BODY)
    assert names(tmp_path / "elsewhere") == []


@given(st.binary(max_size=300) | st.from_regex(rb'[{\[]?"at": ?["0-9TZ:+-]{0,40}}?', fullmatch=True))
def test_whatever_lies_there_is_refused_or_has_a_time(content: bytes) -> None:
    assert spool.fault_in(content) or spool._stated(json.loads(content)).tzinfo is UTC


def test_looking_changes_nothing(tmp_path: Path) -> None:
    name = put(tmp_path, b"{}")

    spool.peek(tmp_path)

    assert names(tmp_path) == [name]


def test_a_missing_spool_is_an_empty_one(tmp_path: Path) -> None:
    assert spool.read(tmp_path / "spool") == spool.Spool()


def test_a_body_that_nobody_could_read_back_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no-time"):
        spool.write(tmp_path, "{}")

    assert names(tmp_path) == []


def test_a_spool_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot write"):
        spool.write(tmp_path / "nowhere", BODY)


def test_a_file_left_behind_by_a_crash_is_known_as_taken_in(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    spool.write(tmp_path / "spool", BODY)
    log = open_log(tmp_path / "events.db", host="h", boot="b", now=NOW).log
    file = spool.read(tmp_path / "spool").waiting[0]

    log.append([NewRow(at=file.at, type="commanded", v=1, data=file.body)], NOW, spooled=[file.uuid])

    left = spool.read(tmp_path / "spool").waiting
    assert [log.is_spooled(other.uuid) for other in left] == [True]
    spool.remove(tmp_path / "spool", left[0])
    spool.remove(tmp_path / "spool", left[0])
    assert spool.read(tmp_path / "spool") == spool.Spool()
    log.close()
