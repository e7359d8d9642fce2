"""Who must be told now, and why: levels over time, reminders that grow, leases, recoveries, messages that fail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core import wording
from opsagent.core.message import MessageKind
from opsagent.core.observation import Severity
from opsagent.core.phase import Phase
from opsagent.core.policy import Level, Mode
from opsagent.core.recovery import withdrawn
from opsagent.core.remediation import helpless
from opsagent.core.report.clock import moment
from opsagent.core.story import LEASE_WARNING
from opsagent.core.suggesting import asks_soon
from opsagent.core.suppression import may_reach
from opsagent.core.timing import elapsed
from opsagent.core.world import Draft, World

if TYPE_CHECKING:
    from opsagent.core.incident import Incident, Told
    from opsagent.core.suggestion import Suggestion

PATIENCE = timedelta(minutes=5)
REMIND_FIRST = timedelta(minutes=15)
REMIND_LONGEST = timedelta(minutes=60)
WORTH_SENDING = timedelta(hours=24)
JOURNAL = "journal"
_PAGES = (MessageKind.PAGE, MessageKind.REMINDER)
_ASKS = (*_PAGES, MessageKind.SUGGESTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One message about to be queued. `place` makes its key its own; `lease` says that a hold is about to end."""

    kind: MessageKind
    notifier: str
    reason: str
    place: str
    level: str = ""
    number: int = 1
    loop: int = 0
    next_at: datetime | None = None
    lease: bool = False


def pages(world: World) -> list[Draft]:
    """Return the pages that are due; what one incident is worth says nothing of another."""
    paging = [one for one in world.state.open_incidents if one.state in (Phase.REPAIRING, Phase.PAGED)]
    return [draft for one in paging if may_reach(world, one) for draft in _page(world, one)]


def questions(world: World) -> list[Draft]:
    """Ask the first level whether a suggested repair may go out, once for each suggestion."""
    for incident in world.state.open_incidents:
        asked = incident.suggestion
        if asked is None or asked.expired or _is_asked(incident, asked):
            continue
        level = levels_for(world, incident)[0]
        place = f"q{asked.asked_at:%Y%m%dT%H%M%S}.{len(incident.told)}"
        post = Post(kind=MessageKind.SUGGESTION, notifier="", reason=asked.reason, place=place, level=level.name)
        return [_message(world, incident, replace(post, notifier=name)) for name in level.notify]
    return []


def _is_asked(incident: Incident, asked: Suggestion, state: str = "") -> bool:
    """Whether this question is on its way to somebody; with `state`, whether it came so far."""
    mine = [told for told in incident.told if told.kind == MessageKind.SUGGESTION and told.at >= asked.asked_at]
    return any(told.state == state or not state for told in mine)


def _page(world: World, incident: Incident) -> list[Draft]:
    levels = levels_for(world, incident)
    if incident.page_again:
        reason = incident.timeline[-1].text if incident.timeline else "again"
        return _told(world, incident, levels, number=max(1, incident.level), loop=incident.loop + 1, reason=reason)
    if incident.level == 0:
        reason = page_reason(world, incident)
        return _told(world, incident, levels, number=1, loop=0, reason=reason) if reason else []
    if incident.next_level_at is None or incident.next_level_at > world.now:
        return _next_at_once(world, incident, levels)
    return _climb(world, incident, levels, "nobody has taken it")


def _climb(world: World, incident: Incident, levels: tuple[Level, ...], reason: str) -> list[Draft]:
    number = min(incident.level + 1, len(levels))
    loop = incident.loop + 1 if number == incident.level else 0
    return _told(world, incident, levels, number=number, loop=loop, reason=reason)


def _next_at_once(world: World, incident: Incident, levels: tuple[Level, ...]) -> list[Draft]:
    """When no message of this level can be delivered, the next level is told now."""
    name = levels[min(incident.level, len(levels)) - 1].name
    mine = [told for told in _of_this_round(incident) if told.level == name]
    lost = bool(mine) and all(told.state in ("failed", "expired") for told in mine)
    return _climb(world, incident, levels, f"{name} cannot be reached") if lost and incident.level < len(levels) else []


def _of_this_round(incident: Incident) -> list[Told]:
    """Return the pages since a level was last told."""
    return [told for told in incident.told[incident.round_begins :] if told.kind in _PAGES]


def levels_for(world: World, incident: Incident) -> tuple[Level, ...]:
    """Return the levels for an incident; with nobody configured, the journal is told."""
    levels = world.policy.escalation.levels_for(incident.severity or Severity.SEV4)
    named = tuple(notifier.name for notifier in world.policy.notifiers) or (JOURNAL,)
    return levels or (Level(name="everyone", after=timedelta(), notify=named),)


