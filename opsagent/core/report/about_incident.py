"""Entries about incidents: healed, only watched, not healed, taken, over."""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.before import before
from opsagent.core.before_words import sentence
from opsagent.core.change import phrase
from opsagent.core.escalation import JOURNAL
from opsagent.core.nearness import ranked
from opsagent.core.observation import Severity
from opsagent.core.occurrence import healed_by
from opsagent.core.phase import Outcome, Phase
from opsagent.core.policy import Mode
from opsagent.core.remediation import FINAL_GUARDS
from opsagent.core.report.clock import hhmmss
from opsagent.core.report.entry import Scene, told
from opsagent.core.report.links import link
from opsagent.core.report.markdown import code, inline
from opsagent.core.text import some
from opsagent.core.timing import by_day, elapsed, spoken
from opsagent.core.together import children, why_left_alone
from opsagent.core.wording import (
    bad_since,
    down_since,
    fixed_by,
    fresh,
    ordered,
    proof,
    reason_of,
    since_reopened,
    trouble,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opsagent.core.incident import Action, Incident

_CALM = (Severity.SEV3, Severity.SEV4)
_CAME = {
    Outcome.RUNNING: "not judged yet",
    Outcome.VERIFIED: "it helped",
    Outcome.FAILED: "did not help",
    Outcome.RELAPSED: "helped for a moment only",
    Outcome.REFUSED: "was refused",
    Outcome.UNKNOWN: "nobody knows what came of it",
}


@singledispatch
def incident_story(event: ev.Event, scene: Scene, incident: Incident) -> str:
    """Return the entry that this event is worth, "" for none. `incident` is as it stands after the event."""
    del event, scene, incident
    return ""


def _heading(time: str, what: str, incident: Incident, *more: str) -> str:
    return " · ".join(part for part in (f"{time} {what}", str(incident.severity), *more, link(incident)) if part)


def _saw(incident: Incident) -> str:
    return f"**Saw** {inline(reason_of(incident)) or 'no answer'}{_why(incident)}"


def _why(incident: Incident) -> str:
    word = "cause" if incident.certainty == "sure" else "likely cause"
    return f"; {word}: {inline(incident.because or incident.cause, 200)}" if incident.cause else ""


def _said(message: str, incident: Incident) -> str:
    return inline(message.removeprefix(f"{incident.check}: ")) or "no answer"


def _before(scene: Scene, incident: Incident) -> str:
    known = before(scene.after, incident)
    file = f" · [pattern](../{known.pattern})" if known.pattern else ""
    return f"**Seen before** {inline(sentence(known, incident.label or '', scene.zone))}{file}"


def _changed(scene: Scene, incident: Incident) -> str:
    """What was changed before it began, the nearest first; the rest, with differences, is in the incident."""
    own = [inline(incident.after_change)] if incident.after_change else []
    near = [one.change for one in ranked(incident)]
    others = [one for one in near if not own or not incident.after_change.endswith(phrase(one))]
    said = [*own, *(f"{scene.when(one.at)} {inline(phrase(one), 120)}" for one in others)]
    more = f" · {len(said) - 2} more in the incident" if len(said) > 2 else ""  # noqa: PLR2004 - two fit a line
    return f"**Changed before** {' · '.join(said[:2])}{more}" if said else ""


def _did(action: Action, scene: Scene, again: Sequence[Action] = ()) -> str:
    """What was done and what came of it; `again` are later tries of which the very same is to be said."""
    came = (
        f"{_CAME[action.outcome]}: {inline(action.reason)}"
        if action.outcome is not Outcome.RUNNING
        else "still under way"
    )
    also = f"Restarted with it: {some(inline(unit, 80) for unit in action.also)}" if action.also else ""
    alone = "Nothing else was restarted" if action.remedy == "restart" and not action.also else ""
    word = "approved" if action.mode == Mode.SUGGEST else "asked"
    by = f", {word} by {inline(action.by, 40)}" if action.by else ""
    times = " and ".join(hhmmss(one.at, scene.zone) for one in (action, *again))
    what = f"**Did** {inline(action.label, 40)} {inline(action.unit, 80)} {times}{by}"
    return f"{what}: {came}. {also or alone}".rstrip()


def _did_all(actions: Iterable[Action], scene: Scene) -> list[str]:
    """One line for each kind of try: `restart api.service 03:41:05 and 03:42:10: did not help: …`."""
    kinds: dict[tuple[str, ...], list[Action]] = {}
    for action in actions:
        same = (action.label, action.unit, action.outcome, action.reason, action.by, *action.also)
        kinds.setdefault(same, []).append(action)
    return [_did(same[0], scene, same[1:]) for same in kinds.values()]


def _held_back(incident: Incident) -> list[str]:
    """What kept the hands still: for good, or for a while. Waits of the budget are told by the tries around them."""
    refused = [
        a
        for a in since_reopened(incident, incident.actions)
        if a.outcome is Outcome.REFUSED and not a.attempt and a.guard != "budget"
    ]
    words = {a.reason: "Not tried" if a.guard in FINAL_GUARDS else "Waited" for a in refused}
    return [_kept_still(word, reason) for reason, word in list(words.items())[-3:]]


def _kept_still(word: str, reason: str) -> str:
    would = reason.removeprefix("would have ")
    return f"**{word}** {inline(reason)}" if would == reason else f"**Would have** {inline(would)}"


@incident_story.register(ev.IncidentConfirmed)
def _(event: ev.IncidentConfirmed, scene: Scene, incident: Incident) -> str:
    """A finding without a remedy; for a unit the refused repair tells the story, by day the page that follows."""
    waits = event.severity is Severity.SEV3 and not by_day(scene.at, scene.zone)
    calm = event.severity is Severity.SEV4 or (waits and (event.blind or not incident.unit))
    if event.to is not Phase.PAGED or not calm:
        return ""
    rest = "in the digest" if event.severity is Severity.SEV4 else "held for the day"
    heading = _heading(scene.began(incident), inline(trouble(incident), 80), incident, rest)
    return told(heading, _saw(incident), _changed(scene, incident), _before(scene, incident))


@incident_story.register(ev.ActionRefused)
def _(event: ev.ActionRefused, scene: Scene, incident: Incident) -> str:
    silent = incident.suppressed_by not in (None, "hold")  # HOLD stops hands, not pages
    page_follows = incident.severity not in _CALM and not silent and not incident.first_paged_at
    if event.guard not in FINAL_GUARDS or page_follows or _told_as_quiet(incident):
        return ""
    watched = "only watched" if event.guard in ("armed", "mode") else "not repaired"
    heading = _heading(scene.began(incident), inline(trouble(incident), 80), incident, watched)
    return told(
        heading,
        _saw(incident),
        _changed(scene, incident),
        _kept_still("Not tried", event.reason),
        _before(scene, incident),
    )


@incident_story.register(ev.RepairSuggested)
def _(event: ev.RepairSuggested, scene: Scene, incident: Incident) -> str:
    also = f" (and {some(inline(unit, 80) for unit in event.also)})" if event.also else ""
    return told(
        _heading(scene.began(incident), f"{inline(trouble(incident), 80)}, **a person is asked**", incident),
        _saw(incident),
        _changed(scene, incident),
        f"**Would** {inline(event.remedy, 40)} {inline(event.unit, 80)}{also}: {inline(event.reason)}",
        f"**Next** `opsagent approve {incident.label}` until {scene.when(event.until)}, or people are paged",
        _before(scene, incident),
    )


@incident_story.register(ev.SuggestionExpired)
def _(event: ev.SuggestionExpired, scene: Scene, incident: Incident) -> str:
    if incident.first_paged_at is None:
        return ""  # told with the page that follows
    heading = _heading(scene.now(), f"{inline(trouble(incident), 80)} still", incident)
    return told(heading, f"**Not tried** {inline(event.reason)}")


@incident_story.register(ev.ActionJudged)
def _(event: ev.ActionJudged, scene: Scene, incident: Incident) -> str:
    action = next((a for a in incident.actions if a.seq == event.action), None)
    if action is None:
        return ""
    if event.outcome == Outcome.VERIFIED:
        return _healed(event, scene, incident, action)
    if incident.first_paged_at is None and incident.acknowledged_at is None:
        return ""  # told with the success or the page that follows
    heading = _heading(scene.now(), f"{inline(incident.check, 64)} tried again, **not healed**", incident)
    return told(heading, _did(action, scene))


def _healed(event: ev.ActionJudged, scene: Scene, incident: Incident, action: Action) -> str:
    good_at = incident.mitigated_at or scene.at
    woken = "nobody woken" if incident.first_paged_at is None else "people were told"
    woken = "a person was asked" if action.mode == Mode.SUGGEST else woken
    took = spoken(elapsed(bad_since(incident), good_at))
    heading = _heading(scene.began(incident), f"{inline(incident.check, 64)} healed in {took}", incident, woken)
    before = scene.before.incidents.get(incident.seq, incident)
    why = next((a.reason for a in before.actions if a.seq == event.action), "")
    why = why.removeprefix(f"{incident.again_message or incident.reason}; ").removeprefix(f"{incident.reason}; ")
    earlier = fresh(replace(before, actions=tuple(a for a in before.actions if a.seq != event.action)))
    untold = incident.first_paged_at is None
    return told(
        heading,
        _saw(incident),
        _changed(scene, incident),
        *_did_all(earlier if untold else (), scene),
        _did(action, scene),
        f"**Why** {inline(why)}" if why else "",
        *(_held_back(incident) if untold else ()),
        _before(scene, incident),
    )


@incident_story.register(ev.LevelPaged)
def _(event: ev.LevelPaged, scene: Scene, incident: Incident) -> str:
    if event.loop:
        return ""
    if event.number > 1:
        heading = _heading(
            scene.now(), f"{inline(trouble(incident), 80)} still, {inline(event.level, 40)} told", incident
        )
        return told(heading, f"**Told** {_by(event)}: {inline(event.reason)}", _next(event, scene, incident))
    tried = fresh(incident)
    alone = children(scene.after, incident)
    return told(
        _heading(scene.began(incident), _needed(incident, scene), incident),
        _saw(incident),
        _changed(scene, incident),
        *_did_all(tried, scene),
        *_held_back(incident),
        f"**Left alone** {some(inline(name, 64) for name in alone)} ({why_left_alone(incident)})" if alone else "",
        f"**Told** {_whom(event, scene)}{_new_reason(event, incident)}",
        _next(event, scene, incident),
        _before(scene, incident),
    )


def _needed(incident: Incident, scene: Scene) -> str:
    """Whether the reader is wanted, or the repair still runs beside the page."""
    before, tried = scene.before.incidents.get(incident.seq, incident), fresh(incident)
    held = any(a.guard in FINAL_GUARDS and a.at >= bad_since(incident) for a in incident.actions)
    if incident.running is not None or (before.state is Phase.REPAIRING and not tried and not held):
        return f"{inline(trouble(incident), 80)}, people told while it is repaired"
    if tried:
        return f"{inline(incident.check, 64)} **not healed**"
    return f"{inline(trouble(incident), 80)}, **needs you**"


def _new_reason(event: ev.LevelPaged, incident: Incident) -> str:
    """Why they were told, unless a line above says so already."""
    known = {incident.reason, reason_of(incident), *(action.reason for action in incident.actions)}
    return "" if event.reason in known else f": {inline(event.reason)}"


def _whom(event: ev.LevelPaged, scene: Scene) -> str:
    if event.notifiers == (JOURNAL,):
        return "nobody: there is no notifier, it stands in the journal alone"
    return f"{inline(event.level, 40)} {scene.now()} by {_by(event)}"


def _by(event: ev.LevelPaged) -> str:
    return some((inline(name, 64) for name in event.notifiers), 10) or "nobody: no notifier"


def _next(event: ev.LevelPaged, scene: Scene, incident: Incident) -> str:
    if event.next_at is None:
        return ""
    return f"**Next** told again {scene.when(event.next_at)} unless somebody takes it: `opsagent ack {incident.label}`"


@incident_story.register(ev.IncidentAcknowledged)
def _(event: ev.IncidentAcknowledged, scene: Scene, incident: Incident) -> str:
    before = scene.before.incidents.get(incident.seq)
    if (
        before is not None
        and before.state is Phase.ACKNOWLEDGED
        and before.acknowledged_by == event.by
        and not event.note
    ):
        return ""  # only the lease was renewed
    hands = "repairs go on" if event.keep_repairing else "no repairs"
    return told(
        _heading(scene.now(), f"{inline(incident.check, 64)} taken by {inline(event.by, 40)}", incident),
        f"**Says** {code(event.note)}" if event.note else "",
        f"**Next** {hands} and no pages until {scene.when(event.until)}",
    )


@incident_story.register(ev.AckEnded)
def _(event: ev.AckEnded, scene: Scene, incident: Incident) -> str:
    heading = _heading(scene.now(), f"{inline(incident.check, 64)} is nobody's again", incident)
    return told(heading, f"**Why** {inline(event.reason)}", "**Next** repairs and pages go on")


@incident_story.register(ev.IncidentSnoozed)
def _(event: ev.IncidentSnoozed, scene: Scene, incident: Incident) -> str:
    return told(
        _heading(scene.now(), f"{inline(incident.check, 64)} quiet until {scene.when(event.until)}", incident),
        f"**By** {inline(event.by, 40)}",
        f"**Because** {code(event.reason)}",
    )


@incident_story.register(ev.SnoozeEnded)
def _(event: ev.SnoozeEnded, scene: Scene, incident: Incident) -> str:
    del event
    return told(_heading(scene.now(), f"{inline(trouble(incident), 80)} still, the quiet is over", incident))


@incident_story.register(ev.NoteAdded)
def _(event: ev.NoteAdded, scene: Scene, incident: Incident) -> str:
    heading = _heading(scene.now(), f"{inline(event.by, 40)} about {inline(incident.check, 64)}", incident)
    return told(heading, *(f"**Says** {code(line, 500)}" for line in event.text.splitlines()[:10] if line.strip()))


@incident_story.register(ev.ReportJoined)
def _(event: ev.ReportJoined, scene: Scene, incident: Incident) -> str:
    heading = _heading(scene.now(), f"{inline(incident.check, 64)} reported by {inline(event.by, 40)}", incident)
    return told(heading, f"**Says** {code(event.text)}")


@incident_story.register(ev.SeverityRaised)
def _(event: ev.SeverityRaised, scene: Scene, incident: Incident) -> str:
    heading = _heading(scene.now(), f"{inline(incident.check, 64)} is worse now", incident)
    return told(heading, f"**Why** {inline(event.reason)}")


def _told_as_quiet(incident: Incident) -> bool:
    """Whether the reason for the quiet tells the story: nobody heard of it before, and nothing else would be said."""
    quiet = incident.suppressed_by not in (None, "hold", "flapping")
    return quiet and incident.first_paged_at is None and incident.severity is not Severity.SEV4


@incident_story.register(ev.SuppressionChanged)
def _(event: ev.SuppressionChanged, scene: Scene, incident: Incident) -> str:
    """Trouble that is kept quiet before anybody heard of it; flapping has an entry of its own."""
    tried = any(action.at >= bad_since(incident) for action in incident.actions)
    if tried or not _told_as_quiet(incident):
        return ""
    heading = _heading(scene.began(incident), inline(trouble(incident), 80), incident, "left alone, nobody told")
    return told(heading, _saw(incident), f"**Why** {inline(event.reason)}")


@incident_story.register(ev.Relapsed)
def _(event: ev.Relapsed, scene: Scene, incident: Incident) -> str:
    went = ordered(incident.actions)
    reported = bool(went) and went[-1].outcome is Outcome.VERIFIED
    if not reported and incident.first_paged_at is None:
        return ""
    heading = _heading(scene.now(), f"{inline(incident.check, 64)} is bad again", incident)
    return told(heading, f"**Saw** {_said(event.message, incident)}")


@incident_story.register(ev.IncidentReopened)
def _(event: ev.IncidentReopened, scene: Scene, incident: Incident) -> str:
    heading = _heading(scene.now(), f"{inline(incident.check, 64)} is bad again, reopened", incident)
    return told(heading, f"**Saw** {_said(event.message, incident)}")


@incident_story.register(ev.IncidentResolved)
def _(event: ev.IncidentResolved, scene: Scene, incident: Incident) -> str:
    went = ordered(incident.actions)
    if healed_by(incident) is not None and incident.first_paged_at is None and not event.by:
        return ""  # told when it was healed, and nobody waits for more
    name, good_at = inline(incident.check, 64), incident.mitigated_at
    what = f"{name} good since {scene.when(good_at)}" if good_at else f"{name} is over"
    if event.forced:
        what = f"{name} closed by {inline(event.by, 40)} **although it still fails**"
    lasted = f"after {spoken(elapsed(down_since(incident), good_at or scene.at))}"
    unheard = fresh(incident) if incident.first_paged_at is None else went
    return told(
        _heading(scene.now(), what, incident, lasted),
        *_did_all((a for a in unheard if incident.first_paged_at is None or a.outcome is Outcome.RUNNING), scene),
        f"**Ended by** {inline(fixed_by(scene.after, incident))}",
        f"**Because** {code(event.reason)}" if event.by and event.reason != f"{event.by} said so" else "",
        f"**Proof** {inline(proof(scene.after, incident, scene.at))}" if good_at and not event.forced else "",
    )


@incident_story.register(ev.IncidentWithdrawn)
def _(event: ev.IncidentWithdrawn, scene: Scene, incident: Incident) -> str:
    if incident.label is None:
        return ""
    heading = _heading(scene.now(), f"{inline(incident.check, 64)} is no longer looked at", incident)
    unheard = fresh(incident) if incident.first_paged_at is None else ()
    return told(heading, *_did_all(unheard, scene), f"**Why** {inline(event.reason)}")
