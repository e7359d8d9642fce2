"""What a unit's snapshot means: one pure answer for systemd's signals and for the looks in between."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.observation import Measure, Reading, Status, ok, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from opsagent.core.unit import UnitSnapshot

LOOP_RESTARTS = 3
"""So many automatic restarts within `LOOP_WINDOW` are a loop, even if the unit runs at this moment."""
LOOP_WINDOW = timedelta(minutes=10)
PATIENCE = timedelta(seconds=90)
"""systemd's own default for starting and stopping, for a unit whose limit is infinite or not known."""

_FAILURE_CLASS = {
    "exit-code": "exit",
    "signal": "signal",
    "core-dump": "signal",
    "oom-kill": "oom",
    "watchdog": "watchdog",
    "timeout": "timeout",
    "start-limit-hit": "start-limit",
    "exec-condition": "condition",
}
# The last three names exist since systemd 254; a name we do not know is merely "in between", never an error.
_SYSTEMD_IS_ON_IT = {"auto-restart", "auto-restart-queued", "dead-before-auto-restart", "failed-before-auto-restart"}
_STARTS = {"start", "restart", "try-restart"}
_RUNS = {"active", "reloading", "refreshing"}
_BROKEN = {"bad-setting", "error"}
_WAYS_TO_DIE = {2: "killed by signal", 3: "killed by signal (core dumped), signal"}


def judge(snapshot: UnitSnapshot, earlier: Iterable[tuple[datetime, int]] = ()) -> Reading:
    """Say how a unit that should run is doing.

    `earlier` holds (read_at, nrestarts) of earlier snapshots, oldest first; it is what makes a loop of
    systemd's own restarts visible. systemd's word that the unit failed is conclusive, and so is its count.
    """
    reading = _missing(snapshot) or _failed(snapshot) or _loop(snapshot, earlier) or _by_state(snapshot)
    return Reading(
        status=reading.status,
        message=reading.message,
        failure_class=reading.failure_class,
        conclusive=reading.conclusive,
        measures=(Measure(name="restarts", value=snapshot.nrestarts),),
    )


def automatic_restarts(now: datetime, nrestarts: int, earlier: Iterable[tuple[datetime, int]]) -> int:
    """Count systemd's own restarts within the last `LOOP_WINDOW`; a start by hand sets the count to zero."""
    lowest = nrestarts
    for at, count in reversed(list(earlier)):
        if count > lowest or now - at > LOOP_WINDOW:
            break
        lowest = count
    return nrestarts - lowest


def _missing(snapshot: UnitSnapshot) -> Reading | None:
    """Say what is wrong with the unit file; what ran is judged by how it does, whatever became of its file."""
    if snapshot.load_state == "loaded" or snapshot.active_state in {*_RUNS, "failed"}:
        return None
    if snapshot.load_state in _BROKEN:
        message = f"{snapshot.name} cannot be started: systemd cannot load its unit file ({snapshot.load_state})"
        return Reading(status=Status.CRITICAL, message=message, failure_class=snapshot.load_state)
    words = {"masked": "is masked: systemd will not start it", "not-found": "has no unit file on this host"}
    told = words.get(snapshot.load_state, f"is not loaded ({snapshot.load_state})")
    return unknown(f"{snapshot.name} {told}", snapshot.load_state)


def _failed(snapshot: UnitSnapshot) -> Reading | None:
    if snapshot.active_state != "failed" or snapshot.sub_state in _SYSTEMD_IS_ON_IT:
        return None
    if snapshot.job in _STARTS:  # a restart passes through here where the old process had to be killed
        return _warning(f"{snapshot.name} failed, a {snapshot.job} job is queued", "starting")
    return Reading(
        status=Status.CRITICAL,
        message=f"{snapshot.name} failed: {_death(snapshot)}{_without_file(snapshot)}",
        failure_class=_FAILURE_CLASS.get(snapshot.result, snapshot.result or "failed"),
        conclusive=True,
    )


# What sysexits.h, shells and systemd itself mean by an exit status. Programs may mean something else by the first ones.
_EXITS = {
    77: "no permission",
    78: "bad configuration",
    126: "cannot be executed",
    127: "command not found",
    200: "no such working directory",
    203: "cannot be executed",
    216: "no such group",
    217: "no such user",
    226: "its sandbox cannot be set up",
}