def page_reason(world: World, incident: Incident) -> str:
    """Return why people must be told now for the first time, or ""."""
    stuck = helpless(world, incident)
    if incident.severity is Severity.SEV1:
        waits = ", a repair waits for your word" if incident.suggestion else ", the repair runs beside it"
        return "SEV1: told at once" + ("" if stuck else waits)
    if stuck:
        return stuck
    if incident.reopened and any(told.kind in _PAGES for told in incident.told):
        return "bad again after you were told that it was good"
    asked = incident.suggestion
    if asks_soon(world, incident) or (asked is not None and _is_asked(incident, asked, state="sent")):
        return ""  # they know, or will at once, and the question has an end of its own
    return "not repaired within 5 min" if elapsed(_began(incident), world.now) >= PATIENCE else ""


def _began(incident: Incident) -> datetime:
    """Return from when a repair may take its five minutes: while people were asked it could not begin."""
    words = [action.at for action in incident.actions if action.mode == Mode.SUGGEST]
    since = incident.reopened_at or incident.detected_at or incident.first_bad_at
    asked = incident.suggestion.asked_at if incident.suggestion is not None else since
    return max(since, asked, *words, incident.asked_at or since)


def _told(
    world: World, incident: Incident, levels: tuple[Level, ...], *, number: int, loop: int, reason: str
) -> list[Draft]:
    level = levels[min(number, len(levels)) - 1]
    kind = MessageKind.PAGE if loop == 0 or incident.page_again else MessageKind.REMINDER
    next_at = _next_at(world, levels, number, loop)
    if incident.page_again and incident.next_level_at is not None and incident.next_level_at > world.now:
        next_at = min(next_at, incident.next_level_at)
    paged = ev.LevelPaged(
        level=level.name,
        number=number,
        loop=loop,
        notifiers=level.notify,
        reason=reason,
        next_at=next_at,
    )
    post = Post(
        kind=kind,
        notifier="",
        reason=reason,
        place=f"{number}.{loop}.{len(incident.told)}",
        level=level.name,
        number=number,
        loop=loop,
        next_at=paged.next_at,
    )
    posts = [_message(world, incident, replace(post, notifier=name)) for name in level.notify]
    return [Draft(event=paged, incident=incident.seq), *posts]


def _next_at(world: World, levels: tuple[Level, ...], number: int, loop: int) -> datetime:
    """From now, never from a plan: after a time of sleep one level is told, and then waits its full time."""
    if number < len(levels):
        return world.now + (levels[number].after - levels[number - 1].after)
    return world.now + min(REMIND_FIRST * float(2 ** min(loop, 8)), REMIND_LONGEST)


def _message(world: World, incident: Incident, post: Post) -> Draft:
    title, body = _words(world, incident, post)
    event = ev.NotificationQueued(
        key=f"{world.policy.host}:{incident.label}:{incident.reopened}:{post.kind}:{post.level}:{post.place}:{post.notifier}",
        notifier=post.notifier,
        level=post.level,
        kind=post.kind,
        title=title,
        body=body,
        reason=post.reason,
        expires_at=_worth_until(world, incident, post),
    )
    return Draft(event=event, incident=incident.seq)


def _worth_until(world: World, incident: Incident, post: Post) -> datetime:
    asked = incident.suggestion if post.kind is MessageKind.SUGGESTION else None
    return asked.until if asked is not None else world.now + WORTH_SENDING


def _words(world: World, incident: Incident, post: Post) -> tuple[str, str]:
    state, policy, now = world.state, world.policy, world.now
    if post.kind is MessageKind.RECOVERY and incident.state is not Phase.RESOLVED:
        return wording.withdrawal(world.state, incident, policy, post.reason, now)
    if post.kind is MessageKind.RECOVERY:
        return wording.recovery(state, incident, policy, now)
    if post.kind is MessageKind.SUGGESTION:
        return wording.suggestion(state, incident, policy, now)
    if post.lease:
        return wording.reminder(state, incident, policy, now)
    return wording.page(state, incident, policy, now, number=post.number, loop=post.loop, next_at=post.next_at)


def leases(world: World) -> list[Draft]:
    """Remind the person whose hold ends soon, and end what has run out: holds and snoozes."""
    return [draft for incident in world.state.open_incidents for draft in _lease(world, incident)]


