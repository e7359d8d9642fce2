"""What programs read: the JSON of `status --json` and `incidents --json`. Its keys and words are a promise."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from opsagent.core.change import Change
from opsagent.core.codec import decode, read_all
from opsagent.core.events.logs import LogKind, LogsReviewed
from opsagent.core.incident import IllegalTransitionError
from opsagent.core.log_level import PRIORITIES
from opsagent.core.nearness import Aged, aged
from opsagent.core.observation import Status
from opsagent.core.phase import Outcome
from opsagent.core.policy import Mode
from opsagent.core.quantity import spell
from opsagent.core.startup import allowance
from opsagent.core.story import apply, opened
from opsagent.core.suppression import quiet_for
from opsagent.core.text import visible
from opsagent.core.timing import iso
from opsagent.core.trust import effective, highest
from opsagent.core.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from opsagent.core.archive.entry import Entry
    from opsagent.core.before import Before, Cure
    from opsagent.core.health import Health
    from opsagent.core.incident import Action, Incident, Told
    from opsagent.core.log_row import Row
    from opsagent.core.policy import CheckPolicy, Policy, RemedyRule
    from opsagent.core.state import State
    from opsagent.core.suggestion import Suggestion

_NOT_KNOWN: Mapping[str, datetime] = {}


def incident(incident: Incident, parent_label: str | None = None, seen: Before | None = None) -> dict[str, Any]:
    """Return an incident as `incidents --json` shows it.

    `parent_label` is the label of the incident it fell with; `seen` is what is known of earlier failures like it.
    """
    return {
        "id": incident.label,
        "state": incident.state.value,
        "repair": incident.repair.value,
        "severity": incident.severity.value if incident.severity else None,
        "check": incident.check,
        "unit": incident.unit,
        "first_bad_at": iso(incident.first_bad_at),
        "detected_at": _iso(incident.detected_at),
        "acknowledged_at": _iso(incident.acknowledged_at),
        "mitigated_at": _iso(incident.mitigated_at),
        "resolved_at": _iso(incident.resolved_at),
        "closed_at": _iso(incident.closed_at),
        "cause": incident.cause,
        "reason": incident.again_message or incident.reason,
        "parent": parent_label,
        "recurrence_of": incident.recurrence_of,
        "suppressed_by": incident.suppressed_by,
        "raised_by": incident.raised_by or None,
        "security": incident.security,
        "needs_code": incident.ticket or None,
        "playbook": incident.playbook or None,
        "after_change": incident.after_change or None,
        "because": incident.because or None,
        "certainty": incident.certainty or None,
        "other_causes": list(incident.other_causes),
        "suggestion": _suggestion(incident.suggestion),
        "choice": incident.choice or None,
        "changes": [_recalled(one) for one in aged(incident)],
        "actions": [_action(action) for action in _without_repeats(incident.actions)],
        "notifications": [_notification(told) for told in incident.told],
        "signs": list(incident.signs),
        "repairs": list(incident.repairs),
        "seen_before": _seen_before(seen) if seen is not None else None,
    }


def _suggestion(asked: Suggestion | None) -> dict[str, Any] | None:
    """Return the repair that waits for a person's word; None when none does."""
    if asked is None or asked.expired:
        return None
    return {
        "remedy": asked.remedy,
        "unit": asked.unit,
        "asked_at": iso(asked.asked_at),
        "until": iso(asked.until),
    }


def _seen_before(seen: Before) -> dict[str, Any]:
    return {
        "occurrences": seen.occurrences,
        "last_at": _iso(seen.last_at),
        "last": seen.last or None,
        "fixed_by": [_cure(one) for one in seen.cures],
        "median_seconds": _rounded(seen.median_seconds),
        "action_items": [{"text": one.text, "file": one.where} for one in seen.tasks],
        "pattern": seen.pattern or None,
        "entry": _entry(seen.entry) if seen.entry is not None else None,
    }


def _entry(one: Entry) -> dict[str, Any]:
    return {"title": one.title, "file": one.where, "line": one.line, "resolution": one.resolution or None}


def _cure(one: Cure) -> dict[str, Any]:
    median = _rounded(one.median_seconds)
    return {"kind": one.by.value, "name": one.name or None, "times": one.times, "median_seconds": median}


