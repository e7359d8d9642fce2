"""The table of an incident's states: every move it has, and no other."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from opsagent.core import events as ev
from opsagent.core import story
from opsagent.core.codec import Recorded
from opsagent.core.fold import fold
from opsagent.core.incident import TRANSITIONS, IllegalTransitionError, Incident
from opsagent.core.phase import Phase, Repair
from opsagent.core.state import State
from tests.core.events_of import event_of

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
PAIRS = [(kind, phase) for kind, phase in product(sorted(ev.EVENTS), Phase) if kind != "IncidentSuspected"]


def incident_in(phase: Phase) -> Incident:
    return Incident(
        seq=7,
        key="api.service",
        check="api",
        checks=("api",),
        unit="api.service",
        state=phase,
        failure_class="status",
        reason="answered 500",
        first_bad_at=NOON,
        label=None if phase is Phase.SUSPECT else "OPS-20261118-001",
        repair=Repair.IDLE,
    )


def recorded(event: ev.Event) -> Recorded:
    return Recorded(seq=8, at=NOON, event=event, incident=7)


def targets(kind: str, phase: Phase) -> tuple[Phase, ...]:
    return TRANSITIONS.get(kind, {}).get(phase, ())


@pytest.mark.parametrize(("kind", "phase"), PAIRS)
def test_an_event_moves_an_incident_as_the_table_says_or_is_refused(kind: str, phase: Phase) -> None:
    before = incident_in(phase)
    goals = targets(kind, phase)

    for to in goals:
        assert story.apply(before, recorded(event_of(kind, to=to))).state is to
    if kind in TRANSITIONS and not goals:
        with pytest.raises(IllegalTransitionError):
            story.apply(before, recorded(event_of(kind)))
    if kind not in TRANSITIONS and phase is not Phase.CLOSED:
        assert story.apply(before, recorded(event_of(kind))).state is phase


@pytest.mark.parametrize("kind", sorted(ev.EVENTS))
def test_what_is_closed_never_changes(kind: str) -> None:
    """Save what became of the last messages about it: that may be known only later."""
    if kind == "IncidentSuspected":
        return
    if isinstance(event_of(kind), story.DELIVERY):
        assert story.apply(incident_in(Phase.CLOSED), recorded(event_of(kind))).state is Phase.CLOSED
        return
    with pytest.raises(IllegalTransitionError):
        story.apply(incident_in(Phase.CLOSED), recorded(event_of(kind)))


@pytest.mark.parametrize(("kind", "phase"), [p for p in PAIRS if p[0] in TRANSITIONS and not targets(*p)])
def test_a_refused_event_changes_nothing_at_all(kind: str, phase: Phase) -> None:
    state = State(incidents={7: incident_in(phase)})

    with pytest.raises(IllegalTransitionError):
        fold(state, recorded(event_of(kind)))

    assert state == State(incidents={7: incident_in(phase)})


@pytest.mark.parametrize("kind", [kind for kind in TRANSITIONS if any(len(t) > 1 for t in TRANSITIONS[kind].values())])
def test_an_event_that_names_a_state_may_name_only_those_of_the_table(kind: str) -> None:
    for phase, goals in TRANSITIONS[kind].items():
        for to in set(Phase) - set(goals):
            with pytest.raises(IllegalTransitionError):
                story.apply(incident_in(phase), recorded(event_of(kind, to=to)))


def test_every_event_of_the_table_exists_and_every_state_but_the_first_can_be_reached() -> None:
    reached = {to for row in TRANSITIONS.values() for goals in row.values() for to in goals}

    assert set(TRANSITIONS) <= set(ev.EVENTS)
    assert reached == set(Phase) - {Phase.SUSPECT}


def test_from_every_state_the_end_can_be_reached() -> None:
    ends = {Phase.CLOSED}
    for _ in Phase:
        ends |= {phase for row in TRANSITIONS.values() for phase, goals in row.items() if set(goals) & ends}

    assert ends == set(Phase)
