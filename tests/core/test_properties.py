"""What holds whatever happens: random failures, commands, messages that get lost, and time that passes or jumps."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core import inbox
from opsagent.core.escalation import JOURNAL
from opsagent.core.fold import fold, replay
from opsagent.core.observation import Severity
from opsagent.core.phase import SILENT, Phase
from opsagent.core.policy import Criticality, Escalation, Policy, RemedyRule
from opsagent.core.state import State
from opsagent.core.unit import HostConditions
from tests.core.live_host import LiveHost
from tests.core.test_people_stories import LEVELS, NOTIFIERS
from tests.core.test_repair_stories import CALM

if TYPE_CHECKING:
    from opsagent.core.incident import Incident

CHECKS = (
    replace(CALM, name="api", unit="api.service", depends_on=("redis",)),
    replace(CALM, name="redis", kind="listen", unit="redis.service", criticality=Criticality.CRITICAL),
    replace(CALM, name="web", unit="web.service", repair=(RemedyRule(do="reload"), RemedyRule(do="restart"))),
    replace(CALM, name="port", kind="listen", unit="web.service", repair=()),
    replace(CALM, name="cron", unit="cron.service", repair=(), criticality=Criticality.NORMAL),
)
UNITS = ("api.service", "redis.service", "web.service", "cron.service")
POLICY = Policy(host="web-1", checks=CHECKS, notifiers=NOTIFIERS, escalation=Escalation(levels=LEVELS))

unit_names = st.sampled_from(UNITS)
spans = st.sampled_from([1, 20, 90, 400, 2000, 8000])
steps = st.one_of(
    st.tuples(st.just("kill"), unit_names),
    st.tuples(st.just("kill"), unit_names),
    st.tuples(st.just("start"), unit_names),
    st.tuples(st.just("stop"), unit_names),
    st.tuples(st.just("break"), unit_names),
    st.tuples(st.just("mend"), unit_names),
    st.tuples(st.just("sick"), unit_names),
    st.tuples(st.just("lose"), st.sampled_from(["mail", "hook", "phone"])),
    st.tuples(st.just("find"), st.sampled_from(["mail", "hook", "phone"])),
    st.tuples(st.just("ack"), st.booleans()),
    st.tuples(st.just("resolve"), st.booleans()),
    st.tuples(st.just("snooze"), st.sampled_from([10, 50])),
    st.tuples(st.just("pause"), st.sampled_from([(True, True), (True, False), (False, True)])),
    st.tuples(st.just("repair"), st.sampled_from(["api", "web"])),
    st.tuples(st.just("refuse"), st.booleans()),
    st.tuples(st.just("busy"), st.sampled_from(["", "apt holds dpkg's lock"])),
    st.tuples(st.just("hold"), st.sampled_from(["", "root says so"])),
    st.tuples(st.just("jump"), st.sampled_from([-3600, 86400, -7])),
    st.tuples(st.just("pass"), spans),
    st.tuples(st.just("pass"), spans),
    st.tuples(st.just("pass"), spans),
)


def do(host: LiveHost, verb: str, what: object) -> None:
    """Let one thing happen: to a service, by a person, or to the host."""
    if what in UNITS:
        to_service(host, verb, str(what))
    elif verb in ("ack", "resolve", "snooze", "pause", "repair"):
        host.ask(by_person(host, verb, what))
    else:
        to_host(host, verb, what)


def to_service(host: LiveHost, verb: str, name: str) -> None:
    service = host.services[name]
    if verb == "kill" and service.unit.active_state == "active":
        host.kill(name)
    elif verb == "start":
        host.start(name)
    elif verb == "stop":
        host.stop(name, by="root")
    elif verb == "sick":
        service.sick = "status"
    else:
        service.can_start, service.sick = verb != "break", ""


def by_person(host: LiveHost, verb: str, what: object) -> cmd.Command:
    label = next((one.label for one in host.agent.state.open_incidents), None) or "OPS-20000101-001"
    if verb == "ack":
        return cmd.Acknowledge(by="anna", incident=label, keep_repairing=bool(what))
    if verb == "resolve":
        return cmd.Resolve(by="anna", incident=label, because="so", force=bool(what))
    if verb == "snooze":
        return cmd.Pause(by="anna", target=label, lasts=timedelta(minutes=what), because="so")
    if verb == "repair":
        return cmd.RepairNow(by="anna", check=str(what))
    pages, repairs = what
    lasts = timedelta(minutes=30)
    return cmd.Pause(by="anna", target="all", lasts=lasts, because="so", pages=pages, repairs=repairs)


def to_host(host: LiveHost, verb: str, what: object) -> None:
    if verb == "lose":
        host.gone.add(str(what))
    elif verb == "find":
        host.gone.discard(str(what))
    elif verb == "refuse":
        host.refusal = "AccessDenied" if what else ""
    elif verb == "jump":
        host.jump(seconds=what)
    elif verb == "pass":
        host.run(seconds=what)
    else:
        host.conditions = HostConditions(**{verb: str(what)})
        host.take(inbox.HostSeen(conditions=host.conditions))


def lived(story: list[tuple[str, object]]) -> LiveHost:
    host = LiveHost(POLICY)
    for name in UNITS:
        host.serve(name)
    host.run(seconds=60)
    for verb, what in story:
        do(host, verb, what)
        host._settle()
        always(host)
    return host


def always(host: LiveHost) -> None:
    """Hold what is true after every turn."""
    state, now = host.agent.state, host.now
    assert host.agent.unsettled == 0
    keys = [one.key for one in state.incidents.values()]
    assert len(keys) == len(set(keys)), "two incidents of one key"
    for incident in state.open_incidents:
        assert wakes(incident, host), f"{incident.label} sleeps for ever: {incident}"
        if owed_a_page(incident, host, now):
            assert incident.level > 0 or incident.first_paged_at, f"{incident.label} is kept from people"


def wakes(incident: Incident, host: LiveHost) -> bool:
    """Whether a time or a check will wake it."""
    times = (incident.next_repair_at, incident.next_level_at, incident.ack_until, incident.snoozed_until)
    looked_at = host.agent.policy.checks_of(incident.key) or host.agent.policy.check(incident.check)
    return any(at is not None for at in times) or bool(looked_at)


def owed_a_page(incident: Incident, host: LiveHost, now: datetime) -> bool:
    """Whether people must have heard of it: bad for long, theirs, and nobody keeps it quiet."""
    theirs = incident.state is Phase.PAGED and incident.severity in (Severity.SEV1, Severity.SEV2)
    began = incident.reopened_at or incident.detected_at or incident.first_bad_at
    return theirs and incident.suppressed_by not in SILENT and now - began > timedelta(minutes=6)


def told_rows_follow_levels(host: LiveHost) -> None:
    rows = host.recorded
    for row, after in pairwise([*rows, None]):
        if isinstance(row.event, ev.LevelPaged):
            assert after is not None
            assert isinstance(after.event, ev.NotificationQueued)
            assert after.incident == row.incident


def budgets_hold(host: LiveHost, jumped: bool) -> None:
    """Count the orders themselves, not what the state believes of them."""
    if jumped:
        return
    orders = [(one.at, (one.event.unit, *one.event.also)) for one in host.recorded if _is_order(one.event)]
    for unit in UNITS:
        times = [at for at, touched in orders if unit in touched]
        assert most_within(times, POLICY.per_unit.within) <= POLICY.per_unit.attempts
        assert most_within(times, timedelta(hours=24)) <= POLICY.per_unit.per_day
        assert most_within(times, POLICY.per_host.within) <= POLICY.per_host.actions // 2
    assert most_within([at for at, _ in orders], POLICY.per_host.within) <= POLICY.per_host.actions


def _is_order(event: ev.Event) -> bool:
    return isinstance(event, ev.ActionRequested)


def most_within(times: list[datetime], span: timedelta) -> int:
    return max((sum(begin <= at < begin + span for at in times) for begin in times), default=0)


def closed_never_change(host: LiveHost) -> None:
    closed: set[int] = set()
    state = State()
    for row in host.recorded:
        state = fold(state, row)
        assert not closed & set(state.incidents)
        if isinstance(row.event, (ev.IncidentClosed, ev.IncidentWithdrawn, ev.SuspectCleared)):
            closed.add(row.incident or 0)


def no_page_goes_silent(host: LiveHost) -> None:
    """From paged, only an ack, a snooze, a suppression, good looks or a person's word lead to quiet."""
    state = State()
    for row in host.recorded:
        before = state.incidents.get(row.incident or 0)
        state = fold(state, row)
        after = state.incidents.get(row.incident or 0)
        if before is None or before.state is not Phase.PAGED or after is None or after.state is Phase.PAGED:
            continue
        ways = (ev.IncidentAcknowledged, ev.IncidentSnoozed, ev.RecoverySeen, ev.IncidentResolved, ev.IncidentWithdrawn)
        assert isinstance(row.event, ways), row
    for incident in host.agent.state.open_incidents:
        if incident.state is Phase.PAGED and incident.level and incident.suppressed_by not in SILENT:
            assert incident.next_level_at is not None or incident.page_again


