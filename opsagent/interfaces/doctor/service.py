"""Whether somebody watches, may act, and tells people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from opsagent.core.environment import Environment, check_name, unmonitored
from opsagent.core.order import HOLD_PATH
from opsagent.core.timing import spoken
from opsagent.core.trust import LOWERED
from opsagent.host.bus import BusError, BusLostError
from opsagent.host.hold import held
from opsagent.host.inventory import who_listens
from opsagent.host.listeners import ListenersError
from opsagent.interfaces import client
from opsagent.interfaces import install as installing
from opsagent.interfaces.doctor import units
from opsagent.interfaces.doctor.finding import Finding, ok, red, warn
from opsagent.settings.targets import targets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from opsagent.host.systemd import Systemd
    from opsagent.settings import Settings

TIMER = "opsagent-healthcheck.timer"
START = "systemctl enable --now opsagent"
MOST_NAMED = 8
LATE = timedelta(minutes=5)
"""How long after it was due a heartbeat is late."""


def watching(socket: Path, systemd: Systemd, now: datetime, *, is_system: bool) -> Iterator[Finding]:
    """Say whether the daemon runs and does its rounds; without it, how long a failure goes unseen."""
    try:
        status = client.ask(socket, {"kind": "status"}, timeout=5.0)["data"]
    except (client.NoAnswerError, KeyError) as error:
        yield red("daemon", f"does not answer: {error}", "systemctl restart opsagent; journalctl -u opsagent")
        return
    except (client.DownError, PermissionError):
        yield _only_the_timer(systemd) if is_system else red("daemon", "is down: nobody watches", "opsagent run")
        return
    yield ok("daemon", f"version {status['daemon']['version']} runs, pid {status['daemon']['pid']}")
    yield from (warn("daemon", trouble, "opsagent status") for trouble in status.get("troubles", ()))
    yield from _beats(status["daemon"], now)
    yield from modes(status)


def modes(status: Mapping[str, Any]) -> Iterator[Finding]:
    """Say of each remedy that goes by another mode than the file's which one that is, and why."""
    for check in status.get("checks", ()):
        for one in check.get("remedies", ()):  # what an older daemon said has none
            text = f"{one['remedy']}: {one['mode']}, {one['because']}"
            if one["because"].startswith(LOWERED):
                yield warn(check["name"], text, f"opsagent trust {check['name']} {one['remedy']}")
            elif one["because"] != f"mode is {status['mode']}":
                yield ok(check["name"], text)


def _beats(daemon: dict[str, Any], now: datetime) -> Iterator[Finding]:
    due = daemon["next_heartbeat_at"]
    late = now - datetime.fromisoformat(due) if due else timedelta()
    if late > LATE:
        yield red("heartbeat", f"is late by {spoken(late)}", "journalctl -u opsagent; is the host overloaded?")


def _only_the_timer(systemd: Systemd) -> Finding:
    try:
        timer = systemd.snapshot(TIMER)
    except (BusError, BusLostError):
        timer = None
    if timer is not None and timer.active_state == "active":
        return red("daemon", "is down; only the timer looks, every 30 min: no failure is seen within a minute", START)
    return red("daemon", "is down: nobody watches", START)


def acting(settings: Settings, systemd: Systemd, *, is_system: bool) -> Iterator[Finding]:
    """Say whether D-Bus answers, polkit's rule fits the settings, and the units suit our budget."""
    try:
        yield ok("dbus", f"systemd answers: {systemd.system_state()}")
        named = {name: systemd.snapshot(name) for name in _of_this_manager(settings)}
        if is_system:
            yield _rights(settings, systemd)
    except (BusError, BusLostError) as error:
        yield red("dbus", f"systemd does not answer: {error}", "systemctl status dbus")
        return
    yield from units.examine(settings.policy, named)


def _of_this_manager(settings: Settings) -> list[str]:
    """Return the units of the manager we ask; those of another scope are not seen from here."""
    checks = (check for check in settings.policy.checks if check.scope == settings.scope.value)
    return sorted({check.unit for check in checks if check.unit})


def _rights(settings: Settings, systemd: Systemd) -> Finding:
    try:
        report = installing.refresh(settings, systemd, check=True)
    except installing.InstallError as error:
        return red("polkit", str(error), "change the settings")
    if not report.is_fresh:
        stale = ", ".join(str(path) for path in report.stale)
        return red("polkit", f"rights do not fit the settings: {stale}", "opsagent install --refresh")
    granted = ", ".join(unit for unit, _ in settings.armed())
    return ok("polkit", f"the rule fits the settings: {granted or 'nothing may be restarted'}")


def people(settings: Settings) -> Iterator[Finding]:
    """Say whether anybody can be reached."""
    ways = [one.policy for one in settings.channels if one.policy.kind != "journal"]
    if not ways:
        yield red("people", "no channel but the journal: nobody is told of anything", "add notifiers to the settings")
        return
    yield ok("people", f"told by {', '.join(f'{one.name} ({one.kind})' for one in ways)}; try: opsagent notify test")
    told = {name for level in settings.policy.escalation.levels for name in level.notify}
    told |= {name for _, levels in settings.policy.escalation.by_severity for level in levels for name in level.notify}
    if idle := [one.name for one in ways if one.name not in told]:
        yield warn("people", f"no level of the escalation tells {', '.join(idle)}", "name it in escalation.levels")


def hold() -> Iterator[Finding]:
    """Say whether root holds every action back."""
    if reason := held(HOLD_PATH):
        yield warn("hold", f"every action is held back: {reason}", f"when it may act again: rm {HOLD_PATH}")


def listening(settings: Settings) -> Iterator[Finding]:
    """Name what listens on this host and would be missed by nobody."""
    try:
        found = who_listens(targets(settings), settings.scope.value)
    except ListenersError as error:
        yield warn("listeners", str(error), "run doctor as root")
        return
    unwatched = unmonitored(Environment(listeners=found))
    if not unwatched:
        yield ok("listeners", "a check would notice if any of them were gone")
        return
    names = [check_name(one.unit, one.port) for one in unwatched]
    told = ", ".join(f"{one.who} ({one.protocol} {one.port})" for one in unwatched[:MOST_NAMED])
    more = f" and {len(unwatched) - MOST_NAMED} more" if len(unwatched) > MOST_NAMED else ""
    yield warn("listeners", f"nobody would notice if these were gone: {told}{more}", f"opsagent init --add {names[0]}")
