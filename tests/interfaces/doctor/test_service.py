"""Whether somebody watches, may act, and tells people: each finding with what to do, and the exit status."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.core.timing import iso
from opsagent.core.unit import UnitSnapshot
from opsagent.host.bus import BusLostError
from opsagent.host.listeners import ListenersError
from opsagent.interfaces import doctor, known
from opsagent.interfaces import install as installing
from opsagent.interfaces.doctor import service
from opsagent.interfaces.doctor.finding import Level, ok, red, warn
from tests.core.environment.hosts import listener

if TYPE_CHECKING:
    from pathlib import Path

    from opsagent.settings import Settings
    from tests.interfaces.instance import Daemon, Instance

NOW = datetime(2026, 3, 1, 2, 3, tzinfo=UTC)


class Systemd:
    """A manager that knows these units."""

    def __init__(self, **units: str) -> None:
        self.units = {name.replace("_", "-"): state for name, state in units.items()}

    def snapshot(self, name: str) -> UnitSnapshot | None:
        state = self.units.get(name.partition(".")[0])
        return UnitSnapshot(name=name, read_at=NOW, active_state=state, timeout_stop=timedelta()) if state else None

    def system_state(self) -> str:
        return "running"


class Lost:
    def snapshot(self, name: str) -> UnitSnapshot | None:
        raise BusLostError("cannot reach the system bus")

    def system_state(self) -> str:
        raise BusLostError("cannot reach the system bus")


def settings(instance: Instance, more: str = "") -> Settings:
    with instance.settings.open("a") as file:
        file.write(more)
    return known.read(instance.settings)


def status(next_heartbeat_at: datetime) -> dict[str, Any]:
    return {"daemon": {"version": "0.1.0", "pid": 7, "next_heartbeat_at": iso(next_heartbeat_at)}}


def watching(path: Path, systemd: object, *, is_system: bool = True) -> list[tuple[Level, str]]:
    found = service.watching(path / "control.sock", systemd, NOW, is_system=is_system)  # type: ignore[arg-type]
    return [(one.level, one.text) for one in found]


def test_a_daemon_that_answers_is_good(instance: Instance, daemon: Daemon) -> None:
    daemon.answer = lambda _: status(NOW + timedelta(minutes=9))

    assert watching(instance.state, Systemd()) == [(Level.OK, "version 0.1.0 runs, pid 7")]


def test_what_the_daemon_says_is_wrong_with_it_is_told(instance: Instance, daemon: Daemon) -> None:
    trouble = "3 messages are not delivered yet by hook: no such name"
    daemon.answer = lambda _: {**status(NOW + timedelta(minutes=9)), "troubles": [trouble]}

    assert watching(instance.state, Systemd())[1:] == [(Level.WARN, trouble)]


def test_a_remedy_that_goes_by_a_mode_of_its_own_is_named_and_a_lowered_one_is_a_warning(
    instance: Instance, daemon: Daemon
) -> None:
    said = [("restart", "auto", "mode is auto"), ("reload", "suggest", "lowered to suggest at 12:00: it died")]
    said.append(("command", "auto", "trusted by anna at 11:00"))
    remedies = [{"remedy": remedy, "mode": mode, "because": why} for remedy, mode, why in said]
    checks = [{"name": "api", "remedies": remedies}, {"name": "of an older daemon"}]
    daemon.answer = lambda _: {**status(NOW + timedelta(minutes=9)), "mode": "auto", "checks": checks}

    assert watching(instance.state, Systemd())[1:] == [
        (Level.WARN, "reload: suggest, lowered to suggest at 12:00: it died"),
        (Level.OK, "command: auto, trusted by anna at 11:00"),
    ]


def test_a_heartbeat_that_is_overdue_is_red(instance: Instance, daemon: Daemon) -> None:
    daemon.answer = lambda _: status(NOW - timedelta(minutes=6))

    assert watching(instance.state, Systemd())[1:] == [(Level.RED, "is late by 6 min")]


def test_when_only_the_timer_looks_the_promise_cannot_be_kept(instance: Instance) -> None:
    ((level, text),) = watching(instance.state, Systemd(opsagent_healthcheck="active"))

    assert level is Level.RED
    assert text == "is down; only the timer looks, every 30 min: no failure is seen within a minute"


@pytest.mark.parametrize("systemd", [Systemd(), Systemd(opsagent_healthcheck="inactive"), Lost()])
def test_when_nobody_looks_it_is_red(instance: Instance, systemd: object) -> None:
    assert watching(instance.state, systemd) == [(Level.RED, "is down: nobody watches")]


def test_a_persons_own_instance_is_started_by_hand(instance: Instance) -> None:
    (found,) = service.watching(instance.state / "control.sock", Lost(), NOW, is_system=False)  # type: ignore[arg-type]

    assert (found.level, found.do) == (Level.RED, "opsagent run")


def test_no_channel_but_the_journal_is_red(instance: Instance) -> None:
    (found,) = service.people(settings(instance))

    assert found.level is Level.RED
    assert found.text == "no channel but the journal: nobody is told of anything"


HOOKS = "notifiers:\n  - {name: hook, kind: webhook, url: 'http://127.0.0.1:9/x'}\n"


def test_people_who_are_reached_are_named(instance: Instance) -> None:
    (found,) = service.people(settings(instance, HOOKS))

    assert (found.level, found.text) == (Level.OK, "told by hook (webhook); try: opsagent notify test")


def test_a_channel_that_no_level_tells_is_named(instance: Instance) -> None:
    more = "  - {name: mail, kind: webhook, url: 'http://127.0.0.1:9/y'}\n"
    levels = "escalation: {levels: [{name: oncall, notify: [hook]}]}\n"

    _, found = service.people(settings(instance, HOOKS + more + levels))

    assert found.text == "no level of the escalation tells mail"


def test_without_dbus_nothing_can_be_repaired(instance: Instance) -> None:
    found = list(service.acting(settings(instance), Lost(), is_system=True))  # type: ignore[arg-type]

    assert [(one.level, one.about) for one in found] == [(Level.RED, "dbus")]


@pytest.mark.parametrize(("stale", "level"), [((), Level.OK), (("/etc/polkit-1/rules.d/x",), Level.RED)])
def test_rights_that_do_not_fit_the_settings_are_red(
    instance: Instance, monkeypatch: pytest.MonkeyPatch, stale: tuple[str, ...], level: Level
) -> None:
    monkeypatch.setattr(installing, "refresh", lambda *_, **__: installing.Report(stale=stale))  # type: ignore[arg-type]

    found = list(service.acting(settings(instance), Systemd(api="active"), is_system=True))  # type: ignore[arg-type]

    rights = next(one for one in found if one.about == "polkit")
    assert rights.level is level
    assert rights.do == ("opsagent install --refresh" if stale else "")


def test_a_persons_own_instance_needs_no_rule(instance: Instance) -> None:
    found = list(service.acting(settings(instance), Systemd(api="active"), is_system=False))  # type: ignore[arg-type]

    assert "polkit" not in {one.about for one in found}


def test_units_of_another_manager_are_not_asked_for(instance: Instance) -> None:
    instance.settings.write_text(
        "checks:\n"
        "  - {name: mine, kind: unit, unit: mine.service, scope: user}\n"
        "  - {name: api, kind: unit, unit: api.service}\n"
    )

    found = list(service.acting(known.read(instance.settings), Systemd(), is_system=False))  # type: ignore[arg-type]

    assert [one.about for one in found if one.level is Level.WARN] == ["api.service"]


def test_roots_hold_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "HOLD_PATH", str(tmp_path / "HOLD"))
    assert list(service.hold()) == []
    (tmp_path / "HOLD").write_text("disks are being moved\n")

    (found,) = service.hold()

    assert (found.level, found.text) == (Level.WARN, "every action is held back: disks are being moved")


def test_the_worst_finding_is_the_exit_status() -> None:
    assert doctor.worst([]) is Level.OK
    assert doctor.worst([ok("a", "b"), warn("a", "b", "c")]) is Level.WARN
    assert doctor.worst([red("a", "b", "c"), ok("a", "b")]) is Level.RED


def test_the_command_tells_every_finding_with_what_to_do(instance: Instance) -> None:
    result = instance.run("doctor")

    assert result.exit_code == 2
    lines = {line.split()[1]: line for line in result.stdout.splitlines() if line.startswith(("ok", "warn", "red"))}
    assert {"settings", "daemon", "people", "dbus", "state", "memory", "journal", "clock", "sqlite"} <= set(lines)
    assert "add notifiers to the settings" in lines["people"]


def test_for_programs_every_finding_is_a_record(instance: Instance) -> None:
    result = instance.run("doctor", "--json")

    found = json.loads(result.stdout)
    assert result.exit_code == 2
    assert {tuple(one) for one in found} == {("level", "about", "text", "do")}


def test_settings_that_cannot_be_used_are_told_line_by_line(instance: Instance) -> None:
    instance.settings.write_text("checks: [{name: a, kind: nope}]\nzone: Mars\n")

    found = json.loads(instance.run("doctor", "--json").stdout)

    assert [one["level"] for one in found] == ["red"] * len(found)
    assert {one["text"].split(": ")[0] for one in found} == {f"{instance.settings}:1", f"{instance.settings}:2"}


def test_without_settings_it_says_how_to_get_some(tmp_path: Path, instance: Instance) -> None:
    (found,) = doctor.of_settings(None, settings(instance))

    assert (found.level, found.do) == (Level.WARN, "opsagent init")


def test_what_listens_unwatched_is_named_with_the_command_that_watches_it(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [listener(7000 + number, f"api{number}") for number in range(9)]
    monkeypatch.setattr(service, "who_listens", lambda *_: (listener(22, "ssh", watched_by=("ssh",)), *found))

    told = [f"api{number} (tcp {7000 + number})" for number in range(8)]
    assert list(service.listening(settings(instance))) == [
        warn(
            "listeners",
            f"nobody would notice if these were gone: {', '.join(told)} and 1 more",
            "opsagent init --add api0-7000",
        )
    ]


def test_where_everything_is_watched_the_listeners_are_good(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "who_listens", lambda *_: (listener(22, "ssh", watched_by=("ssh",)),))

    assert [one.level for one in service.listening(settings(instance))] == [Level.OK]


def test_a_table_of_sockets_that_cannot_be_read_is_said(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object) -> None:
        raise ListenersError("cannot read the table of sockets: no")

    monkeypatch.setattr(service, "who_listens", closed)

    assert [(one.level, one.about) for one in service.listening(settings(instance))] == [(Level.WARN, "listeners")]
