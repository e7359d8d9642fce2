"""What systemd says of a unit, and what the host says of itself: plain values the core decides on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSnapshot:
    """One unit as read over D-Bus at `read_at` (UTC). Words are systemd's own.

    `name` is the primary name (Id), after alias resolution. `job` is the type of a queued job, or None.
    `invocation_id` is hex, "" when the unit never ran. `main_pid` is the process that
    runs, `exec_main_pid` the last one that ran, 0 for none. Times are None when systemd has none.
    `also` lists the units that a restart of this one restarts too (RequiredBy, BoundBy, ConsistsOf, to
    any depth); `pulls` the units this one fell with if they failed (BindsTo, Requires, PartOf).
    `state_change_at` is when ActiveState or SubState last changed (StateChangeTimestamp). A time-out is None
    when it is infinite or unknown. `changed_since_start` says which file is newer than the running process (unit
    file, drop-in, program, settings that it is given), or "".
    `reloaded_at` is when systemd last reloaded it, None if never. `inactive_enter_at` is when its last run ended
    (InactiveEnterTimestamp), also after a `reset-failed`.
    """

    name: str
    read_at: datetime
    scope: str = "system"
    load_state: str = "loaded"
    active_state: str = "inactive"
    sub_state: str = "dead"
    result: str = "success"
    nrestarts: int = 0
    invocation_id: str = ""
    main_pid: int = 0
    exec_main_pid: int = 0
    exec_main_code: int = 0
    exec_main_status: int = 0
    type: str = ""
    restart: str = "no"
    unit_file_state: str = ""
    need_daemon_reload: bool = False
    condition_result: bool = True
    job: str | None = None
    active_enter_at: datetime | None = None
    inactive_exit_at: datetime | None = None
    inactive_enter_at: datetime | None = None
    state_change_at: datetime | None = None
    changed_since_start: str = ""
    reloaded_at: datetime | None = None
    triggered_by: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    pulls: tuple[str, ...] = ()
    start_limit_burst: int = 5
    start_limit_interval: timedelta | None = None
    timeout_start: timedelta | None = None
    timeout_stop: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUsed:
    """How much memory all processes of a unit use (bytes)."""

    unit: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StopSeen:
    """A stop job of a unit, read from PID 1's journal lines.

    `by` names who asked when the journal knows (a user, or "" when not), `fell_with` the unit it is bound
    to that failed or stopped within the same 2 s: then it is no operator's stop.
    """

    unit: str
    at: datetime
    by: str = ""
    fell_with: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostConditions:
    """What holds a hand back, host-wide. Empty text means "no"; text is the reason in words.

    `hold` is root's HOLD file; `busy` a package manager or configuration tool at work; `overload` why the
    host is too busy to trust a time-out. `system_state` is systemd's SystemState; `booted_at` is UTC.
    """

    hold: str = ""
    busy: str = ""
    overload: str = ""
    system_state: str = "running"
    booted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutcome:
    """What became of a job or command: `result` is done, failed, canceled, timeout, dependency, skipped,
    `refused` (systemd or polkit said no; `error` is the D-Bus error name or text) or `unknown`.
    """

    result: str
    error: str = ""
    seconds: float = 0.0
    after: UnitSnapshot | None = None
    output: tuple[str, ...] = field(default=())
