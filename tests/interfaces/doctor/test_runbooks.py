"""Runbooks that mislead: old ones, and those that name what is gone."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.host.bus import BusLostError
from opsagent.interfaces.doctor.finding import Level
from opsagent.interfaces.doctor.runbooks import OLD, examine
from tests.interfaces.doctor.test_service import Lost, Systemd

if TYPE_CHECKING:
    from pathlib import Path

    from opsagent.interfaces.doctor.finding import Finding

NOW = datetime(2026, 3, 1, tzinfo=UTC)
VERIFIED = "\n## Verification\n\n`redis-cli ping`\n"
TEXT = f"# Redis\n\n1. `systemctl restart redis-server.service`, then the reader of `dump.timer`\n{VERIFIED}"


def book(memory: Path, name: str = "redis.md", text: str = TEXT, age: timedelta = timedelta(days=1)) -> None:
    path = memory / "ops/runbooks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, times=((NOW - age).timestamp(),) * 2)


def found(memory: Path, systemd: object = Systemd(redis_server="active", dump="active")) -> list[Finding]:
    return list(examine(memory, "standalone", systemd, NOW))  # type: ignore[arg-type]


def test_where_there_are_no_runbooks_nothing_is_said(tmp_path: Path) -> None:
    assert found(tmp_path) == []


def test_one_that_is_young_and_true_is_good(tmp_path: Path) -> None:
    book(tmp_path)

    (good,) = found(tmp_path)
    assert (good.level, good.about) == (Level.OK, "runbooks")


def test_one_that_nobody_has_touched_for_half_a_year_is_named(tmp_path: Path) -> None:
    book(tmp_path, age=OLD + timedelta(days=2))
    book(tmp_path, "young.md", age=OLD - timedelta(days=1))

    (stale,) = found(tmp_path)
    assert (stale.level, stale.about) == (Level.WARN, "ops/runbooks/redis.md")
    assert stale.text == "nobody has touched it for 182 days"


def test_one_that_names_a_unit_which_is_gone_is_named_with_it(tmp_path: Path) -> None:
    book(tmp_path)

    (stale,) = found(tmp_path, Systemd(redis_server="active"))
    assert stale.text == "names dump.timer, which is not on this host"


def test_the_playbook_is_one_too(tmp_path: Path) -> None:
    (tmp_path / "failures").mkdir()
    (tmp_path / "failures/debugging-notes.md").write_text("## Queue\n1. look at old-queue.service\n")

    (stale,) = found(tmp_path)
    assert stale.about == "failures/debugging-notes.md"
    assert "old-queue.service" in stale.text


def test_a_link_out_of_the_memory_is_not_followed(tmp_path: Path) -> None:
    book(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("private.service")
    (tmp_path / "ops/runbooks/trap.md").symlink_to(secret)

    (trap,) = found(tmp_path)
    assert trap.about == "ops/runbooks/trap.md"
    assert "private.service" not in trap.text


@pytest.mark.parametrize("text", ["/etc/systemd/system/gone.service", "gone.service-file", "no unit here", "@.service"])
def test_what_only_looks_like_a_unit_is_not_asked_for(tmp_path: Path, text: str) -> None:
    book(tmp_path, text=f"{text}\n{VERIFIED}")

    assert [one.level for one in found(tmp_path)] == [Level.OK]


def test_without_systemd_only_the_age_is_judged(tmp_path: Path) -> None:
    book(tmp_path)

    with pytest.raises(BusLostError):
        Lost().snapshot("any.service")
    assert [one.level for one in found(tmp_path, Lost())] == [Level.OK]


def test_one_that_does_not_say_how_to_verify_is_named(tmp_path: Path) -> None:
    book(tmp_path, text="# Redis\n\n1. restart it\n")

    (lacking,) = found(tmp_path)
    assert lacking.text == "does not say how one knows that it helped"


def test_a_draft_that_waits_is_named(tmp_path: Path) -> None:
    book(tmp_path, text=f"# Redis\n\n- **Status**: draft, from OPS-20260301-001\n{VERIFIED}")

    (draft,) = found(tmp_path)
    assert draft.text == "is a draft that waits for somebody to correct it"


@pytest.mark.parametrize(
    ("text", "said"),
    [("## Redis\n1. uptime\n" + "x" * 65536, "more than 64 KiB"), ("# Notes\n\nnothing yet\n", "no heading has steps")],
)
def test_a_playbook_that_cannot_be_followed_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "failures").mkdir()
    (tmp_path / "failures/debugging-notes.md").write_text(text)

    (left,) = found(tmp_path)
    assert (left.level, said in left.text) == (Level.WARN, True)
