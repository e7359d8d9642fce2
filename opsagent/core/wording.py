"""What people are told, in words: the page, its reminder, the recovery. The title is all a phone shows."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core import before_words
from opsagent.core.before import before
from opsagent.core.change_words import QUOTED, changed_before, would_bring_in
from opsagent.core.diagnosis.evidence import LOG_ENDS, LOOKED_AT
from opsagent.core.guard_words import OF_GUARD
from opsagent.core.incident import OURSELVES
from opsagent.core.observation import Severity
from opsagent.core.occurrence import healed_by
from opsagent.core.phase import Outcome, Phase, Repair
from opsagent.core.report.clock import hhmm, hhmmss, seen_from
from opsagent.core.text import visible
from opsagent.core.timing import elapsed, local_date, spoken
from opsagent.core.together import CAUSE, LIKELY, causes, children, ended_with, is_breaker, why_left_alone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsagent.core.incident import Action, Incident
    from opsagent.core.policy import Policy
    from opsagent.core.state import State

REOPEN_WINDOW = timedelta(minutes=30)
TITLE_LIMIT = 120
LINE_LIMIT = 300
MOST_LINES = 30
MOST_CAUSES = 12
MOST_REPAIRS = 12  # lines of a message: the curve first, then the list
PLAYBOOK = "Playbook: "
PREPARED = "Before it: "
UNKNOWN = "Cause not known. Its log ends: "
NOT_FOR_STRANGERS = (
    PLAYBOOK,
    "Cause: ",
    "Likely: ",
    UNKNOWN,
    PREPARED,
    CAUSE,
    LIKELY,
    "Changed before: ",
    "It was bad ",
    QUOTED,
    before_words.HELPED,
    before_words.OPEN,
    before_words.PATTERN,
    before_words.ENTRY,
)
"""How lines of a page begin that quote a log or a file, or say who did what, or what people wrote."""
_JOBS = {"late": "is late", "missing": "did not run", "failed": "failed", "too_long": "has been running too long"}
_LOGS = {"errors": "counts too many errors", "match": "has found a line that it looks for"}


def needs_you(incident: Incident) -> bool:
    """Whether a person is wanted: not while the agent repairs or proves it, not for a warning, not when kept quiet."""
    quiet = incident.suppressed_by not in (None, "hold") or incident.severity in (None, Severity.SEV4)
    wanted = incident.state in (Phase.PAGED, Phase.ACKNOWLEDGED, Phase.SNOOZED) or incident.suggestion is not None
    return wanted and not quiet


def trouble(incident: Incident) -> str:
    """Return what is wrong in three words: `api is down`, `var-disk is bad`, `api cannot be looked at`."""
    return f"{incident.check} {_is(incident)}"


def _is(incident: Incident) -> str:
    if is_breaker(incident):
        return "is open: many things failed at once"
    if incident.blind:
        return "cannot be looked at"
    if incident.security and incident.raised_by == OURSELVES:
        return "may be an intrusion"
    if incident.signs:
        return "is repaired again and again"
    if incident.awaits_person:
        return f"was reported by {incident.raised_by}"
    if is_job(incident):
        return _JOBS.get(incident.failure_class, "is bad")
    if _kind(incident) == "journal" and incident.failure_class in _LOGS:
        return _LOGS[incident.failure_class]
    return "is down" if incident.unit else "is bad"


def is_job(incident: Incident) -> bool:
    """Whether it is about a job that runs by itself: its check is of that kind."""
    return _kind(incident) == "job"


def _kind(incident: Incident) -> str:
    return incident.fingerprint.partition("|")[2].partition("|")[0]


def reason_of(incident: Incident) -> str:
    """Return the last bad news that the check gave, without the check's name before it."""
    return (incident.again_message or incident.reason).removeprefix(f"{incident.check}: ")


def bad_since(incident: Incident) -> datetime:
    """Return when the present spell began: after good news, when it was bad again."""
    return incident.began


def down_since(incident: Incident) -> datetime:
    """Return from when its length is counted: from the first bad look, after a reopening from that."""
    return bad_since(incident) if incident.reopened else incident.first_bad_at


