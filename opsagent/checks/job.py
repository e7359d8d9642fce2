"""Whether a job that runs by itself (a cron line, a timer) did run, in time, to a good end; it tells so itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from opsagent.core.cron import parse
from opsagent.core.job import Plan
from opsagent.core.observation import Reading, unknown
from opsagent.core.policy import Criticality
from opsagent.core.quantity import spell

_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A job that pings us: `opsagent job NAME -- COMMAND` in its crontab, `opsagent ping`, or a ping URL.

    every: how often it begins; this or cron must be given.
    cron: when it begins, as its crontab says: five fields, or a word such as `@daily`.
    zone: the time zone of cron; default: the settings' zone.
    grace: how much later than that it may begin.
    max_runtime: longest time that one run may take; default: until it is due again, with its grace.
    user: a user who may ping it, beside root and the group `opsagent`.
    uuid: the key of a ping URL of its own, for a script that was made for healthchecks.io.
    """

    OWN: ClassVar[frozenset[str]] = frozenset({"every"})
    CRITICALITY: ClassVar[Criticality] = Criticality.NORMAL

    every: timedelta | None = None
    cron: str = ""
    zone: str = ""
    grace: timedelta = timedelta(minutes=10)
    max_runtime: timedelta | None = None
    user: str = ""
    uuid: str = ""

    def __post_init__(self) -> None:
        """Refuse at once what could never be true (ValueError)."""
        if (self.every is None) == (not self.cron):
            raise ValueError("cannot tell when the job is due, allowed: either every or cron")
        if self.cron:
            parse(self.cron)
        for key, span in (("every", self.every), ("grace", self.grace), ("max_runtime", self.max_runtime)):
            if span is not None and not _SHORTEST <= span <= _LONGEST:
                raise ValueError(f"cannot use {key} {spell(span)}, allowed: {spell(_SHORTEST)} to {spell(_LONGEST)}")
        _known_zone(self.zone)
        if self.uuid and not _UUID.fullmatch(self.uuid):
            raise ValueError(f"cannot use uuid {self.uuid!r}, allowed: as `uuidgen` writes it")

    def plan(self, zone: str) -> Plan:
        """Return when it should run, as the core judges it; `zone` is the settings'."""
        return Plan(
            every=self.every,
            cron=self.cron,
            zone=self.zone or zone,
            said_in=zone,
            grace=self.grace,
            max_runtime=self.max_runtime,
            user=self.user,
            uuid=self.uuid,
        )

    def observe(self) -> Reading:
        """Say that only the daemon knows: it has heard the pings, and judges by them in the place of this look."""
        return unknown("only the running daemon has heard its pings, see: opsagent jobs", "not-heard")


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


def _known_zone(zone: str) -> None:
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"cannot find the zone {zone!r}, allowed: a name such as UTC or Europe/Berlin") from None
