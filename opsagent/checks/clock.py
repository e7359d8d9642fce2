"""Whether this host's clock is kept right, and by how much it is wrong."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

from opsagent.checks.wire.address import check_port, parse_host
from opsagent.checks.wire.dial import shown
from opsagent.checks.wire.lending import manager
from opsagent.checks.wire.sntp import difference
from opsagent.checks.wire.stage import StageError, Stages
from opsagent.core.observation import Measure, Reading, Status, unknown
from opsagent.core.quantity import spell
from opsagent.core.timing import spoken
from opsagent.host.bus import BusLostError
from opsagent.host.timekeeping import Timekeeping, timekeeping

_PROGRAM = timedelta(seconds=2)
"""Longest time for chronyc or ntpq, which ask a process of this host."""
_NOTHING = 0.00005
"""Seconds that nobody counts."""
_UNKEPT = "no NTP service runs, and the clock is not synchronised"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The clock of this host: somebody keeps it (chrony, ntpd, timesyncd …), heard of lately, and it is right.

    The offset is what the service that keeps the clock says; with `server` it is measured, by one question of our own.

    warning: offset from which on it is a finding, or null for never.
    critical: offset from which on it is critical, or null for never.
    max_age: longest time since the service last heard from its servers, or null for any.
    server: name or address of an NTP server to ask, for an offset that does not depend on who keeps the clock.
    port: port of that server.
    timeout: longest time for the whole look.
    """

    HOLD: ClassVar[timedelta] = timedelta(minutes=10)  # after a boot it takes minutes to be in step
    EVERY: ClassVar[timedelta] = timedelta(minutes=5)  # a clock drifts by milliseconds in that time

    warning: timedelta | None = timedelta(milliseconds=100)
    critical: timedelta | None = timedelta(seconds=1)
    max_age: timedelta | None = timedelta(hours=3)
    server: str = ""
    port: int = 123
    timeout: timedelta = timedelta(seconds=5)

    def __post_init__(self) -> None:
        """Refuse at once what could never be asked, and limits that could never be met (ValueError)."""
        if self.server:
            parse_host(self.server)
        check_port(self.port)
        for key, limit in (("warning", self.warning), ("critical", self.critical), ("max_age", self.max_age)):
            if limit is not None and not limit:
                raise ValueError(f"cannot use {key} 0s, allowed: 1ms or more, or null for never")
        if self.warning and self.critical and self.warning > self.critical:
            said = f"cannot use warning {spell(self.warning)} with critical {spell(self.critical)}"
            raise ValueError(f"{said}, allowed: warning up to critical, or null")

    def observe(self) -> Reading:
        """Ask who keeps the clock, and the server if there is one; the worst of what is found is the answer."""
        stages = Stages(self.timeout)
        kept = _kept()
        if not self.server:
            return self._judged(kept, kept.offset)
        try:
            found = difference(self.server, self.port, stages)
        except StageError as error:
            local = self._judged(kept, kept.offset)
            return error.reading if local.status in {Status.OK, Status.UNKNOWN} else local
        sure = found.certain if found.offset >= 0 else -found.certain
        reading = self._judged(kept, sure, shown(self.server, self.port))
        return replace(reading, measures=(*reading.measures, Measure(name="delay", value=found.delay, unit="s")))

    def _judged(self, kept: Timekeeping, offset: float | None, server: str = "") -> Reading:
        age = None if kept.heard_at is None else max(0.0, time.time() - kept.heard_at)
        status, failure_class = self._grade(kept, offset, age)
        message = _told(kept, age) + (_apart(offset, server) if offset is not None else "")
        if status is Status.UNKNOWN:
            return unknown(f"cannot say whether the clock is right: {message}", "clock")
        known = (("offset", abs(offset) if offset is not None else None), ("age", age))
        measures = tuple(Measure(name=name, value=value, unit="s") for name, value in known if value is not None)
        return Reading(status=status, message=message, failure_class=failure_class, measures=measures)

    def _grade(self, kept: Timekeeping, offset: float | None, age: float | None) -> tuple[Status, str | None]:
        off = timedelta(seconds=abs(offset)) if offset is not None else timedelta()
        if self.critical is not None and off >= self.critical:
            return Status.CRITICAL, "offset"
        if kept.synchronised is False:
            return Status.WARNING, "unsynchronised" if kept.by else "unkept"
        if self.warning is not None and off >= self.warning:
            return Status.WARNING, "offset"
        if age is not None and self.max_age is not None and age > self.max_age.total_seconds():
            return Status.WARNING, "stale"
        if kept.synchronised is None and offset is None:
            return Status.UNKNOWN, "clock"
        return Status.OK, None


def _kept() -> Timekeeping:
    try:
        with manager("system") as systemd:
            return timekeeping(systemd, _PROGRAM)
    except BusLostError:  # every connection is lent: what the server says still counts
        return Timekeeping()


def _told(kept: Timekeeping, age: float | None) -> str:
    """Say who keeps the clock and after whom."""
    after = f" after {kept.source}" if kept.source else ""
    heard = f", heard from {spoken(timedelta(seconds=age))} ago" if age is not None else ""
    if kept.synchronised:
        return (
            f"{kept.by} keeps the clock{after}{heard}" if kept.by else "the clock is synchronised, nobody says by whom"
        )
    if kept.synchronised is None:
        return f"{kept.by or 'nobody'} says whether the clock is synchronised"
    return f"{kept.by} runs, but the clock is not synchronised" if kept.by else _UNKEPT


def _apart(offset: float, server: str) -> str:
    """Say by how much the clock is wrong, and by whose word; a positive offset means that ours is behind."""
    size = abs(offset)
    said = f"{size * 1000:.1f} ms" if size < 1 else spoken(timedelta(seconds=size))
    found = f"{said} {'behind' if offset > 0 else 'ahead'}" if size >= _NOTHING else "right"
    return f"; it is {found}" + (f" by {server}" if server else "")
