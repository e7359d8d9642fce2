"""What is learned of each kind of failure: which remedy ended it, how soon, and how often it ended without any."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.incident import By
from opsagent.core.occurrence import occurrence
from opsagent.core.phase import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opsagent.core.codec import Recorded
    from opsagent.core.incident import Action, Incident
    from opsagent.core.state import State

PREPARING = frozenset({"reclaim", "restore", "signal", "stop"})
"""Remedies that only make the next one possible: what they did, and did not end a failure alone, is no failure."""
MOST_TRIES = 50
MOST_SPELLS = 50
MOST_KINDS = 500
"""How much is kept: the latest tries of a remedy, the latest spells without help, the kinds of failure last seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One repair that was judged: ordered `at` (UTC); when it worked, good again after so many seconds."""

    at: datetime
    worked: bool
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one remedy (by its label) came to for one kind of failure.

    `would` counts how often it would have been the one, had the mode allowed it.
    """

    label: str
    tries: tuple[Try, ...] = ()
    would: int = 0

    def before(self, at: datetime) -> Tally:
        """Return what it had come to by then."""
        return replace(self, tries=tuple(one for one in self.tries if one.at < at))

    @property
    def tried(self) -> int:
        """How often it was tried and judged, of the latest fifty."""
        return len(self.tries)

    @property
    def worked(self) -> int:
        """How often the check was good afterwards and stayed so."""
        return sum(one.worked for one in self.tries)

    @property
    def last(self) -> datetime | None:
        """When it was tried last (UTC)."""
        return self.tries[-1].at if self.tries else None

    @property
    def seconds(self) -> tuple[float, ...]:
        """How long it took each time that it worked, oldest first."""
        return tuple(one.seconds for one in self.tries if one.seconds is not None)

    @property
    def median(self) -> float | None:
        """The median of these seconds; None where it never worked."""
        return median(self.seconds) if self.seconds else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """How long a failure was left to itself, in seconds: until it was good again, or until something was tried.

    What a person had taken, or what it needs and was repaired, did not come back by itself.
    """

    seconds: float
    came_back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """All that is known of one kind of failure, by its fingerprint."""

    fingerprint: str
    tallies: tuple[Tally, ...] = ()
    spells: tuple[Spell, ...] = ()

    def tally(self, label: str) -> Tally:
        """Return what this remedy came to, a blank one if it was never tried."""
        return next((one for one in self.tallies if one.label == label), Tally(label=label))

    def alone(self, within: float) -> tuple[int, int]:
        """Return how often it was good again by itself within so many seconds, and of how many that were left so long.

        What something was done about earlier says nothing of the time after.
        """
        back = sum(one.came_back and one.seconds <= within for one in self.spells)
        return back, back + sum(one.seconds > within for one in self.spells)


def tallies_of(those: Iterable[Experience]) -> tuple[Tally, ...]:
    """Return what each remedy came to for several kinds of failure together."""
    found: dict[str, Tally] = {}
    for tally in (tally for one in those for tally in one.tallies):
        known = found.get(tally.label, Tally(label=tally.label))
        tries = tuple(sorted((*known.tries, *tally.tries), key=lambda one: one.at))
        found[tally.label] = replace(known, tries=tries, would=known.would + tally.would)
    return tuple(found.values())


def learned(before: State, after: State, recorded: Recorded) -> Mapping[str, Experience]:
    """Return what is known after one event, told with the state before and after it."""
    known = before.experience
    seq = recorded.incident or 0
    incident = after.incidents.get(seq) or before.incidents.get(seq)
    if incident is None or not incident.fingerprint or not isinstance(recorded.event, _TEACH):
        return known
    one = known.get(incident.fingerprint) or Experience(fingerprint=incident.fingerprint)
    return _kept(known, _taught(one, before.incidents.get(seq), incident, recorded))


_TEACH = (ev.ActionJudged, ev.ActionRequested, ev.ActionRefused, ev.RecoverySeen)


def _taught(one: Experience, before: Incident | None, incident: Incident, recorded: Recorded) -> Experience:
    match recorded.event:
        case ev.ActionJudged(action=seq):
            return _judged(one, incident, seq)
        case ev.ActionRequested() if before is not None and not before.tried:
            return _spelled(one, incident, recorded.at, came_back=False)
        case ev.RecoverySeen(mitigated_at=at) if not incident.tried:
            return _spelled(one, incident, at, came_back=occurrence(incident).by is By.UNKNOWN)
        case ev.ActionRefused(guard="mode", remedy=remedy, act=act):
            tally = one.tally(f"{remedy} {act}".strip())
            return _with(one, replace(tally, would=tally.would + 1))
    return one


def _judged(one: Experience, incident: Incident, seq: int) -> Experience:
    place = next((number for number, action in enumerate(incident.actions) if action.seq == seq), None)
    if place is None:
        return one
    action = incident.actions[place]
    worked = action.outcome is Outcome.VERIFIED
    in_vain = action.outcome in (Outcome.FAILED, Outcome.RELAPSED)
    is_prepared = action.remedy in PREPARING and action.result in ("done", "skipped")
    if not worked and (is_prepared or not in_vain):
        return one
    for each in (*(_prepared(incident.actions[:place]) if worked else ()), action):
        one = _tried(one, incident, each, worked=worked)
    return one


def _prepared(earlier: tuple[Action, ...]) -> tuple[Action, ...]:
    """Return what was done to prepare the action after these: back to the one before it that was no preparation."""
    found: list[Action] = []
    for action in reversed(earlier):
        if action.outcome is Outcome.REFUSED:
            continue
        if action.remedy not in PREPARING or action.outcome is Outcome.VERIFIED:
            break
        found.insert(0, action)
    return tuple(found)


def _tried(one: Experience, incident: Incident, action: Action, *, worked: bool) -> Experience:
    good_at = incident.mitigated_at if worked else None
    seconds = max(0.0, (good_at - action.at).total_seconds()) if good_at is not None else None
    tally = one.tally(action.label)
    tries = (*tally.tries, Try(at=action.at, worked=worked, seconds=seconds))[-MOST_TRIES:]
    return _with(one, replace(tally, tries=tries))


def _with(one: Experience, tally: Tally) -> Experience:
    others = tuple(each for each in one.tallies if each.label != tally.label)
    return replace(one, tallies=(*others, tally))


def _spelled(one: Experience, incident: Incident, until: datetime, *, came_back: bool) -> Experience:
    begun = incident.again_at or incident.detected_at or incident.first_bad_at
    spell = Spell(seconds=max(timedelta(), until - begun).total_seconds(), came_back=came_back)
    return replace(one, spells=(*one.spells, spell)[-MOST_SPELLS:])


def _kept(known: Mapping[str, Experience], one: Experience) -> Mapping[str, Experience]:
    """Return them with this one as the latest; of too many the one that was not seen for longest is forgotten."""
    others = {name: each for name, each in known.items() if name != one.fingerprint}
    if len(others) >= MOST_KINDS:
        others.pop(next(iter(others)))
    return {**others, one.fingerprint: one}
