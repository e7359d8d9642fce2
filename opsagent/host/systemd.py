"""systemd, asked over D-Bus: what a unit is like, and two things to do with it. One instance per thread.

A job is asked for in mode `fail`: `replace` would cancel an administrator's running stop and start the unit again.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from opsagent.core.denied import malformed
from opsagent.core.unit import JobOutcome, UnitSnapshot
from opsagent.host.bus import (
    MANAGER,
    MANAGER_PATH,
    SYSTEMD,
    UNIT,
    Bus,
    BusError,
    BusLostError,
    Call,
    get,
    get_all,
    manager_call,
)
from opsagent.host.dependants import restarted_too
from opsagent.host.properties import SERVICE_PROPERTIES, Around, Properties, to_snapshot
from opsagent.host.unit_names import object_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# Of the other types only these have a Result of their own; a target or a slice has none.
_WITH_RESULT = frozenset({"socket", "mount", "swap", "timer", "path", "automount", "scope"})
_JOBS = f"type='signal',sender='{SYSTEMD}',interface='{MANAGER}',member='JobRemoved'"
_METHODS = {"restart": "RestartUnit", "reload": "ReloadUnit"}
# These say that the answer was lost, not that systemd refused: the job may well be running.
_NO_ANSWER = frozenset(
    f"org.freedesktop.DBus.Error.{word}" for word in ("NoReply", "Timeout", "TimedOut", "Disconnected")
)
# polkit's no, without and with a person whom it could have asked.
_NOT_ALLOWED = frozenset(
    f"org.freedesktop.DBus.Error.{word}" for word in ("AccessDenied", "InteractiveAuthorizationRequired")
)
_TORN = ("failed", "success")
_OVER = "over"
"""In place of a job's type: it ended between the two questions. Never leaves this file."""
NOT_ALLOWED = "polkit does not allow it"
_T = TypeVar("_T")
_here = threading.local()


def utc_now() -> datetime:
    """Return the time that a reading is stamped with; nothing is decided by it."""
    return datetime.now(UTC)


