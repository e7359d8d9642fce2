"""What root's run reports becomes an event, a line of the day, and a part of the file of the backups."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from opsagent.core import events as ev
from opsagent.core.backup.telling import WHAT, event_of
from opsagent.core.codec import Recorded
from opsagent.core.commands import ReportBackup
from opsagent.core.fold import fold
from opsagent.core.policy import Policy
from opsagent.core.quantity import Bytes
from opsagent.core.report.about_backups import backups_part, with_part
from opsagent.core.report.daily import entries
from opsagent.core.state import State
from tests.core.live_host import LiveHost

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def report(what: str, **more: Any) -> ReportBackup:
    known = ReportBackup(by="root", job="app", what=what, good=True, size=Bytes(3 << 20), lasted=timedelta(seconds=4))
    return replace(known, **more)


def story(*reports: ReportBackup) -> tuple[State, list[str]]:
    """Return the state after these reports, an hour between each, and what the day's file says of each."""
    state, told = State(zone="Europe/Berlin", digest="x"), list[str]()
    for number, one in enumerate(reports, 1):
        at = NOON + timedelta(hours=number)
        recorded = Recorded(seq=number, at=at, event=event_of(one, at))
        after = fold(state, recorded)
        told.append("\n".join(entry.text for entry in entries(state, after, recorded)))
        state = after
    return state, told


def test_a_backup_is_told_when_it_is_the_first_when_it_fails_and_when_it_works_again() -> None:
    _, told = story(
        report("run"), report("run"), report("run", good=False, text="disk full"), report("run"), report("run")
    )

    assert told == [
        "## 13:59 backup app made for the first time · 3.0 MiB",
        "",
        "## 15:59 **backup app failed**\n- **Because** disk full",
        "## 16:59 backup app made again · 3.0 MiB",
        "",
    ]


def test_every_drill_is_told_and_every_restore() -> None:
    _, told = story(
        report("drill", text="hash, 12 rows"),
        report("drill", good=False, text="a bit has changed"),
        report("restore", text="hash", to="/srv/back", by="ann (root)", snapshot="8c39f0a7"),
        report("restore", good=False, text="no room"),
    )

    assert told[0] == "## 13:59 restore of app proven · 3.0 MiB in 4 s\n- **By** hash, 12 rows"
    assert told[1] == "## 14:59 **backup app cannot be restored**\n- **Because** a bit has changed"
    assert told[2].splitlines()[0] == "## 15:59 ann (root) restored app (8c39f0a7) · 3.0 MiB"
    assert told[3].startswith("## 16:59 **a restore of app failed**")


def test_the_file_says_when_a_restore_was_last_proven_and_keeps_what_people_wrote() -> None:
    state, _ = story(report("run"), report("drill", text="hash"), report("drill", good=False, text="a | b"))

    first = with_part("", backups_part(state))
    mine = first.replace("# Backups", "# Backups of ours") + "The tapes are in the cellar.\n"
    again = with_part(mine, backups_part(story(report("run"))[0]))

    [row] = [line for line in first.splitlines() if line.startswith("| app ")]
    assert "| 2026-11-27 13:59 Europe/Berlin, 3.0 MiB | 2026-11-27 14:59 Europe/Berlin, in 4 s" in row
    assert "**failed** 2026-11-27 15:59 Europe/Berlin: a \\| b |" in row
    assert again.startswith("# Backups of ours\n")
    assert again.endswith("The tapes are in the cellar.\n")
    assert "| app | 2026-11-27 13:59 Europe/Berlin, 3.0 MiB | never |" in again


def test_what_waited_in_the_spool_began_when_it_says() -> None:
    asked = NOON - timedelta(days=2)

    event = event_of(report("run", asked_at=asked), NOON)

    assert isinstance(event, ev.BackupMade)
    assert event.began_at == asked - timedelta(seconds=4)


def test_a_report_is_recorded_once_and_one_of_something_else_refused() -> None:
    host = LiveHost(Policy(host="web-1"))

    answers = [host.ask(report(what)) for what in (*WHAT, "party")]

    assert [answer.accepted for answer in answers] == [True, True, True, False]
    assert [len(host.events(kind)) for kind in (ev.BackupMade, ev.RestoreDrilled, ev.BackupRestored)] == [1, 1, 1]
