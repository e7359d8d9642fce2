"""How far a remedy may go for a unit: what the settings say, lowered by what it did, lifted by people alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opsagent.core.policy import Mode
from opsagent.core.report.clock import moment
from opsagent.core.timing import iso

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsagent.core.policy import CheckPolicy, Policy, RemedyRule
    from opsagent.core.state import State

ENOUGH = 5
"""Verified successes in a row, each approved by a person, after which trust is offered."""
LOWERED = "lowered to suggest"
_RANK = (Mode.OBSERVE, Mode.SUGGEST, Mode.AUTO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What became of one remedy for one unit (or for a check without one) beside what the settings say.

    `worked` are the approved successes in a row; `command` is the argv that was trusted: another one is not.
    `lowered_by` is "" where we did it ourselves.
    """

    key: str
    remedy: str
    worked: int = 0
    offered_at: datetime | None = None
    trusted_at: datetime | None = None
    trusted_by: str = ""
    because: str = ""
    command: tuple[str, ...] = ()
    lowered_at: datetime | None = None
    lowered_by: str = ""
    lowered_because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """The mode in force for one remedy of one check, and why it is that one."""

    mode: Mode
    because: str


def name_of(key: str, remedy: str) -> str:
    """Return under which name the state keeps the standing of a remedy."""
    return f"{key} {remedy}"


def standing(state: State, key: str, remedy: str) -> Standing:
    """Return how a remedy stands for a unit; a blank one when nothing is known."""
    return state.standings.get(name_of(key, remedy)) or Standing(key=key, remedy=remedy)


def effective(state: State, policy: Policy, check: CheckPolicy, rule: RemedyRule) -> Effective:
    """Return the lowest of the file's mode, the item's own and what was lowered; trust lifts `suggest` alone."""
    said = min(policy.mode, rule.mode or policy.mode, key=_RANK.index)
    written = f"mode is {said}" if policy.mode is said else f"mode is {said} for {rule.label} of {check.name}"
    if said is Mode.OBSERVE:
        return Effective(mode=said, because=written)
    one = standing(state, check.key, rule.label)
    if one.trusted_at is not None and one.command == rule.command:
        since = moment(one.trusted_at, policy.zone)
        return Effective(mode=Mode.AUTO, because=f"trusted by {one.trusted_by} at {since}")
    worked = f"; worked {one.worked} of {one.worked}" if one.worked else ""
    if one.lowered_at is not None:
        by = f" by {one.lowered_by}" if one.lowered_by else ""
        since = f"at {moment(one.lowered_at, policy.zone)}"
        return Effective(mode=Mode.SUGGEST, because=f"{LOWERED}{by} {since}: {one.lowered_because}{worked}")
    return Effective(mode=said, because=written if said is Mode.AUTO else written + worked)


def allows(policy: Policy, one: Standing) -> bool:
    """Whether the settings still allow exactly what was trusted."""
    rules = (rule for check in policy.checks_of(one.key) for rule in check.repair)
    return any((rule.label, rule.command) == (one.remedy, one.command) for rule in rules)


def shown(state: State, policy: Policy) -> list[dict[str, Any]]:
    """Return every remedy that the settings allow, as `trust --json` lists it."""
    return [_shown(state, policy, check, rule) for check in policy.checks for rule in check.repair]


def _shown(state: State, policy: Policy, check: CheckPolicy, rule: RemedyRule) -> dict[str, Any]:
    one, found = standing(state, check.key, rule.label), effective(state, policy, check, rule)
    return {
        "check": check.name,
        "unit": check.unit,
        "remedy": rule.label,
        "mode": found.mode.value,
        "because": found.because,
        "worked": one.worked,
        "enough": ENOUGH,
        "trusted_by": one.trusted_by or None,
        "trusted_at": iso(one.trusted_at) if one.trusted_at else None,
        "lowered_by": one.lowered_by or ("opsagent" if one.lowered_at else None),
        "lowered_at": iso(one.lowered_at) if one.lowered_at else None,
    }


def highest(state: State, policy: Policy, checks: Iterable[CheckPolicy]) -> Mode:
    """Return the highest mode in force of any remedy of these checks; `observe` when they have none."""
    found = [effective(state, policy, check, rule).mode for check in checks for rule in check.repair]
    return max(found, key=_RANK.index, default=Mode.OBSERVE)