def changes(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return the changes that these rows of the log tell of, as `changes --json` shows them."""
    found = (decode(row.type, row.data) for row in rows)
    return [change(one) for one in found if isinstance(one, Change)]


def change(seen: Change) -> dict[str, Any]:
    """Return a change of the host as `changes --json` shows it."""
    return {
        **_changed(seen),
        "count": seen.count,
        "items": list(seen.items),
        "diff": list(seen.diff),
        "unseen": seen.unseen,
    }


def _changed(seen: Change) -> dict[str, Any]:
    """Everyone may read incidents: what was in the files, and what was typed, is not among it."""
    return {
        "at": iso(seen.at),
        "kind": seen.kind.value,
        "subject": seen.subject,
        "what": seen.what,
        "units": list(seen.units),
        "by": seen.by or None,
    }


def _recalled(one: Aged) -> dict[str, Any]:
    return {
        **_changed(one.change),
        "nearness": one.nearness.value,
        "age_seconds": round(one.age.total_seconds()),
    }


def review(row: Row) -> dict[str, Any] | None:
    """Return a review of the logs as `review --json` shows it; None where the row tells of none."""
    seen = decode(row.type, row.data)
    if not isinstance(seen, LogsReviewed):
        return None
    return {
        "at": iso(row.at),
        "since": iso(seen.since),
        "until": iso(seen.until),
        "errors": seen.errors,
        "warnings": seen.warnings,
        "usual": seen.usual,
        "kinds": seen.kinds,
        "first": seen.is_first,
        "new_kinds": seen.new_kinds,
        "new": [_log_kind(one) for one in seen.new],
        "more": [_log_kind(one) for one in seen.more],
        "most": [_log_kind(one) for one in seen.most],
        "missed": list(seen.missed),
        "trouble": seen.trouble or None,
    }


def _log_kind(one: LogKind) -> dict[str, Any]:
    return {
        "source": one.source,
        "text": one.text,
        "priority": PRIORITIES[one.priority],
        "count": one.count,
        "usual": one.usual,
    }


def incident_json(incident_: Incident, parent_label: str | None = None, seen: Before | None = None) -> str:
    """Return the same as one line of JSON text, as the log's own table of incidents keeps it."""
    return json.dumps(incident(incident_, parent_label, seen), ensure_ascii=False, separators=(",", ":"))


def status(
    state: State,
    policy: Policy,
    health: Mapping[str, Health],
    now: datetime,
    *,
    next_at: Mapping[str, datetime] = _NOT_KNOWN,
    last_heartbeat_at: datetime | None = None,
    next_heartbeat_at: datetime | None = None,
    unwritten: Sequence[str] = (),
) -> dict[str, Any]:
    """Return how everything stands at `now`, as `status --json` shows it while the daemon runs.

    `health` and `next_at` (when a check is looked at again) are by the check's name; the heartbeats are those of the
    scheduler, the last one is taken from the day's figures when it is not given. `pending_commands` is left for the
    reader: only a daemon that is down leaves any. `unwritten` says in sentences what cannot be written now.
    """
    world = World(state=state, policy=policy, looks=health, now=now)
    return {
        "host": policy.host,
        "zone": policy.zone,
        "mode": policy.mode.value,
        "hold": state.conditions.hold or None,
        "daemon": {
            "running": True,
            "pid": state.pid,
            "version": state.version,
            "started_at": _iso(state.started_at),
            "last_heartbeat_at": _iso(last_heartbeat_at or state.last_heartbeat_at),
            "next_heartbeat_at": _iso(next_heartbeat_at),
        },
        "checks": [_check(check, health.get(check.name), world, next_at.get(check.name)) for check in policy.checks],
        "open_incidents": [incident.label for incident in state.open_incidents],
        "pending_commands": [],
        "troubles": [*unwritten, *troubles(state), *undelivered(state)],
    }


def troubles(state: State) -> list[str]:
    """Return what is wrong with us rather than with the host, a sentence each."""
    count = len(state.refused)
    first = f" ({state.refused[0]}{f', and {count - 1} more' if count > 1 else ''})" if count else ""
    refused = f"new settings refused, the old ones stay in force{first}" if count else ""
    return [one for one in (refused, state.lacking) if one]


def undelivered(state: State) -> list[str]:
    """Return that messages wait which could not be delivered, and why, as a sentence; nothing when none does."""
    late = [one for one in state.owed.values() if one.attempts]
    if not late:
        return []
    which = "one message is" if len(late) == 1 else f"{len(late)} messages are"
    names = ", ".join(sorted({one.notifier for one in late}))
    return [f"{which} not delivered yet by {names}: {visible(late[-1].last_error, 120)}"]


def story(incident_: Incident, parent_label: str | None = None, seen: Before | None = None) -> dict[str, Any]:
    """Return an incident as `show --json` does: as above, with its timeline; `quoted` are other people's words."""
    told = [{"at": iso(one.at), "text": one.text, "quoted": list(one.quoted)} for one in incident_.timeline]
    return {**incident(incident_, parent_label, seen), "timeline": told}


def retold(rows: Iterable[Row]) -> Incident | None:
    """Return the incident that these rows of the log tell of, in their order; None when they do not begin with one.

    Lenient like every replay: an event that cannot be applied is left out.
    """
    found: Incident | None = None
    for recorded in read_all(rows):
        try:
            found = opened(recorded) if found is None else apply(found, recorded)
        except IllegalTransitionError:
            continue
    return found


def quiet_because(check: CheckPolicy, world: World) -> str | None:
    """Say what keeps people or repairs away from a check now: a word of `suppressed_by`, or None."""
    incident = world.state.open_for(check.key)
    if incident is not None and incident.suppressed_by:
        return incident.suppressed_by
    quiet = quiet_for(world, (check,))
    if quiet is not None:
        return quiet[0]
    stop = world.state.stops.get(check.unit or "")
    if stop is not None and not stop.fell_with:
        return "operator_stop"
    return "flapping" if check.name in world.state.flapping else None


def _check(check: CheckPolicy, health: Health | None, world: World, next_at: datetime | None) -> dict[str, Any]:
    return {
        "name": check.name,
        "kind": check.kind,
        "status": status_of(health).value,
        "armed": highest(world.state, world.policy, (check,)) is Mode.AUTO,
        "since": _iso(health.since if health else None),
        "message": message_of(health, check),
        "next_at": _iso(next_at),
        "suppressed_by": quiet_because(check, world),
        "remedies": [_rule(rule, check, world) for rule in check.repair],
        "start_within": _start_within(check, world),
    }


def _start_within(check: CheckPolicy, world: World) -> dict[str, Any] | None:
    """Say how long a start of its unit may take; None for a check without one."""
    if check.unit is None:
        return None
    found = allowance(world, check)
    known = bool(found.starts.seconds)
    return {
        "seconds": round(found.within.total_seconds(), 3),
        "source": found.source.value,
        "starts": len(found.starts.seconds),
        "median": round(found.starts.median, 3) if known else None,
        "p95": round(found.starts.p95, 3) if known else None,
    }


def _rule(rule: RemedyRule, check: CheckPolicy, world: World) -> dict[str, Any]:
    found = effective(world.state, world.policy, check, rule)
    return {"remedy": rule.label, "mode": found.mode.value, "because": found.because}


def status_of(health: Health | None) -> Status:
    """Return the believed status of a check; not known when it was never looked at, or cannot be."""
    return Status.UNKNOWN if health is None or health.is_blind else health.status


def message_of(health: Health | None, check: CheckPolicy) -> str:
    """Return what the last look at a check said; of a bad one that is not believed yet, how many there were."""
    if health is None or health.reading is None:
        return "not looked at yet"
    if health.suspicious and not health.is_bad:
        long = f" and {spell(check.hold)}" if check.hold else ""
        return f"{health.reading.message} (bad look {health.bad}, believed after {check.confirm.failures}{long})"
    return health.reading.message


def _action(action: Action) -> dict[str, Any]:
    return {
        "at": iso(action.at),
        "remedy": action.remedy,
        "unit": action.unit,
        "also": list(action.also),
        "outcome": action.outcome.value,
        "reason": action.reason,
        "seconds": _rounded(action.seconds),
        "by": action.by or None,
        "mode": action.mode or None,
    }


def _without_repeats(actions: Sequence[Action]) -> list[Action]:
    """Drop a refusal that only says again what the one before it said."""
    repeats = {later.seq for earlier, later in pairwise(actions) if _says_again(later, earlier)}
    return [action for action in actions if action.seq not in repeats]


def _says_again(later: Action, earlier: Action) -> bool:
    both_refused = later.outcome is Outcome.REFUSED and earlier.outcome is Outcome.REFUSED
    said = (later.remedy, later.unit, later.guard, later.reason)
    return both_refused and said == (earlier.remedy, earlier.unit, earlier.guard, earlier.reason)


def _notification(told: Told) -> dict[str, Any]:
    return {"at": iso(told.at), "level": told.level, "notifier": told.notifier, "state": told.state}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else iso(at)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
