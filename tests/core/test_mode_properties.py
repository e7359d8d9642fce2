"""What holds whatever happens: nothing goes out under observe, nor under suggest without a word that is in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core import inbox
from opsagent.core.fold import replay
from opsagent.core.policy import Mode, Policy, RemedyRule
from opsagent.core.state import State
from opsagent.core.unit import HostConditions
from tests.core.live_host import LiveHost
from tests.core.test_repair_stories import CALM

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded

ITEMS = {
    ("api.service", "restart"): Mode.SUGGEST,
    ("web.service", "restart"): None,
    ("db.service", "restart"): Mode.OBSERVE,
}
CHECKS = tuple(
    replace(CALM, name=unit.partition(".")[0], unit=unit, repair=(RemedyRule(do=do, mode=mode),))
    for (unit, do), mode in ITEMS.items()
)
HALF_AN_HOUR = timedelta(minutes=30)

names = st.sampled_from(["api", "web", "db"])
steps = st.one_of(
    st.tuples(st.just("kill"), names),
    st.tuples(st.just("kill"), names),
    st.tuples(st.just("sick"), names),
    st.tuples(st.just("break"), names),
    st.tuples(st.just("mend"), names),
    st.tuples(st.just("approve"), names),
    st.tuples(st.just("approve"), names),
    st.tuples(st.just("repair"), names),
    st.tuples(st.just("trust"), names),
    st.tuples(st.just("revoke"), names),
    st.tuples(st.just("hold"), st.sampled_from(["", "root says so"])),
    st.tuples(st.just("mode"), st.sampled_from([*Mode])),
    st.tuples(st.just("sleep"), st.sampled_from([60, 1700, 4000])),
    st.tuples(st.just("pass"), st.sampled_from([30, 400, 1900])),
    st.tuples(st.just("pass"), st.sampled_from([30, 400, 1900])),
    st.tuples(st.just("pass"), st.sampled_from([30, 400, 1900])),
)


def do(host: LiveHost, verb: str, what: str) -> None:
    if verb == "kill" and host.services[f"{what}.service"].unit.active_state == "active":
        host.kill(f"{what}.service")
    elif verb in ("sick", "break", "mend"):
        service = host.services[f"{what}.service"]
        service.sick, service.can_start = "status" if verb == "sick" else "", verb != "break"
    elif verb in ("approve", "repair", "trust", "revoke"):
        host.ask(by_person(host, verb, what))
    elif verb == "hold":
        host.conditions = HostConditions(hold=what)
        host.take(inbox.HostSeen(conditions=host.conditions))
    elif verb == "mode":
        host.take(inbox.SettingsRead(policy=replace(host.agent.policy, mode=Mode(what)), digest=what, text=""))
    elif verb == "sleep":
        host.sleep(seconds=float(what))
    elif verb == "pass":
        host.run(seconds=float(what))


def by_person(host: LiveHost, verb: str, what: str) -> cmd.Command:
    if verb == "approve":
        waiting = [one for one in host.agent.state.open_incidents if one.suggestion is not None]
        return cmd.Approve(by="anna", incident=(waiting and waiting[0].label) or "OPS-20000101-001")
    if verb == "repair":
        return cmd.RepairNow(by="anna", check=what)
    return cmd.Trust(by="anna", check=what, remedy="restart", revoke=verb == "revoke")


def word_in_time(rows: list[Recorded], order: Recorded) -> bool:
    """Whether the last word of a person about this incident counts for this order; read from the log alone."""
    mine = [row for row in rows if row.incident == order.incident and row.seq < order.seq]
    words = [row for row in mine if isinstance(row.event, (ev.RepairApproved, ev.RepairAsked))]
    if not words or order.at - words[-1].at >= HALF_AN_HOUR:
        return False
    used = [row for row in mine if isinstance(row.event, (ev.ActionRequested, ev.ActionRefused, ev.RecoverySeen))]
    if any(row.seq > words[-1].seq for row in used):
        return False
    return isinstance(words[-1].event, ev.RepairAsked) or was_asked(mine, words[-1])


def was_asked(mine: list[Recorded], word: Recorded) -> bool:
    asked = [row for row in mine if isinstance(row.event, ev.RepairSuggested) and row.seq < word.seq]
    last = asked[-1].event if asked else None
    return isinstance(last, ev.RepairSuggested) and word.at < last.until and last.remedy == "restart"


def is_trusted(rows: list[Recorded], order: Recorded, unit: str) -> bool | None:
    """Return what was last said of its remedy: trusted, lowered, or nothing."""
    kinds = (ev.TrustGiven, ev.TrustRevoked, ev.RemedyLowered, ev.TrustForgotten)
    said = [row.event for row in rows if row.seq < order.seq and isinstance(row.event, kinds)]
    last = next((one for one in reversed(said) if one.key == unit), None)
    return None if last is None else isinstance(last, ev.TrustGiven)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mode=st.sampled_from([*Mode]), story=st.lists(steps, min_size=4, max_size=14))
def test_no_order_goes_out_under_observe_nor_under_suggest_without_a_word_in_time(mode, story):
    host = LiveHost(Policy(host="web-1", mode=mode, checks=CHECKS))
    for unit, _ in ITEMS:
        host.serve(unit)
    host.run(seconds=60)
    for verb, what in story:
        do(host, verb, str(what))
        host._settle()

    rows, of_file = host.recorded, mode
    for row in rows:
        if isinstance(row.event, ev.SettingsApplied):
            of_file = Mode(row.event.mode)
        if not isinstance(row.event, ev.ActionRequested):
            continue
        unit = row.event.unit
        written = {of_file, ITEMS[unit, row.event.remedy] or of_file}
        assert Mode.OBSERVE not in written, "an order under observe"
        trusted = is_trusted(rows, row, unit)
        asks = trusted is not True and (trusted is False or Mode.SUGGEST in written)
        assert not asks or (row.event.by and word_in_time(rows, row)), "an order without a word"
    state, skipped = replay(State(), rows)
    assert (state, skipped) == (host.agent.state, 0)


def test_the_stories_above_do_send_orders_of_each_kind():
    """Else what holds of every order would hold of none."""
    host = LiveHost(Policy(host="web-1", mode=Mode.AUTO, checks=CHECKS))
    for unit, _ in ITEMS:
        host.serve(unit)
    host.run(seconds=60)
    for verb, what in [("kill", "api"), ("kill", "web"), ("pass", "30"), ("approve", "api"), ("pass", "5")]:
        do(host, verb, what)
        host._settle()

    orders = [(one[2].unit, one[2].mode) for one in host.orders.acted]
    assert orders == [("web.service", "auto"), ("api.service", "suggest")]
