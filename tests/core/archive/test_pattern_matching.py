"""Which pattern speaks of a failure: all its keys agree, of several most keys, then a verified one, then the newest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.archive.allowed import refused_remedies
from opsagent.core.archive.failure import Failure, failure_of
from opsagent.core.archive.matching import expressions_for, matching, speaks_of
from opsagent.core.archive.pattern import Match, Named, Pattern, Said
from opsagent.core.archive.trial import tried
from opsagent.core.diagnosis.evidence import Evidence, line_of
from opsagent.core.incident import Incident, Moment
from opsagent.core.phase import Phase
from opsagent.core.policy import CheckPolicy, Policy, RemedyRule
from opsagent.core.unit import UnitSnapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
FAILURE = Failure(
    name="shop.service",
    results=frozenset({"exit-code"}),
    exits=frozenset({"1"}),
    cause="disk-full",
    failure_class="dead",
    said={"No space": "write: No space left"},
)


def pattern(slug: str = "a", **more: object) -> Pattern:
    keys = {name: more.pop(name) for name in ("unit", "result", "exit", "cause", "log") if name in more}
    match = Match(**{name: (value,) if isinstance(value, str) else value for name, value in keys.items()})  # type: ignore[arg-type]
    return Pattern(slug=slug, title=slug, match=match, **more)  # type: ignore[arg-type]


def best(*patterns: Pattern, failure: Failure = FAILURE) -> str:
    found = matching(patterns, failure)
    return found.pattern.slug if found is not None else ""


@given(st.text("ab*?", max_size=12), st.text("ab", min_size=1, max_size=12))
def test_a_glob_agrees_with_what_a_shell_would_take(glob: str, name: str) -> None:
    assert speaks_of(Match(unit=(glob,)), name) is fnmatchcase(name, glob)


@pytest.mark.parametrize(
    ("match", "agrees"),
    [
        ({"unit": "shop.service"}, True),
        ({"unit": "shop"}, True),
        ({"unit": "sh*"}, True),
        ({"unit": ("api", "shop")}, True),
        ({"unit": "api"}, False),
        ({"cause": "disk-full"}, True),
        ({"cause": "dead"}, True),
        ({"cause": "port-taken"}, False),
        ({"result": "exit-code", "exit": ("2", "1")}, True),
        ({"exit": "SIGKILL"}, False),
        ({"log": ("nothing", "No space")}, True),
        ({"log": "nothing"}, False),
        ({"unit": "shop", "cause": "port-taken"}, False),
        ({}, False),
        ({"unit": "shop", "status": "retired"}, False),
        ({"cause": "dead", "fingerprint": "shop.service|unit|dead"}, False),
    ],
)
def test_keys_must_all_agree_and_items_one(match: dict[str, object], *, agrees: bool) -> None:
    assert bool(best(pattern(**match))) is agrees


@pytest.mark.parametrize("spelled", ["SIGKILL", "KILL", "sigkill", "9/KILL"])
def test_a_signal_may_be_spelled_as_people_and_systemd_do(spelled: str) -> None:
    assert best(pattern(exit=spelled), failure=replace(FAILURE, exits=frozenset({"SIGKILL"}))) == "a"


def test_most_keys_win_then_a_verified_one_then_the_newest() -> None:
    broad = pattern("broad", unit="*", verified=True, saved_at=NOON)
    narrow = pattern("narrow", unit="*", cause="disk-full")
    sure = pattern("sure", unit="shop", cause="disk-full", verified=True)
    new = pattern("new", unit="shop", cause="dead", saved_at=NOON)

    assert best(broad, narrow) == "narrow"
    assert best(narrow, new) == "new"
    assert best(new, sure, broad) == "sure"


def test_it_says_by_what() -> None:
    found = matching([pattern(unit="sh*", log="No space")], FAILURE)

    assert found is not None
    assert found.because == 'unit shop.service, log "write: No space left"'


def test_only_expressions_that_may_matter_are_compared() -> None:
    mine, other = pattern(unit="shop", log="mine"), pattern(unit="api", log="other")

    assert expressions_for([mine, other, pattern(log=("any", "mine"))], "shop.service") == ("mine", "any")


INCIDENT = Incident(
    seq=1,
    key="shop.service",
    check="shop",
    checks=("shop",),
    unit="shop.service",
    state=Phase.REPAIRING,
    failure_class="dead",
    reason="x",
    first_bad_at=NOON,
)


def test_how_it_ended_is_known_from_the_log_when_the_unit_runs_again() -> None:
    lines = (
        "2026-11-27T12:00:00Z systemd[1]: shop.service: Main process exited, code=killed, status=9/KILL",
        "2026-11-27T12:00:00Z systemd[1]: shop.service: Failed with result 'signal'.",
        "2026-11-27T12:00:00Z systemd[77]: shop.service: Main process exited, code=exited, status=3/x",
    )
    alive = UnitSnapshot(name="shop.service", read_at=NOON, active_state="active")

    found = failure_of(INCIDENT, Evidence(unit=alive, log=tuple(map(line_of, lines))))

    assert (found.exits, found.results) == ({"SIGKILL"}, {"signal"})


def test_a_pattern_frees_nothing_that_the_settings_do_not_allow() -> None:
    checks = (
        CheckPolicy(name="shop", kind="unit", unit="shop.service", repair=(RemedyRule(do="restart"),)),
        CheckPolicy(name="api", kind="unit", unit="api.service", repair=(RemedyRule(do="act", name="renew"),)),
    )
    named = tuple(Named(do=do) for do in ("act renew", "restart", "tell", "restart"))
    policy, one = Policy(host="h", checks=checks), pattern(unit="shop", remedies=named)

    assert refused_remedies(one, policy) == ("act renew",)
    assert refused_remedies(one, policy, "api.service") == ("restart",)
    assert refused_remedies(replace(one, match=Match(cause=("x",))), policy) == ()


def test_a_trial_says_of_which_incidents_a_pattern_speaks_and_why_not_of_others() -> None:
    lines = ("write: No space left", "bye")
    told = Moment(seq=2, at=NOON, text="evidence: log", quoted=lines)
    other = replace(INCIDENT, seq=9, label="OPS-20261127-009", unit="api.service", cause="port-taken")
    mine = replace(INCIDENT, label="OPS-20261127-001", cause="disk-full", timeline=(told,))
    one = pattern(unit="shop", cause="disk-full", log="No space")

    def find(wanted: Iterable[str], seen: Sequence[str]) -> tuple[Said, ...]:
        return tuple(Said(expression=e, line=line) for e in wanted for line in seen if e in line)

    first, second = tried(one, [(mine, None), (other, None)], find)

    assert (first.matches, first.why_not) == (True, ())
    assert first.because == 'unit shop.service, cause disk-full, log "write: No space left"'
    assert (second.matches, second.because) == (False, "")
    assert second.why_not == (
        "unit: it was api.service",
        "cause: it was port-taken or dead",
        "log: no line on record says it",
    )