def _death(snapshot: UnitSnapshot) -> str:
    if way := _WAYS_TO_DIE.get(snapshot.exec_main_code):
        return f"{snapshot.result}, {way} {snapshot.exec_main_status}"
    if snapshot.exec_main_code == 1:
        status = snapshot.exec_main_status
        meaning = f" ({_EXITS[status]})" if status in _EXITS else ""
        return f"{snapshot.result}, exit status {status}{meaning}"
    return snapshot.result


def brought_back(before: UnitSnapshot | None, seen: UnitSnapshot) -> bool:
    """Whether systemd is merely at its own restarts: what it did then, it may do again in a moment."""
    same = before is not None and _of_the_file(before) == _of_the_file(seen)
    return same and seen.nrestarts > 0 and seen.active_state not in {"inactive", "failed"}


def _of_the_file(unit: UnitSnapshot) -> tuple[object, ...]:
    return unit.load_state, unit.unit_file_state, unit.need_daemon_reload


def _loop(snapshot: UnitSnapshot, earlier: Iterable[tuple[datetime, int]]) -> Reading | None:
    restarts = automatic_restarts(snapshot.read_at, snapshot.nrestarts, earlier)
    if restarts < LOOP_RESTARTS:
        return None
    minutes = LOOP_WINDOW // timedelta(minutes=1)
    message = f"{snapshot.name} is in a restart loop: systemd restarted it {restarts} times within {minutes} min"
    return Reading(status=Status.CRITICAL, message=message, failure_class="loop", conclusive=True)


def _by_state(snapshot: UnitSnapshot) -> Reading:
    name, state = snapshot.name, f"{snapshot.active_state} ({snapshot.sub_state})"
    if snapshot.sub_state in _SYSTEMD_IS_ON_IT:
        return _warning(f"{name} died ({_death(snapshot)}), systemd is restarting it", "restarting")
    if snapshot.active_state == "activating":
        return _between(snapshot, snapshot.inactive_exit_at, snapshot.timeout_start, "starting")
    if snapshot.active_state == "deactivating":
        return _between(snapshot, snapshot.state_change_at, snapshot.timeout_stop, "stopping")
    if snapshot.active_state == "inactive":
        return _inactive(snapshot)
    if snapshot.active_state in _RUNS:
        return ok(f"{name} is {state}{_without_file(snapshot)}")
    return _warning(f"{name} is {state}", "state")


def _without_file(snapshot: UnitSnapshot) -> str:
    """Warn of what the next start will be like. One that is masked and runs is as somebody wanted it."""
    known = snapshot.load_state == "loaded" or (snapshot.load_state == "masked" and snapshot.active_state in _RUNS)
    return "" if known else f"; it could not be started again, its unit file is {snapshot.load_state}"


def _between(snapshot: UnitSnapshot, since: datetime | None, limit: timedelta | None, doing: str) -> Reading:
    lasting = snapshot.read_at - since if since else timedelta()
    told = f"{snapshot.name} is {doing} since {lasting.total_seconds():.0f} s ({snapshot.sub_state})"
    if snapshot.type == "oneshot" and doing == "starting":
        return ok(told)  # a oneshot does its whole work while it is "activating"
    allowed = limit or PATIENCE
    if lasting <= allowed:
        return _warning(told, doing)
    message = f"{told}, longer than the {allowed.total_seconds():.0f} s it may take"
    return Reading(status=Status.CRITICAL, message=message, failure_class="stuck")


def _inactive(snapshot: UnitSnapshot) -> Reading:
    name = snapshot.name
    if snapshot.job in _STARTS:
        return _warning(f"{name} is inactive, a {snapshot.job} job is queued", "starting")
    if not snapshot.condition_result:
        return ok(f"{name} does not run: a condition of its unit file is not met")
    if snapshot.triggered_by:
        return ok(f"{name} waits for {', '.join(snapshot.triggered_by)}")
    if snapshot.type == "oneshot":
        return ok(f"{name} ran and ended well" if snapshot.invocation_id else f"{name} is not at work")
    if not snapshot.invocation_id and snapshot.active_enter_at is None:
        return Reading(status=Status.CRITICAL, message=f"{name} is not running", failure_class="ended")
    message = f"{name} ended by itself or was stopped ({_death(snapshot)})"
    return Reading(status=Status.CRITICAL, message=message, failure_class="ended")


def _warning(message: str, failure_class: str) -> Reading:
    return Reading(status=Status.WARNING, message=message, failure_class=failure_class)
