"""The figures of one local day, for the head of the daily memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import beats
from opsagent.core import events as ev
from opsagent.core.phase import Outcome
from opsagent.core.renewal import replace
from opsagent.core.state import Blip, Day
from opsagent.core.timing import local_date

if TYPE_CHECKING:
    from datetime import datetime

    from opsagent.core.codec import Recorded
    from opsagent.core.state import State

BLIPS_A_DAY = 50
_RESTARTS = ("restart", "restart_with_dependants", "reset_failed")
_BEATS_ANEW = (ev.HeartbeatDone, ev.DaemonStarted, ev.SettingsApplied)


def counted(before: State, state: State, recorded: Recorded) -> Day:
    """Return the figures of the local day with this event among them."""
    day = _day(state, recorded.at)
    if isinstance(recorded.event, _BEATS_ANEW) and (gone := beats.missed(before, recorded.at)):
        day = replace(day, missed=day.missed + gone)
    return _figures(recorded.event, day, recorded)


def _day(state: State, at: datetime) -> Day:
    today = local_date(at, state.zone)
    return state.day if state.day is not None and state.day.date == today else Day(date=today)


def _figures(event: ev.Event, day: Day, recorded: Recorded) -> Day:
    match event:
        case ev.HeartbeatDone():
            return replace(
                day,
                heartbeats=day.heartbeats + 1,
                last_heartbeat_at=recorded.at,
                good=event.good,
                bad=event.bad,
                blind=event.blind,
            )
        case ev.ActionRequested():
            other = event.remedy not in _RESTARTS
            return replace(day, actions=(*day.actions, recorded.at), others=day.others + other)
        case ev.LevelPaged():
            return replace(day, pages=day.pages + 1)
        case ev.ActionJudged(outcome=Outcome.VERIFIED) if recorded.incident not in day.healed:
            return replace(day, healed=(*day.healed, recorded.incident or 0))
        case ev.BlipSeen():
            blip = Blip(check=event.check, message=event.message, at=recorded.at)
            return replace(day, blips=(*day.blips, blip)[-BLIPS_A_DAY:])
        case _:
            return day
