"""`status`, `why`, `incidents`, `show`: with the daemon, without it, and where this user may not look."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.core import asking
from opsagent.core.asking import IncidentsAsked, StatusAsked, WhyAsked
from opsagent.core.commands import Answer
from opsagent.interfaces.cli import past
from opsagent.store import spool

if TYPE_CHECKING:
    from datetime import datetime

    from tests.interfaces.instance import Daemon, Instance, Log

RUNNING: dict[str, Any] = {
    "host": "web-1",
    "zone": "Europe/Berlin",
    "mode": "auto",
    "hold": None,
    "daemon": {
        "running": True,
        "pid": 4711,
        "version": "0.1.0",
        "started_at": "2026-03-01T02:03:04.567Z",
        "last_heartbeat_at": "2026-03-01T02:03:09.567Z",
        "next_heartbeat_at": "2026-03-01T02:33:09.567Z",
    },
    "checks": [
        {
            "name": "api",
            "kind": "http",
            "status": "critical",
            "armed": True,
            "since": "2026-03-01T02:03:04.567Z",
            "message": "[red]refused[/red]",
            "next_at": "2026-03-01T02:03:14.567Z",
            "suppressed_by": "pause",
        }
    ],
    "open_incidents": ["OPS-20260301-001"],
    "pending_commands": [],
    "troubles": [],
}
PAUSE = {"kind": "pause", "target": "api", "lasts": "2h", "because": "deploy", "at": "2026-03-01T02:03:04.567Z"}


def test_status_is_what_the_daemon_says(instance: Instance, daemon: Daemon) -> None:
    daemon.answer = lambda _: RUNNING

    assert instance.json("status") == RUNNING
    assert daemon.asked == [StatusAsked()]


def test_status_for_people_says_what_is_wrong_with_opsagent_itself(instance: Instance, daemon: Daemon) -> None:
    daemon.answer = lambda _: {**RUNNING, "troubles": ["new settings refused, the old ones stay in force"]}

    done = instance.run("status")

    assert "new settings refused, the old ones stay in force" in done.stderr


def test_status_for_people_names_the_daemon_the_checks_and_the_open_incidents(
    instance: Instance, daemon: Daemon
) -> None:
    daemon.answer = lambda _: RUNNING

    shown = instance.run("status").stdout

    assert "web-1: opsagent 0.1.0 runs for" in shown
    assert "(pid 4711), mode auto, heartbeat 2026-03-01" in shown
    assert "critical" in shown
    assert "open incidents: OPS-20260301-001" in shown


def test_status_for_people_says_where_a_repair_is_asked_about(instance: Instance, daemon: Daemon) -> None:
    remedies = [{"remedy": "restart", "mode": "suggest", "because": "mode is suggest"}]
    check = {**RUNNING["checks"][0], "armed": False, "remedies": remedies}
    daemon.answer = lambda _: {**RUNNING, "checks": [check]}

    assert "asks" in instance.run("status").stdout


def test_words_from_outside_are_never_markup(instance: Instance, daemon: Daemon) -> None:
    daemon.answer = lambda _: RUNNING

    shown = instance.run("status").stdout

    assert "[red]refused[/red]" in shown
    assert "\x1b" not in shown


def test_root_s_hold_stands_in_the_first_line(instance: Instance, daemon: Daemon) -> None:
    daemon.answer = lambda _: {**RUNNING, "hold": "disks are being moved"}

    assert "HOLD: disks are being moved" in instance.run("status").stdout.splitlines()[0]


def test_without_the_daemon_status_is_its_last_one_and_says_so(instance: Instance) -> None:
    (instance.state / "status.json").write_text(json.dumps(RUNNING))

    shown = instance.json("status")

    assert shown["daemon"] == {**RUNNING["daemon"], "running": False, "pid": None, "next_heartbeat_at": None}
    assert shown["checks"] == [{**RUNNING["checks"][0], "next_at": None}]
    assert "the daemon is down, last heartbeat" in instance.run("status").stdout


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"daemon": 7}', "\x00" * 100])
def test_status_has_its_shape_even_where_nothing_ever_ran(instance: Instance, content: str | None) -> None:
    if content is not None:
        (instance.state / "status.json").write_text(content)

    shown = instance.json("status")

    assert list(shown) == list(RUNNING)
    assert list(shown["daemon"]) == list(RUNNING["daemon"])
    assert shown["daemon"]["running"] is False
    assert shown["checks"] == []


def test_every_reading_command_shows_what_waits_for_the_daemon(instance: Instance, log: Log, now: datetime) -> None:
    label = log.incident(at=now)
    (instance.state / "spool").mkdir()
    spool.write(instance.state / "spool", json.dumps(PAUSE))

    for words in (["status"], ["incidents"], ["show", label], ["why", "ram"]):
        assert "pause api for 2h (by root, carried out at its start)" in instance.run(*words).stdout, words
    (waiting,) = instance.json("status")["pending_commands"]
    assert waiting["command"] == "pause api for 2h"
    assert (waiting["by"], waiting["at"]) == ("root", "2026-03-01T02:03:04.567Z")


def test_a_waiting_file_that_nobody_can_carry_out_is_shown_as_such(instance: Instance) -> None:
    (instance.state / "spool").mkdir()
    spool.write(instance.state / "spool", json.dumps({**PAUSE, "kind": "reboot"}))

    (waiting,) = instance.json("status")["pending_commands"]

    assert waiting["command"].startswith("refused: cannot find a request of kind 'reboot'")


def test_why_is_the_daemons_answer(instance: Instance, daemon: Daemon) -> None:
    daemon.answer = lambda _: {"lines": ["api is critical", "Next: …"]}

    assert instance.json("why", "api") == {"check": "api", "running": True, "lines": ["api is critical", "Next: …"]}
    assert instance.run("why", "api").stdout == "api is critical\nNext: …\n"
    assert daemon.asked[0] == WhyAsked(check="api")


def test_why_of_an_unknown_check_is_refused_by_the_daemon(instance: Instance, daemon: Daemon) -> None:
    daemon.answer = lambda _: Answer(accepted=False, text="cannot find check 'apu', known: api, ram")

    result = instance.run("why", "apu")

    assert (result.exit_code, result.stderr) == (1, "opsagent: cannot find check 'apu', known: api, ram\n")


def test_without_the_daemon_why_uses_what_the_log_knows(instance: Instance, log: Log, now: datetime) -> None:
    label = log.incident("api", unit="api.service", at=now)

    result = instance.run("why", "api")

    assert "the daemon is down: nothing happens until it starts" in result.stderr
    assert f"State: {label} SEV2 is paged" in result.stdout
    assert len(result.stdout.splitlines()) <= 12


def test_without_the_daemon_why_names_the_checks_there_are(instance: Instance, log: Log) -> None:
    result = instance.run("why", "apu")

    assert result.exit_code == 1
    assert "cannot find check 'apu', known: api, ram, hostname" in result.stderr


def test_incidents_come_from_the_log_oldest_first(instance: Instance, log: Log, now: datetime) -> None:
    old = log.incident("www", at=now - timedelta(days=40), closed=True)
    one = log.incident("redis", at=now - timedelta(days=2), closed=True)
    two = log.incident("api", unit="api.service", at=now)

    assert [one["id"] for one in instance.json("incidents")] == [one, two]
    assert [one["id"] for one in instance.json("incidents", "--since", "60d")] == [old, one, two]
    assert [one["id"] for one in instance.json("incidents", "--open")] == [two]
    assert [one["id"] for one in instance.json("incidents", "--check", "redis")] == [one]
    assert [one["id"] for one in instance.json("incidents", "--check", "api.service")] == [two]
    assert [one["id"] for one in instance.json("incidents", "--limit", "1")] == [two]
    assert [one["id"] for one in instance.json("incidents", "--since", f"{now - timedelta(days=1):%Y-%m-%d}")] == [two]


def test_incidents_for_people_are_a_table(instance: Instance, log: Log, now: datetime) -> None:
    label = log.incident("api", at=now)

    shown = instance.run("incidents").stdout

    assert label in shown
    assert "refused" in shown
    assert "api: refused" not in shown, "the check has a column of its own"


def test_where_nothing_ran_there_are_no_incidents(instance: Instance) -> None:
    assert instance.json("incidents") == []
    assert instance.run("incidents").stdout == "no incidents in 30d\n"
    assert instance.run("incidents", "--open").stdout == "no open incidents in 30d\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--since", "soon"], "cannot read --since 'soon', allowed: a duration such as 30d or 2h, at most 3650d,"),
        (["--limit", "0"], "greater than or equal to 1"),
        (["--limit", "many"], "valid integer"),
    ],
)
def test_wrong_options_are_errors_of_use(instance: Instance, words: list[str], said: str) -> None:
    result = instance.run("incidents", *words)

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_user_who_may_not_read_the_log_asks_the_daemon(
    instance: Instance, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "_reader", lambda _: None)
    (instance.state / "events.db").touch()
    daemon.answer = lambda _: [{"id": "OPS-20260301-001"}]

    assert instance.json("incidents", "--check", "api") == [{"id": "OPS-20260301-001"}]
    assert daemon.asked == [IncidentsAsked(check="api")]


def test_a_user_who_may_neither_read_nor_ask_is_told_who_may(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "_reader", lambda _: None)
    (instance.state / "events.db").touch()

    result = instance.run("incidents")

    assert result.exit_code == 1
    assert "and the daemon is down; allowed: members of the group opsagent" in result.stderr


def test_a_damaged_log_is_named(instance: Instance) -> None:
    (instance.state / "events.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 4096)

    result = instance.run("incidents")

    assert result.exit_code == 1
    assert "it is set aside and salvaged when opsagent starts" in result.stderr


def test_show_tells_the_story_with_the_evidence(instance: Instance, log: Log, now: datetime) -> None:
    label = log.incident("api", unit="api.service", at=now)

    shown = instance.run("show", label).stdout

    assert f"{label}  SEV2  paged  repair idle" in shown
    assert "api of api.service: refused" in shown
    assert "    | oops, [bold]not markup[/bold]" in shown


def test_show_for_programs_is_the_incident_with_its_timeline(instance: Instance, log: Log, now: datetime) -> None:
    label = log.incident("api", at=now)
    (listed,) = instance.json("incidents")

    shown = instance.json("show", label)

    assert {key: shown[key] for key in listed} == listed
    assert shown["timeline"][-1]["quoted"] == ["oops, [bold]not markup[/bold]"]


def test_show_asks_the_daemon_where_the_log_is_closed(
    instance: Instance, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "_reader", lambda _: None)
    (instance.state / "events.db").touch()
    daemon.answer = lambda _: {"incident": {"id": "OPS-20260301-001"}, "timeline": []}

    assert instance.json("show", "ops-20260301-001") == {"id": "OPS-20260301-001", "timeline": []}


def test_todays_incidents_have_short_names(instance: Instance, log: Log, now: datetime) -> None:
    log.incident("redis", at=now - timedelta(days=1), closed=True)
    log.incident("www", at=now - timedelta(days=1), closed=True)
    today = log.incident("api", at=now)

    assert instance.json("show", "001")["id"] == today
    assert instance.json("show", "1")["id"] == today
    assert instance.json("show", "002")["check"] == "www", "unique in 30 days"


def test_a_short_name_that_fits_several_is_refused_with_all(instance: Instance, log: Log, now: datetime) -> None:
    labels = [log.incident(at=now - timedelta(days=days), closed=True) for days in (2, 3)]

    result = instance.run("show", "001")

    assert result.exit_code == 2
    assert all(label in result.stderr for label in labels)


@pytest.mark.parametrize("name", ["OPS-20200101-001", "777"])
def test_an_incident_that_never_was_is_an_error(instance: Instance, log: Log, name: str) -> None:
    result = instance.run("show", name)

    assert result.exit_code == 1
    assert f"cannot find incident {asking.visible(name) if '-' in name else repr(name)}" in result.stderr


def test_show_before_anything_ran_says_so(instance: Instance) -> None:
    result = instance.run("show", "OPS-20260301-001")

    assert result.exit_code == 1
    assert "opsagent has not run here yet" in result.stderr
