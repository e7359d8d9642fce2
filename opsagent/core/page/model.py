"""What the status page says, as values: one projection, shown as HTML and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from opsagent.core.budget import left_of_host
from opsagent.core.contract import message_of, quiet_because, status_of
from opsagent.core.observation import Status
from opsagent.core.occurrence import healed_by
from opsagent.core.page.days import DaySeen
from opsagent.core.policy import Mode
from opsagent.core.report import figures, standing
from opsagent.core.report.links import below_incidents, has_file
from opsagent.core.report.verdict import NOTHING, needed, owner, verdict
from opsagent.core.timing import local_date
from opsagent.core.trust import highest
from opsagent.core.wording import bad_since, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opsagent.core.incident import Incident
    from opsagent.core.policy import CheckPolicy
    from opsagent.core.state import Past, State
    from opsagent.core.world import World

RENEWED = timedelta(minutes=5)
"""How old the page may be: without a change it is written again so often."""
LATELY = 10
"""Incidents that are over, the newest."""


class Level(StrEnum):
    """The whole page in a word: nobody looks, a person is needed, something is open, all is well."""

    DOWN = "down"
    BAD = "bad"
    OPEN = "open"
    GOOD = "good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where other files are, seen from the page: the folder of incidents, today's memory, the page for programs."""

    incidents: str
    today: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckShown:
    """One check and its last days, the oldest first. `available` is the share of the watched time without failure."""

    name: str
    kind: str
    unit: str | None
    status: Status
    since: datetime | None
    message: str
    armed: bool
    suppressed_by: str | None
    available: float | None
    days: tuple[DaySeen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenShown:
    """An incident that is not resolved. `file` is its Markdown, seen from the page, where it has one."""

    label: str
    severity: str
    check: str
    unit: str | None
    since: datetime
    reason: str
    owner: str
    needs_you: bool
    suppressed_by: str | None
    file: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverShown:
    """An incident that is over: when it was good again, whether we healed it, how long it was bad (seconds)."""

    label: str
    check: str
    at: datetime
    healed: bool
    seconds: float | None
    file: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierShown:
    """A way to people: when it last delivered something, how many messages wait, and why."""

    name: str
    kind: str
    proven_at: datetime | None
    waiting: int
    last_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The page as of `as_of` (UTC). Times are shown in `zone`."""

    host: str
    zone: str
    as_of: datetime
    level: Level
    verdict: str
    version: str
    mode: str
    hold: str
    started_at: datetime | None
    stopped_at: datetime | None
    last_heartbeat_at: datetime | None
    heartbeat: timedelta
    budget_left: int
    budget: int
    checks: tuple[CheckShown, ...]
    open: tuple[OpenShown, ...]
    lately: tuple[OverShown, ...]
    notifiers: tuple[NotifierShown, ...]
    notes: tuple[str, ...]
    coming: tuple[str, ...]
    troubles: tuple[str, ...]
    links: Links


def page(
    world: World,
    days: Mapping[str, Sequence[DaySeen]],
    links: Links,
    troubles: Sequence[str] = (),
    clean: Callable[[str], str] = str,
) -> Page:
    """Return the page as it is at `world.now`; `days` are by the check's name, `clean` takes secrets out of texts."""
    state, policy = world.state, world.policy
    today = local_date(world.now, policy.zone)
    wanted = needed(state)
    level = _level(state, bool(wanted))
    return Page(
        host=policy.host,
        zone=policy.zone,
        as_of=world.now,
        level=level,
        verdict="opsagent is stopped: nobody looks" if level is Level.DOWN else _said(verdict(wanted), state),
        version=state.version,
        mode=policy.mode.value,
        hold=clean(state.conditions.hold),
        started_at=state.started_at,
        stopped_at=state.stopped_at,
        last_heartbeat_at=state.last_heartbeat_at,
        heartbeat=policy.heartbeat,
        budget_left=left_of_host(world),
        budget=policy.per_host.actions,
        checks=_checks(world, days, clean),
        open=tuple(_open(one, world, links, clean) for one in _worst_first(state, wanted)),
        lately=_lately(state, links),
        notifiers=tuple(_notifier(one.name, one.kind, state, clean) for one in policy.notifiers),
        notes=tuple(clean(f"{lead} {rest}") for lead, rest in standing.holding(state, today)),
        coming=figures.coming_ones(state, world.now, today),
        troubles=tuple(clean(one) for one in troubles),
        links=links,
    )


def _level(state: State, needs_you: bool) -> Level:  # noqa: FBT001 - its name says it
    if state.stopped_at is not None:
        return Level.DOWN
    if needs_you:
        return Level.BAD
    return Level.OPEN if state.open_incidents else Level.GOOD


def _said(verdict: str, state: State) -> str:
    """Say beside "nothing needs you" what is open all the same."""
    count = len(state.open_incidents)
    return f"{verdict}; {count} {'is' if count == 1 else 'are'} open" if verdict == NOTHING and count else verdict


def _worst_first(state: State, wanted: Sequence[Incident]) -> tuple[Incident, ...]:
    return (*wanted, *(one for one in state.open_incidents if one not in wanted))


def _checks(world: World, days: Mapping[str, Sequence[DaySeen]], clean: Callable[[str], str]) -> tuple[CheckShown, ...]:
    """Return what fails before what is well, each group in the order of the settings."""
    shown = [_check(check, world, tuple(days.get(check.name, ())), clean) for check in world.policy.checks]
    return tuple(sorted(shown, key=lambda one: _ORDER[one.status]))


_ORDER = {Status.CRITICAL: 0, Status.WARNING: 1, Status.UNKNOWN: 2, Status.OK: 3}


def _check(check: CheckPolicy, world: World, days: tuple[DaySeen, ...], clean: Callable[[str], str]) -> CheckShown:
    health = world.health(check.name)
    watched = sum(day.watched for day in days)
    return CheckShown(
        name=check.name,
        kind=check.kind,
        unit=check.unit,
        status=status_of(health),
        since=health.since,
        message=clean(message_of(health, check)),
        armed=highest(world.state, world.policy, (check,)) is Mode.AUTO,
        suppressed_by=quiet_because(check, world),
        available=1 - sum(day.critical for day in days) / watched if watched else None,
        days=days,
    )


def _open(incident: Incident, world: World, links: Links, clean: Callable[[str], str]) -> OpenShown:
    label = incident.label or ""
    return OpenShown(
        label=label,
        severity=incident.severity.value if incident.severity else "",
        check=incident.check,
        unit=incident.unit,
        since=bad_since(incident),
        reason=clean(reason_of(incident)),
        owner=clean(owner(incident, world.state, local_date(world.now, world.policy.zone))),
        needs_you=incident in needed(world.state),
        suppressed_by=incident.suppressed_by,
        file=f"{links.incidents}/{below_incidents(label)}" if has_file(incident) else None,
    )


def _lately(state: State, links: Links) -> tuple[OverShown, ...]:
    """Return what is over: resolved and still watched for a relapse, or closed."""
    resolved = [one for one in state.incidents.values() if one.label and one.resolved_at and not one.is_open]
    over = [*(_resolved(one, links) for one in resolved), *(_closed(one, links) for one in state.past)]
    return tuple(sorted(over, key=lambda one: one.at, reverse=True)[:LATELY])


def _resolved(incident: Incident, links: Links) -> OverShown:
    good_at = incident.mitigated_at or incident.resolved_at or incident.first_bad_at
    return OverShown(
        label=incident.label or "",
        check=incident.check,
        at=good_at,
        healed=healed_by(incident) is not None,
        seconds=(good_at - incident.first_bad_at).total_seconds(),
        file=f"{links.incidents}/{below_incidents(incident.label or '')}" if has_file(incident) else None,
    )


def _closed(past: Past, links: Links) -> OverShown:
    lasted = timedelta(seconds=past.seconds) if past.seconds is not None else None
    return OverShown(
        label=past.label,
        check=past.check,
        at=past.first_bad_at + lasted if lasted is not None else past.closed_at,
        healed=past.healed,
        seconds=past.seconds,
        file=f"{links.incidents}/{below_incidents(past.label)}" if past.filed else None,
    )


def _notifier(name: str, kind: str, state: State, clean: Callable[[str], str]) -> NotifierShown:
    waiting = [owed for owed in state.owed.values() if owed.notifier == name]
    tried = [owed.last_error for owed in waiting if owed.last_error]
    return NotifierShown(
        name=name,
        kind=kind,
        proven_at=state.proven.get(name),
        waiting=len(waiting),
        last_error=clean(tried[-1]) if tried else "",
    )