def ordered(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Return the actions that went out, whatever came of them."""
    return tuple(a for a in actions if a.outcome is not Outcome.REFUSED or a.attempt)


def since_reopened(incident: Incident, actions: Iterable[Action]) -> tuple[Action, ...]:
    """Return what was done since a reopening, if there was one: people were told that what came before it was over."""
    return tuple(a for a in actions if incident.reopened_at is None or a.at >= incident.reopened_at)


def fresh(incident: Incident) -> tuple[Action, ...]:
    """Return the actions that went out since the last one that helped, and since a reopening."""
    went = ordered(since_reopened(incident, incident.actions))
    helped = [number for number, action in enumerate(went, start=1) if action.outcome is Outcome.VERIFIED]
    return went[helped[-1] :] if helped else went


def _lately(incident: Incident) -> tuple[Action, ...]:
    """Return the same, or, when nothing went out since then, all up to the one that helped."""
    went = ordered(incident.actions)
    return fresh(incident) or (went if went and went[-1].outcome is Outcome.VERIFIED else ())


def page(
    state: State,
    incident: Incident,
    policy: Policy,
    now: datetime,
    *,
    number: int = 1,
    loop: int = 0,
    next_at: datetime | None = None,
) -> tuple[str, str]:
    """Return title and body of a page. `number` is the level that is told (from 1), `next_at` when the next one is."""
    again = ", again" if loop or number > 1 else ""
    title = f"[PAGE {incident.severity}{again}] {policy.host}: {incident.check} {_is(incident).removeprefix('is ')}"
    lines = [
        _since(state, incident, now),
        *incident.repairs[:MOST_REPAIRS],
        likely_cause(incident),
        changed_before(incident),
        f"{PLAYBOOK}{incident.playbook}." if incident.playbook else "",
        "" if incident.signs else _tried(state, incident),
        *would_bring_in(state, incident),
        _left_alone(state, incident),
        *(f"{one}." for one in causes(state, incident)[:MOST_CAUSES]),
        *before_lines(state, incident),
        question(incident),
        f"Take it{_stops_me(incident)}: opsagent ack {incident.label}     Look: opsagent show {incident.label}",
        _then(state, incident, policy, number, next_at),
    ]
    return message(f"{title}, {situation(incident)}", lines)


def suggestion(state: State, incident: Incident, policy: Policy, now: datetime) -> tuple[str, str]:
    """Return title and body of the question whether a repair may go out: what would be done, why, and how to say yes.

    ValueError when nothing is suggested.
    """
    asked = incident.suggestion
    if asked is None:
        raise ValueError(f"cannot ask about {incident.label}: nothing is suggested")
    also = f" (and {', '.join(asked.also)})" if asked.also else ""
    until = f"{hhmm(asked.until, state.zone)} {state.zone}"
    lines = [
        _since(state, incident, now),
        likely_cause(incident),
        changed_before(incident),
        f"{PLAYBOOK}{incident.playbook}." if incident.playbook else "",
        f"I would {asked.remedy} {asked.unit}{also}: {asked.reason}. Nothing is done before a person says so.",
        _tried(state, incident) if ordered(incident.actions) else "",
        *before_lines(state, incident),
        f"Let it go out: opsagent approve {incident.label}     Look: opsagent show {incident.label}",
        f"It counts until {until}; if nobody says so, that is a page.",
    ]
    still = _is(incident).removeprefix("is ")
    title = (
        f"[APPROVE? {incident.severity}] {policy.host}: {incident.check} {still}, {asked.remedy} waits for your word"
    )
    return message(title, lines)


def before_lines(state: State, incident: Incident) -> tuple[str, ...]:
    """Return what a message says of earlier failures like this one, a line each."""
    return tuple(before_words.lines(before(state, incident), incident.label or "", state.zone))


def likely_cause(incident: Incident) -> str:
    """Return the sentence about the cause, such as `Cause: port 80 is held by nginx`, or what its log ends with."""
    if incident.cause is None:
        said = incident.because.partition(LOOKED_AT)[0]
        return f"{UNKNOWN}{said.partition(LOG_ENDS)[2]}" if LOG_ENDS in said else ""
    word = "Cause" if incident.certainty == "sure" else "Likely"
    return f"{word}: {incident.because or incident.cause}."


def question(incident: Incident) -> str:
    """Return what is asked of the reader where all that was allowed was tried in vain and nobody knows why; or ""."""
    tried = ordered(incident.actions)
    helped = any(one.outcome is Outcome.VERIFIED for one in tried)
    if incident.repair is not Repair.EXHAUSTED or incident.cause or not tried or helped:
        return ""
    return f'I do not know this failure: what cures it? Tell me: opsagent note {incident.label} "…"'


def reminder(state: State, incident: Incident, policy: Policy, now: datetime) -> tuple[str, str]:
    """Return title and body for the one who has taken it: the hold ends soon, and it is not over."""
    until = hhmm(incident.ack_until, state.zone) if incident.ack_until else "soon"
    still = _is(incident).removeprefix("is ")
    lines = [
        _since(state, incident, now),
        f"Taken by {incident.acknowledged_by}. When the hold ends the escalation begins again.",
        *before_lines(state, incident),
        f"Go on holding it: opsagent ack {incident.label} --for 5h     Look: opsagent show {incident.label}",
    ]
    title = f"[REMINDER {incident.severity}] {policy.host}: {incident.check} still {still}, your hold ends {until}"
    return message(title, lines)


def recovery(state: State, incident: Incident, policy: Policy, now: datetime) -> tuple[str, str]:
    """Return title and body for those who were paged: it is good again, since when, by whom, how that is known.

    What a person closed without a good look is not called recovered.
    """
    good_at = incident.mitigated_at
    lasted = spoken(elapsed(down_since(incident), good_at or now))
    title = (
        f"[CLOSED {incident.severity}] {policy.host}: {incident.check} closed by {incident.resolved_by or 'opsagent'}"
    )
    if good_at is not None:
        since = f"good since {hhmm(good_at, state.zone)}"
        title = f"[RECOVERED {incident.severity}] {policy.host}: {incident.check} {since}"
    taken = ""
    if incident.acknowledged_at and incident.first_paged_at:
        taken = f", taken after {spoken(elapsed(incident.first_paged_at, incident.acknowledged_at))}"
    until = hhmm((incident.resolved_at or now) + REOPEN_WINDOW, state.zone)
    again = "many things fail at once again" if is_breaker(incident) else "it fails"
    lines = [
        f"Fixed by: {fixed_by(state, incident)}" if good_at else f"Closed by: {fixed_by(state, incident)}",
        f"Why that: {incident.choice}." if healed_by(incident) and incident.choice else "",
        *dict.fromkeys(f"{PREPARED}{one.did}." for one in incident.actions if one.did and one.result == "done"),
        f"Proof: {proof(state, incident, now)}." if good_at else "",
        *before_lines(state, incident),
        f"Paged {before_words.times(paged(incident))}{taken}. Times {state.zone}.",
        f"If {again} before {until} this incident reopens and pages at once.",
        f"Look: opsagent show {incident.label}",
    ]
    was = "down" if _is(incident) == "is down" else "bad for"  # a job or a log cannot be down
    return message(f"{title}, {was if good_at else 'open for'} {lasted}", lines)


def withdrawal(state: State, incident: Incident, policy: Policy, reason: str, now: datetime) -> tuple[str, str]:
    """Return title and body for those who were paged: nobody looks at it any more, good or not."""
    lasted = spoken(elapsed(down_since(incident), incident.mitigated_at or now))
    title = f"[WITHDRAWN {incident.severity}] {policy.host}: {incident.check} is no longer looked at, open for {lasted}"
    last = f"The last that was seen: {reason_of(incident)}" if incident.mitigated_at is None else ""
    seen = before_lines(state, incident)
    lines = [f"Why: {reason}.", last, *seen, "Nobody is told more of it.", f"Look: opsagent show {incident.label}"]
    return message(title, lines)


def proof(state: State, incident: Incident, now: datetime) -> str:
    """Return how it is known that it is good: since when, by how many looks, and that what fell with it is good too."""
    looked = [
        f"{one.check} good for {spoken(elapsed(one.since, now))}, {one.looks} of {one.looks} probes"
        for one in incident.proof
    ]
    plain = f"{', '.join(incident.checks)} good for {spoken(elapsed(incident.mitigated_at or now, now))}"
    fell = [one for one in state.incidents.values() if one.parent == incident.seq and one.mitigated_at is not None]
    after = [f"{one.check} good since {hhmm(one.mitigated_at, state.zone)}" for one in fell if one.mitigated_at]
    return "; ".join((*(looked or [plain]), *after))


def situation(incident: Incident) -> str:
    """Return in a few words why a person is needed: `restart does not help`, `it is only watched`."""
    asked, went = incident.suggestion, _lately(incident)
    if asked is not None:
        said = "was not approved in time" if asked.expired else "waits for your word"
        return f"{asked.remedy} {said}"
    if went:
        return _outcome(incident, went)
    refused = next(reversed(since_reopened(incident, incident.actions)), None)
    if refused is not None:
        return OF_GUARD.get(refused.guard, "not repaired yet")
    if incident.awaits_person:
        return "the repair cures nothing" if incident.signs else "no check sees it"
    return "nothing is repaired for it" if incident.owner is Phase.PAGED else "repair not begun"


def _outcome(incident: Incident, went: tuple[Action, ...]) -> str:
    last = went[-1]
    if last.outcome is Outcome.RUNNING:
        return f"{last.label} under way"
    if last.outcome is Outcome.VERIFIED:
        return f"{last.label} helped only for a while"
    if last.outcome is Outcome.REFUSED:
        return f"{last.label} was refused"
    given_up = incident.repair is Repair.EXHAUSTED and len(went) > 1
    return f"gave up after {len(went)} tries" if given_up and _kinds(went) != 1 else f"{last.label} does not help"


def _kinds(went: tuple[Action, ...]) -> int:
    return len({action.label for action in went})


def fixed_by(state: State, incident: Incident) -> str:
    """Return who or what ended it, as far as that is known."""
    helped = healed_by(incident)
    if helped is not None:
        tries = len(ordered(since_reopened(incident, incident.actions)))
        return f"{helped.label} of {helped.unit} at {hhmmss(helped.at, state.zone)} (try {tries})."
    failed = len(fresh(incident))
    if not failed and not incident.resolved_by and (known := ended_with(state, incident)):
        return known
    mine = f"Not by me (my {failed} {'try' if failed == 1 else 'tries'} failed)." if failed else "I did nothing."
    return f"{f'{incident.resolved_by}, who said so.' if incident.resolved_by else 'a person, or by itself.'} {mine}"


def paged(incident: Incident) -> int:
    """Return how often the escalation told somebody: the levels reached, however many notifiers each has."""
    return len({(told.level, told.at) for told in incident.told if told.kind == "page"}) or int(bool(incident.level))


def _since(state: State, incident: Incident, now: datetime) -> str:
    since = seen_from(bad_since(incident), state.zone, local_date(now, state.zone))
    again = "Bad again since" if incident.again_at else "Since"
    return f"{again} {since} {state.zone} ({spoken(elapsed(bad_since(incident), now))}). {reason_of(incident)}"


def _tried(state: State, incident: Incident) -> str:
    went = _lately(incident)
    if not went:
        refused = next(reversed(since_reopened(incident, incident.actions)), None)
        if incident.suggestion is not None:
            return not_tried(incident.repair_reason)
        return not_tried(refused.reason) if refused else "Nothing was tried."
    last = went[-1]
    if last.outcome is Outcome.RUNNING:
        return f"Trying: {last.label} of {last.unit} since {hhmmss(last.at, state.zone)}, not judged yet."
    counts = ", ".join(f"{name} {count}x" for name, count in Counter(one.label for one in went).items())
    stopped = _stopped(state, incident) if incident.repair is Repair.EXHAUSTED else ""
    waits = incident.repair in (Repair.WAITING, Repair.HELD) and incident.repair_reason
    return f"Tried: {counts}; the last: {last.reason}.{stopped}" + (f" Waiting: {waits}." if waits else "")


def not_tried(reason: str) -> str:
    """Return as a sentence why nothing was tried."""
    return f"W{reason.removeprefix('w')}." if reason.startswith("would have ") else f"Not tried: {reason}."


def _stopped(state: State, incident: Incident) -> str:
    """Say that it was given up, and when it is tried once more all the same."""
    again = incident.next_repair_at
    return f" I have stopped, and try once more {hhmm(again, state.zone)}." if again else " I have stopped."


def _left_alone(state: State, incident: Incident) -> str:
    names = children(state, incident)
    return f"Left alone: {', '.join(names)} ({why_left_alone(incident)})." if names else ""


def _stops_me(incident: Incident) -> str:
    busy = incident.repair in (Repair.WAITING, Repair.RUNNING, Repair.VERIFYING) or incident.owner is Phase.REPAIRING
    return " (stops me too)" if busy or ordered(incident.actions) else ""


def _then(state: State, incident: Incident, policy: Policy, number: int, next_at: datetime | None) -> str:
    if next_at is None:
        return "Nobody else is told."
    levels = policy.escalation.levels_for(incident.severity or Severity.SEV4)
    rest = levels[number:]
    if not rest:
        return f"If nobody takes it: the same again {hhmm(next_at, state.zone)}."
    told = (f"{level.name} {hhmm(next_at + (level.after - rest[0].after), state.zone)}" for level in rest)
    return f"If nobody takes it: {', '.join(told)}."


def message(title: str, lines: Iterable[str]) -> tuple[str, str]:
    """Return title and body of a message, each line cut and safe to show; empty lines are left out."""
    said = [visible(line, LINE_LIMIT) for line in lines if line]
    more = [f"and {len(said) - MOST_LINES} more lines"] if len(said) > MOST_LINES else []
    body = "\n".join([*said[:MOST_LINES], *more])
    return visible(title, TITLE_LIMIT), body
