"""What was seen of the environment."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.environment.belief import keys
from opsagent.core.environment.known import EnvironmentKnown
from opsagent.core.fold.rule import folded
from opsagent.core.renewal import replace

if TYPE_CHECKING:
    from datetime import datetime

    from opsagent.core.codec import Recorded
    from opsagent.core.environment import Environment
    from opsagent.core.state import State

REMEMBERED = timedelta(days=30)
MOST_REMEMBERED = 500


@folded.register(ev.EnvironmentLearned)
def _(event: ev.EnvironmentLearned, state: State, recorded: Recorded) -> State:
    return _known(state, event.environment, recorded.at)


@folded.register(ev.EnvironmentDrifted)
def _(event: ev.EnvironmentDrifted, state: State, recorded: Recorded) -> State:
    return _known(state, event.environment, recorded.at)


@folded.register(ev.ListenersOpened)
def _(event: ev.ListenersOpened, state: State, recorded: Recorded) -> State:
    public = {**state.environment.public, **dict.fromkeys(event.keys, recorded.at)}
    return replace(state, environment=replace(state.environment, public=public))


def _known(state: State, now: Environment, at: datetime) -> State:
    there = _public(now)
    before = state.environment.public if state.environment.now is not None else dict.fromkeys(sorted(there), at)
    kept = {key: at if key in there else then for key, then in before.items() if key in there or at - then < REMEMBERED}
    latest = sorted(kept.items(), key=lambda one: one[1])[-MOST_REMEMBERED:]
    return replace(state, environment=EnvironmentKnown(now=now, at=at, public=dict(latest)))


def _public(environment: Environment) -> frozenset[str]:
    return keys(one for one in environment.listeners or () if one.is_public)