def keys_are_their_own(host: LiveHost) -> None:
    keys = [one.key for one in host.events(ev.NotificationQueued)]
    assert len(keys) == len(set(keys))
    assert {one.notifier for one in host.events(ev.NotificationQueued)} <= {"mail", "hook", "phone", JOURNAL}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(steps, min_size=3, max_size=25))
def test_whatever_happens_the_promises_hold(story: list[tuple[str, object]]) -> None:
    host = lived(story)

    replayed, skipped = replay(State(), host.recorded)
    assert skipped == 0
    assert replayed == host.agent.state
    told_rows_follow_levels(host)
    budgets_hold(host, jumped=any(verb == "jump" for verb, _ in story))
    closed_never_change(host)
    no_page_goes_silent(host)
    keys_are_their_own(host)


def test_a_day_of_deaths_every_eleven_minutes_keeps_to_the_budget_and_is_told_once_as_chronic() -> None:
    policy = replace(POLICY, checks=(replace(CALM, name="web", unit="web.service"),))
    host = LiveHost(policy)
    service = host.serve("web.service")
    host.run(seconds=60)

    for _ in range(130):
        if service.is_ready(host.now):
            host.kill("web.service")
        host.run(minutes=11)

    budgets_hold(host, jumped=False)
    assert len(service.restarts) == 8
    assert [one.signs for one in host.events(ev.ChronicHealing)] == [("too_many",), ("too_many", "periodic")]
    assert len([one for one in host.agent.state.open_incidents if one.key == "web.service/chronic"]) == 1


def test_what_is_healed_five_times_a_day_is_told_as_chronic_though_no_hour_had_three() -> None:
    policy = replace(POLICY, checks=(replace(CALM, name="web", unit="web.service"),))
    host = LiveHost(policy)
    host.serve("web.service")
    host.run(seconds=60)
    told = []

    for _ in range(5):
        host.kill("web.service")
        host.run(hours=4)
        told.append([(one.heals, one.within) for one in host.events(ev.ChronicHealing)])

    assert told == [[], [], [], [], [(5, timedelta(hours=24))]]


def test_every_policy_check_is_found_by_its_name() -> None:
    assert [POLICY.check(one.name) for one in CHECKS] == list(CHECKS)
    assert POLICY.check("nobody") is None
    assert [one.name for one in POLICY.checks_of("web.service")] == ["web", "port"]