class Systemd:
    """The manager of `scope` (`system`, or `user` for the manager of the user we run as).

    Every method raises BusLostError when there is no answer in time, after trying a fresh connection once where
    that is harmless. A broken connection is opened again by the next call.
    """

    def __init__(self, scope: str = "system", now: Callable[[], datetime] = utc_now, timeout: float = 5.0) -> None:
        """Remember how to connect; `timeout` (seconds) bounds each call, `now` stamps what is read."""
        self.scope = scope
        self._now = now
        self._timeout = timeout
        self._bus: Bus | None = None

    def close(self) -> None:
        """Close the connection."""
        if self._bus is not None:
            self._bus.close()
            self._bus = None

    def snapshot(self, unit: str) -> UnitSnapshot | None:
        """Read one unit; an alias gives the unit it stands for. None: there is no such unit."""
        if malformed(unit):
            return None
        return self._reading(lambda bus: self._snapshot(bus, unit))

    def snapshots(self, units: Iterable[str]) -> tuple[UnitSnapshot, ...]:
        """Read several units; those that do not exist are left out."""
        wanted = [unit for unit in units if not malformed(unit)]
        return self._reading(lambda bus: self._snapshots(bus, wanted))

    def failed_units(self) -> tuple[UnitSnapshot, ...]:
        """Read every unit of any type that systemd counts as failed."""
        rows = self._reading(lambda bus: bus.call(manager_call("ListUnitsFiltered", "as", ["failed"])))[0]
        return self._reading(lambda bus: self._snapshots(bus, [row[0] for row in rows]))

    def ask(self, call: Call) -> tuple[Any, ...]:
        """Make a call that may be made twice, also on another service of this bus; BusError is its own answer."""
        return self._reading(lambda bus: bus.call(call))

    def active(self, pattern: str) -> tuple[str, ...]:
        """Return the names of the active units that fit a pattern such as `*.timer`."""
        call = manager_call("ListUnitsByPatterns", "asas", ["active"], [pattern])
        return tuple(str(row[0]) for row in self._reading(lambda bus: bus.call(call))[0])

    def properties(self, unit: str, interface: str, names: Sequence[str]) -> Properties:
        """Read properties of a unit; `interface` is the last word of theirs (`Timer`). Unknown ones are absent."""
        calls = [get(object_path(unit), f"{SYSTEMD}.{interface}", name) for name in names]
        answers = self._reading(lambda bus: bus.call_many(calls))
        told = zip(names, answers, strict=True)
        return Properties({name: answer[0] for name, answer in told if not isinstance(answer, BusError)})

    def system_state(self) -> str:
        """Return the manager's SystemState: starting, running, degraded, maintenance, stopping and so on."""
        call = get(MANAGER_PATH, MANAGER, "SystemState")
        return str(self._reading(lambda bus: bus.call(call))[0][1])

    def read_units(self) -> None:
        """Have the manager read its unit files again, as root: `systemctl daemon-reload`."""
        self._reading(lambda bus: bus.call(manager_call("Reload")))

    def switch_on(self, units: Sequence[str]) -> None:
        """Have sockets listen and timers wait, now and at every boot, as root, anew where they did: `enable --now`."""
        if units:
            self.ask(manager_call("EnableUnitFiles", "asbb", list(units), False, True))  # noqa: FBT003 - D-Bus
        for name in units:
            self.ask(manager_call("RestartUnit", "ss", name, "fail"))

    def switch_off(self, units: Sequence[str]) -> None:
        """Have sockets listen and timers wait no more, as root; that one is not there any more is no error."""
        for name in units:
            with contextlib.suppress(BusError):
                self.ask(manager_call("StopUnit", "ss", name, "fail"))
        if units:
            self.ask(manager_call("DisableUnitFiles", "asb", list(units), False))  # noqa: FBT003 - D-Bus

    def job(self, verb: str, unit: str, timeout: timedelta) -> JobOutcome:
        """Ask for a `restart` or `reload` and wait for the end of that very job, at most `timeout`.

        The result is systemd's own word for the job; `refused` when it took no job at all, `unknown` when the answer
        was lost or the time was up (the job may still run). `done` does not mean that the unit works.
        """
        return self._acting(unit, lambda bus: self._run_job(bus, _METHODS[verb], unit, timeout))

    def settled(self, unit: str, timeout: timedelta) -> UnitSnapshot | None:
        """Wait until no job of this unit is queued or under way, at most `timeout`, and return how it is then."""
        deadline = time.monotonic() + timeout.total_seconds()
        bus = self._connected()
        subscribe(bus)
        bus.add_match(_JOBS)
        try:
            found = self._snapshot(bus, unit)
            while found is not None and found.job and (left := deadline - time.monotonic()) > 0:
                bus.next_signal(left)
                found = self._snapshot(bus, unit)
        finally:
            bus.remove_match(_JOBS)
        return found

    def reset_failed(self, unit: str) -> JobOutcome:
        """Clear a unit's failed state and its start limit counter."""
        return self._acting(unit, lambda bus: self._reset(bus, unit))

    def _acting(self, unit: str, act: Callable[[Bus], str]) -> JobOutcome:
        """Run `act` on a live connection, once; put its result or its error into an outcome."""
        began = time.monotonic()
        result, error = "unknown", ""
        try:
            self._reading(lambda bus: bus.call(manager_call("GetUnit", "s", "-.slice")))  # a dead link is renewed here
            result = act(self._connected())
        except BusError as answer:
            result, error = ("unknown" if answer.name in _NO_ANSWER else "refused"), _said(answer)
        except BusLostError as lost:
            self.close()
            error = str(lost)
        seconds = time.monotonic() - began
        return JobOutcome(result=result, error=error, seconds=seconds, after=self._snapshot_or_none(unit))

    def _run_job(self, bus: Bus, method: str, unit: str, timeout: timedelta) -> str:
        deadline = time.monotonic() + timeout.total_seconds()
        subscribe(bus)
        bus.add_match(_JOBS)  # before the job exists: its end may come before the answer to our call
        try:
            return self._end_of_job(bus, manager_call(method, "ss", unit, "fail"), deadline)
        finally:
            bus.remove_match(_JOBS)  # else months of other people's jobs would queue up on this connection

    def _end_of_job(self, bus: Bus, ask: Call, deadline: float) -> str:
        path = bus.call(ask, deadline - time.monotonic())[0]
        while (left := deadline - time.monotonic()) > 0:
            signal = bus.next_signal(left)
            if signal is not None and signal.member == "JobRemoved" and signal.body[1] == path:
                return str(signal.body[3])
        raise BusLostError("the job did not end in time")

    def _reset(self, bus: Bus, unit: str) -> str:
        bus.call(manager_call("ResetFailedUnit", "s", unit))
        return "done"

    def _snapshot_or_none(self, unit: str) -> UnitSnapshot | None:
        try:
            return self.snapshot(unit)
        except (BusError, BusLostError):
            return None

    def _snapshots(self, bus: Bus, units: Sequence[str]) -> tuple[UnitSnapshot, ...]:
        return tuple(found for unit in units if (found := self._snapshot(bus, unit)) is not None)

    def _snapshot(self, bus: Bus, unit: str) -> UnitSnapshot | None:
        """Read a unit; once more where it changed between two answers.

        No unit has failed with `success`; and where the job ended meanwhile, the state is that of a job under way: a
        restart that is over would look like a unit that ended by itself.
        """
        found = self._read(bus, unit)
        torn = found is not None and (found.job == _OVER or (found.active_state, found.result) == _TORN)
        again = self._read(bus, unit) if torn else found
        return replace(again, job=None) if again is not None and again.job == _OVER else again

    def _read(self, bus: Bus, unit: str) -> UnitSnapshot | None:
        path = object_path(unit)
        kind = unit.rpartition(".")[2]
        asked = SERVICE_PROPERTIES if kind == "service" else ("Result",) if kind in _WITH_RESULT else ()
        interface = f"{SYSTEMD}.{kind.capitalize()}"
        answers = bus.call_many([get_all(path, UNIT), *(get(path, interface, name) for name in asked)])
        if isinstance(answers[0], BusError):
            raise answers[0]
        properties = Properties(answers[0][0])
        if properties.text("LoadState") == "not-found" and properties.text("ActiveState") == "inactive":
            return None
        told = zip(asked, answers[1:], strict=True)
        own = Properties({name: answer[0] for name, answer in told if not isinstance(answer, BusError)})
        around = Around(
            read_at=self._now(),
            scope=self.scope,
            job=_job_type(bus, properties),
            also=restarted_too(bus, properties.text("Id"), properties),
        )
        return to_snapshot(properties, own, around)

    def _reading(self, read: Callable[[Bus], _T]) -> _T:
        """Run a harmless call; when the connection turns out to be dead, once more on a new one."""
        if self._bus is not None:
            try:
                return read(self._bus)
            except BusLostError:
                self.close()
        return read(self._connected())

    def _connected(self) -> Bus:
        if self._bus is None:
            self._bus = Bus(self.scope, self._timeout)
        return self._bus


def _said(answer: BusError) -> str:
    if answer.name not in _NOT_ALLOWED:
        return str(answer)
    word = answer.name.rpartition(".")[2]
    return f"{NOT_ALLOWED} ({word}); where it should, run as root: opsagent install --refresh"


def connection(scope: str = "system") -> Systemd:
    """Return this thread's own Systemd for `scope`; it is kept for the thread's life."""
    kept: dict[str, Systemd] | None = getattr(_here, "kept", None)
    if kept is None:
        kept = _here.kept = {}
    return kept.setdefault(scope, Systemd(scope))


def subscribe(bus: Bus) -> None:
    """Ask systemd to send signals at all; asking twice is no harm."""
    try:
        bus.call(manager_call("Subscribe"))
    except BusError as answer:
        if not answer.name.endswith("AlreadySubscribed"):
            raise


def _job_type(bus: Bus, unit: Properties) -> str | None:
    number, path = unit.value("Job") or (0, "/")
    if not number:
        return None
    answer = bus.call_many([get(path, f"{SYSTEMD}.Job", "JobType")])[0]
    return _OVER if isinstance(answer, BusError) else str(answer[0][1])
