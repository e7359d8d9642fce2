"""Which remedy is next: the table of causes, the archive, what worked before; never more than the settings allow."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.archive.pattern import Archive, Match, Named, Pattern
from opsagent.core.choice import choose, worth
from opsagent.core.diagnosis import Cause
from opsagent.core.diagnosis.evidence import Evidence, FileSystem
from opsagent.core.environment import Listener
from opsagent.core.experience import Experience, Spell, Tally, Try
from opsagent.core.futile import futile
from opsagent.core.incident import Action, Incident
from opsagent.core.phase import Outcome, Phase
from opsagent.core.policy import RemedyRule
from opsagent.core.state import State
from opsagent.core.unit import UnitSnapshot
from opsagent.core.world import Facts, World
from tests.core.story_host import NOON
from tests.core.test_stories import API, POLICY

KIND = "api.service|http|killed"
LABELS = ("reload", "restart", "act renew", "reclaim", "signal SIGABRT", "restore", "command")
BEFORE = NOON - timedelta(days=2)


def rule(label: str) -> RemedyRule:
    do, _, name = label.partition(" ")
    return RemedyRule(do=do, name=name)


def check(*labels: str):
    return replace(API, repair=tuple(map(rule, labels)))


def tried(label: str, *outcomes: bool, seconds: float = 2.0) -> Tally:
    tries = tuple(Try(at=BEFORE, worked=worked, seconds=seconds if worked else None) for worked in outcomes)
    return Tally(label=label, tries=tries)


def incident(*actions: str, cause: str | None = None, **more: object) -> Incident:
    done = tuple(
        Action(
            seq=20 + place,
            at=NOON + timedelta(seconds=place),
            remedy=rule(label).do,
            name=rule(label).name,
            unit="api.service",
            outcome=Outcome.FAILED,
            reason="still bad",
            attempt=place + 1,
            ended_at=NOON + timedelta(seconds=place + 0.5),
            result="done",
        )
        for place, label in enumerate(actions)
    )
    values = {"certainty": "sure" if cause else "", "fingerprint": KIND, "cause": cause, "actions": done} | more
    return Incident(
        seq=11,
        key="api.service",
        check="api",
        checks=("api",),
        unit="api.service",
        state=Phase.REPAIRING,
        failure_class="refused",
        reason="connection refused",
        first_bad_at=NOON,
        **values,  # type: ignore[arg-type]
    )


def world(
    *tallies: Tally,
    spells: tuple[Spell, ...] = (),
    patterns: tuple[Pattern, ...] = (),
    near: Evidence | None = None,
    unit: UnitSnapshot | None = None,
) -> World:
    known = Experience(fingerprint=KIND, tallies=tallies, spells=spells)
    state = State(
        experience={KIND: known},
        archive=Archive(patterns=patterns),
        units={unit.name: unit} if unit is not None else {},
    )
    facts = {"api.service": Facts(unit="api.service", at=NOON, snapshot=unit, evidence=near)}
    return World(state=state, policy=POLICY, looks={}, now=NOON, facts=facts)


def chosen(world_: World, incident_: Incident, *labels: str) -> str:
    return choose(world_, incident_, check(*labels)).rule.label


def test_without_experience_the_order_of_the_settings_counts() -> None:
    assert chosen(world(), incident(), "reload", "restart") == "reload"


def test_each_try_in_vain_moves_on_and_the_last_one_repeats() -> None:
    tries = [chosen(world(), incident(*("reload", "restart", "restart")[:n]), "reload", "restart") for n in range(4)]
    assert tries == ["reload", "restart", "restart", "restart"]


def test_when_all_was_tried_what_worked_most_repeats() -> None:
    known = world(tried("reload", False), tried("restart", True, True))
    tries = [chosen(known, incident(*("restart", "reload", "restart")[:n]), "reload", "restart") for n in range(4)]
    assert tries == ["restart", "reload", "restart", "restart"]


def test_what_fails_in_this_spell_does_not_turn_the_order_around() -> None:
    now = Tally(label="restart", tries=(*tried("restart", True).tries, Try(at=NOON, worked=False)))
    assert chosen(world(now), incident("restart"), "restart", "reload") == "reload"
    assert choose(world(now), incident(), check("restart")).why.startswith("restart worked 1 of 1 times")


def test_what_worked_before_comes_first_and_the_sentence_says_so() -> None:
    found = choose(
        world(tried("reload", False, False, False), tried("restart", True, True, False, True, True)),
        incident(),
        check("reload", "restart"),
    )
    assert found.rule.do == "restart"
    assert found.sentence == (
        "restart worked 4 of 5 times for this failure, median 2 s; "
        "reload skipped: it never worked for this failure (0 of 3)"
    )


def test_one_lucky_success_does_not_rule_over_eight_of_ten() -> None:
    often = tried("restart", *[True] * 8, False, False)
    assert chosen(world(often, tried("act renew", True)), incident(), "act renew", "restart") == "restart"


def test_what_comes_back_by_itself_as_often_is_worth_nothing() -> None:
    alone = tuple(Spell(seconds=30, came_back=True) for _ in range(9))
    known = Experience(fingerprint=KIND, tallies=(tried("restart", *[True] * 9, seconds=40),), spells=alone)
    assert worth(known, "restart") == pytest.approx(0)
    assert worth(replace(known, spells=()), "restart") > 0.3


def test_a_spell_that_was_cut_short_by_a_repair_says_nothing_of_the_time_after() -> None:
    cut = tuple(Spell(seconds=0.2, came_back=False) for _ in range(9))
    assert Experience(fingerprint=KIND, spells=cut).alone(60) == (0, 0)


CALLED = [
    (Cause.DISK_FULL, "reclaim"),
    (Cause.INODES_USED_UP, "reclaim"),
    (Cause.CERTIFICATE_EXPIRED, "act renew"),
    (Cause.HANG, "signal SIGABRT"),
    (Cause.BAD_CONFIGURATION, "restore"),
]


@pytest.mark.parametrize(("cause", "label"), CALLED)
def test_a_cause_calls_for_its_remedy_before_anything_else(cause: Cause, label: str) -> None:
    found = choose(world(), incident(cause=cause.value), check("restart", label))
    assert (found.rule.label, found.why) == (label, f"{label} is what {cause.value} calls for")


def test_disk_is_not_freed_for_what_was_killed() -> None:
    assert chosen(world(), incident(cause="killed"), "reclaim", "restart") == "restart"


def test_what_people_wrote_in_the_archive_comes_before_the_table_and_before_the_settings() -> None:
    mine = Pattern(slug="api-disk", title="Disk", match=Match(), remedies=(Named(do="act renew"), Named(do="rm -rf /")))
    found = choose(
        world(patterns=(mine,)),
        incident(cause="disk-full", pattern="api-disk"),
        check("restart", "reclaim", "act renew"),
    )
    assert (found.rule.label, found.why) == ("act renew", "act renew is named by failures/patterns/api-disk.md")


def test_what_we_wrote_ourselves_is_no_word_of_people() -> None:
    ours = Pattern(slug="api-disk", title="Disk", match=Match(), remedies=(Named(do="act renew"),), ours=True)
    assert chosen(world(patterns=(ours,)), incident(pattern="api-disk"), "restart", "act renew") == "restart"


def test_a_pattern_may_say_to_tell_a_person_at_once_or_after_what_it_names() -> None:
    at_once = Pattern(slug="a", title="A", match=Match(), remedies=(Named(do="tell"),))
    later = replace(at_once, slug="b", remedies=(Named(do="restart"), Named(do="tell")))
    now = world(patterns=(at_once, later))
    restart = rule("restart")

    assert futile(now, incident(pattern="a"), API, restart) == "failures/patterns/a.md says to tell a person"
    assert futile(now, incident(pattern="b"), API, restart) == ""
    assert futile(now, incident("restart", pattern="b"), API, restart) == "failures/patterns/b.md says to tell a person"
    forbidden = world(patterns=(replace(later, remedies=(Named(do="rm -rf /"), Named(do="tell"))),))
    assert futile(forbidden, incident(pattern="b"), API, restart) == "failures/patterns/b.md says to tell a person"


def held(cause: Cause, near: Evidence, *actions: str, **more: object) -> str:
    return futile(world(near=near), incident(*actions, cause=cause.value, **more), API, rule("restart"))


def test_a_taken_port_holds_every_start_until_it_is_free() -> None:
    because = "port 80 is held by nginx (nginx.service)"
    nginx = Listener(protocol="tcp", addresses=("0.0.0.0",), port=80, process="nginx", unit="nginx.service")
    taken = Evidence(listeners=(nginx,))
    about = {"cause_port": 80, "because": because}

    said = held(Cause.PORT_TAKEN, taken, **about)

    assert said.startswith(because)
    assert held(Cause.PORT_TAKEN, Evidence(), **about) == ""
    assert held(Cause.PORT_TAKEN, taken, certainty="likely", **about) == ""
    assert held(Cause.PORT_TAKEN, Evidence(listeners=(replace(nginx, unit="api.service"),)), **about) == ""


def test_a_full_disk_holds_a_start_until_something_is_freed() -> None:
    full = Evidence(systems=(FileSystem(path="/srv", used=100.0),))
    freed = Evidence(systems=(FileSystem(path="/srv", used=80.0),))
    assert held(Cause.DISK_FULL, full, cause_path="/srv").startswith("/srv is 100 % full: a restart cannot help")
    assert held(Cause.DISK_FULL, freed, cause_path="/srv") == ""


def test_what_is_killed_for_memory_is_restarted_once() -> None:
    unit = UnitSnapshot(name="api.service", read_at=NOON, active_state="failed", result="oom-kill")
    near = Evidence(unit=unit)
    assert held(Cause.OUT_OF_MEMORY, near) == ""
    assert held(Cause.OUT_OF_MEMORY, near, "restart").startswith("it was restarted once and killed for memory again")
    assert held(Cause.OUT_OF_MEMORY, Evidence(unit=replace(unit, result="signal")), "restart") == ""


@pytest.mark.parametrize("cause", [Cause.CERTIFICATE_EXPIRED, Cause.CANNOT_RUN, Cause.UNKNOWN_USER, Cause.SANDBOX])
def test_what_every_start_finds_as_it_was_is_started_once_and_again_after_an_hour(cause: Cause) -> None:
    said = held(cause, Evidence(), "restart", because="it is so")
    assert said == "it is so, also after a restart: a person must mend it"
    assert held(cause, Evidence(), because="it is so") == ""
    assert held(cause, Evidence(), "restart", "act renew", because="it is so") == ""
    assert held(cause, Evidence(), "restart", because="it may be so", certainty="likely") == ""
    later = replace(world(near=Evidence()), now=NOON + timedelta(hours=1, minutes=1))
    assert futile(later, incident("restart", cause=cause.value), API, rule("restart")) == ""


def test_the_person_who_is_told_sees_how_its_memory_went() -> None:
    unit = UnitSnapshot(name="api.service", read_at=NOON, active_state="failed", result="oom-kill")
    known = world(near=Evidence(unit=unit))
    grown = replace(known, state=replace(known.state, memory={"api.service": (100e6, 300e6, 500e6)}))

    said = futile(grown, incident("restart", cause="out-of-memory"), API, rule("restart"))

    assert said.endswith("; its memory at the heartbeats, 95 to 477 MiB: ▃▆█")


def test_a_configuration_that_was_just_changed_and_is_refused_is_not_started_again() -> None:
    said = held(Cause.BAD_CONFIGURATION, Evidence(), after_change="bad 4 min after api.conf changed")
    assert said == (
        "its configuration is refused, bad 4 min after api.conf changed: a restart cannot help, it must be mended"
    )
    assert held(Cause.BAD_CONFIGURATION, Evidence()) == ""


def test_what_was_put_back_is_started_again_also_after_systemd_refused_a_start() -> None:
    about = {"after_change": "bad 4 min after api.conf changed"}
    assert held(Cause.BAD_CONFIGURATION, Evidence(), "restore", "restart", **about) == ""


def test_a_person_who_asks_is_not_told_that_it_is_futile() -> None:
    nginx = Listener(protocol="tcp", addresses=("0.0.0.0",), port=80, process="nginx", unit="nginx.service")
    assert held(Cause.PORT_TAKEN, Evidence(listeners=(nginx,)), cause_port=80, asked_by="ann") == ""


RULES = st.lists(st.sampled_from(LABELS), min_size=1, max_size=5, unique=True)
TALLIES = st.lists(
    st.builds(tried, st.sampled_from((*LABELS, "docker x", "stop")), st.booleans(), st.booleans(), st.booleans()),
    max_size=6,
)
NAMED = st.lists(st.builds(Named, do=st.sampled_from((*LABELS, "tell", "rm -rf /", "start", "docker x"))), max_size=5)
EVIDENCE = st.builds(
    Evidence,
    systems=st.lists(st.builds(FileSystem, path=st.just("/srv"), used=st.floats(0, 100)), max_size=2).map(tuple),
)


@given(
    labels=RULES,
    tallies=TALLIES,
    named=NAMED,
    cause=st.sampled_from((None, *(one.value for one in Cause), "made up")),
    actions=st.lists(st.sampled_from(LABELS), max_size=5),
    near=st.none() | EVIDENCE,
    asked=st.sampled_from(("", *LABELS, "rm")),
    ours=st.booleans(),
)
def test_nothing_is_ever_chosen_that_the_settings_do_not_allow(  # noqa: PLR0917 - all that a choice depends on
    labels: list[str],
    tallies: list[Tally],
    named: list[Named],
    cause: str | None,
    actions: list[str],
    near: Evidence | None,
    asked: str,
    ours: bool,
) -> None:
    pattern = Pattern(slug="p", title="P", match=Match(), remedies=tuple(named), ours=ours)
    known = world(*tallies, patterns=(pattern,), near=near)
    about = incident(
        *actions, cause=cause, pattern="p", cause_path="/srv", asked_remedy=asked, asked_by="a" if asked else ""
    )
    armed = check(*labels)

    found = choose(known, about, armed)

    assert found.rule in armed.repair
    assert found.sentence