def _lease(world: World, incident: Incident) -> list[Draft]:
    now = world.now
    if incident.state is Phase.SNOOZED and incident.snoozed_until is not None and incident.snoozed_until <= now:
        return [Draft(event=ev.SnoozeEnded(), incident=incident.seq)]
    if incident.state is not Phase.ACKNOWLEDGED or incident.ack_until is None:
        return []
    if incident.ack_until <= now:
        reason = f"{incident.acknowledged_by} has held it until now"
        return [Draft(event=ev.AckEnded(reason=reason), incident=incident.seq)]
    due = incident.page_again or (not incident.ack_reminded and incident.ack_until - now <= LEASE_WARNING)
    if not due or not may_reach(world, incident):
        return []
    reason = f"the hold of {incident.acknowledged_by} ends at {moment(incident.ack_until, world.policy.zone)}"
    if incident.page_again:
        news = "there is a new sign of a break-in" if incident.security else f"it is {incident.severity} now"
        reason = f"{news}, and {reason}"
    levels = levels_for(world, incident)
    level = levels[max(incident.level, 1) - 1] if incident.level <= len(levels) else levels[-1]
    place = f"lease.{len(incident.told)}"
    post = Post(kind=MessageKind.REMINDER, notifier="", reason=reason, place=place, level=level.name, lease=True)
    posts = [_message(world, incident, replace(post, notifier=name)) for name in level.notify]
    return [Draft(event=ev.AckReminded(), incident=incident.seq), *posts]


def recoveries(world: World) -> list[Draft]:
    """Tell of a resolution everyone who was paged about it, once."""
    drafts = []
    for incident in world.state.incidents.values():
        if incident.state is Phase.RESOLVED:
            for notifier in _to_be_told(incident):
                reason = f"resolved by {incident.resolved_by}" if incident.resolved_by else "good again"
                post = Post(kind=MessageKind.RECOVERY, notifier=notifier, reason=reason, place=f"r{incident.reopened}")
                drafts.append(_message(world, incident, post))
    return drafts


def withdrawals(world: World) -> list[Draft]:
    """Withdraw an incident whose check is gone; tell everyone who was paged about it, and page nobody any more."""
    incident = withdrawn(world)
    if incident is None:
        return []
    event = ev.IncidentWithdrawn(reason="its check is no longer in the settings")
    post = Post(kind=MessageKind.RECOVERY, notifier="", reason=event.reason, place=f"w{incident.reopened}")
    posts = [_message(world, incident, replace(post, notifier=name)) for name in _to_be_told(incident)]
    unsent = called_off(world, incident, "withdrawn before it was delivered")
    return [*posts, *unsent, Draft(event=event, incident=incident.seq)]


def called_off(world: World, incident: Incident, reason: str) -> list[Draft]:
    """Let the pages about it that are still on their way expire: they need no longer arrive."""
    waiting = [one for one in world.state.owed.values() if one.incident == incident.seq and one.kind in _PAGES]
    return [Draft(event=ev.NotificationExpired(key=one.key, reason=reason), incident=incident.seq) for one in waiting]


def _to_be_told(incident: Incident) -> list[str]:
    """Who has had a page, or was asked, since the last recovery that was told there."""
    waiting: dict[str, bool] = {}
    for told in incident.told:
        if told.kind == MessageKind.RECOVERY:
            waiting[told.notifier] = False
        elif told.kind in _ASKS and told.state == "sent":
            waiting[told.notifier] = True
    return [name for name, waits in waiting.items() if waits]


def undelivered(world: World) -> list[Draft]:
    """Expire what is too old to be worth sending; hand what one notifier lost for good to the next one at once."""
    drafts = [
        Draft(event=ev.NotificationExpired(key=owed.key, reason="older than a day"), incident=owed.incident)
        for owed in world.state.owed.values()
        if owed.expires_at <= world.now
    ]
    for incident in world.state.open_incidents:
        for lost in [told for told in _of_this_round(incident) if told.state == "failed"]:
            drafts = drafts or _handed_on(world, incident, lost)
    return drafts


def _handed_on(world: World, incident: Incident, lost: Told) -> list[Draft]:
    rank = [notifier.name for notifier in world.policy.notifiers]
    order = [*rank, JOURNAL] if JOURNAL not in rank else rank
    asked = {told.notifier for told in _of_this_round(incident)}
    if any(f":for.{lost.notifier}." in told.key for told in _of_this_round(incident)):
        return []
    heir = next((name for name in order if name not in asked), None)
    if heir is None:
        return []
    reason = f"{lost.notifier} cannot be reached"
    place = f"for.{lost.notifier}.{len(incident.told)}"
    post = Post(kind=MessageKind.PAGE, notifier=heir, reason=reason, place=place, level=lost.level)
    return [_message(world, incident, post)]
