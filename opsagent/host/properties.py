"""From the properties systemd gives over D-Bus to a UnitSnapshot. Pure but for a `stat` of each of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from opsagent.core.unit import UnitSnapshot
from opsagent.host.newer import changed_since_start, reloaded_at

_FELL_WITH = ("BindsTo", "Requires", "Requisite", "PartOf")
SERVICE_PROPERTIES = (
    "Type",
    "Restart",
    "Result",
    "NRestarts",
    "MainPID",
    "ExecMainPID",
    "ExecMainCode",
    "ExecMainStatus",
    "TimeoutStartUSec",
    "TimeoutStopUSec",
    "ExecStart",
    "ExecReload",
    "EnvironmentFiles",
)
_FOREVER = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Properties:
    """Properties as jeepney gives them, (signature, value), asked for by name and type; missing ones are empty."""

    raw: Mapping[str, tuple[str, Any]]

    def value(self, name: str) -> Any:
        """Return the value, or None when systemd did not say (an older version, another unit type)."""
        return self.raw.get(name, ("", None))[1]

    def text(self, name: str) -> str:
        """Return a string property, "" when absent."""
        value = self.value(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int:
        """Return a number, 0 when absent."""
        value = self.value(name)
        return value if isinstance(value, int) else 0

    def names(self, *properties: str) -> tuple[str, ...]:
        """Return the union of several string lists, sorted."""
        return tuple(sorted({name for wanted in properties for name in self.value(wanted) or ()}))

    def moment(self, name: str) -> datetime | None:
        """Return a realtime stamp (µs) as UTC; systemd's 0 means never."""
        usec = self.number(name)
        return datetime.fromtimestamp(usec / 1e6, UTC) if 0 < usec < _FOREVER else None

    def span(self, name: str) -> timedelta | None:
        """Return a duration (µs); `infinity` is None."""
        usec = self.number(name)
        return timedelta(microseconds=usec) if 0 < usec < _FOREVER else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is known of a unit besides its own properties: when it was read, by whom, and what hangs on it."""

    read_at: datetime
    scope: str
    job: str | None = None
    also: tuple[str, ...] = ()


def to_snapshot(unit: Properties, own: Properties, around: Around) -> UnitSnapshot:
    """Build the snapshot from the properties of any unit and its type's own; words we do not know pass as they are."""
    return UnitSnapshot(
        name=unit.text("Id"),
        read_at=around.read_at,
        scope=around.scope,
        load_state=unit.text("LoadState"),
        active_state=unit.text("ActiveState"),
        sub_state=unit.text("SubState"),
        result=own.text("Result") or "success",
        nrestarts=own.number("NRestarts"),
        invocation_id=bytes(unit.value("InvocationID") or b"").hex(),
        main_pid=own.number("MainPID"),
        exec_main_pid=own.number("ExecMainPID"),
        exec_main_code=own.number("ExecMainCode"),
        exec_main_status=own.number("ExecMainStatus"),
        type=own.text("Type"),
        restart=own.text("Restart") or "no",
        unit_file_state=unit.text("UnitFileState"),
        need_daemon_reload=bool(unit.value("NeedDaemonReload")),
        # a unit that was never started, or was unloaded since, answers "no" without having looked
        condition_result=unit.value("ConditionResult") is not False or not unit.number("ConditionTimestamp"),
        job=around.job,
        active_enter_at=unit.moment("ActiveEnterTimestamp"),
        inactive_exit_at=unit.moment("InactiveExitTimestamp"),
        inactive_enter_at=unit.moment("InactiveEnterTimestamp"),
        state_change_at=unit.moment("StateChangeTimestamp"),
        changed_since_start=changed_since_start(unit, own),
        reloaded_at=reloaded_at(own),
        triggered_by=unit.names("TriggeredBy"),
        also=around.also,
        pulls=unit.names(*_FELL_WITH),
        start_limit_burst=unit.number("StartLimitBurst"),
        start_limit_interval=unit.span("StartLimitIntervalUSec"),
        timeout_start=own.span("TimeoutStartUSec"),
        timeout_stop=own.span("TimeoutStopUSec"),
    )
