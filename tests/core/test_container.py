from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.container import (
    Container,
    Restarts,
    Told,
    counted,
    is_container_name,
    judge,
    named,
    of_engine,
    recalled,
    restarted,
    text_of,
    told_in,
)
from opsagent.core.observation import Status

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
WEB = Container(
    engine="docker",
    name="web",
    image="nginx:1.27",
    state="running",
    health="",
    exit_code=0,
    restarts=0,
    started_at="2026-11-27T07:00:00.123456789Z",
)


@pytest.mark.parametrize(
    ("facts", "expected", "words"),
    [
        ({}, (Status.OK, None), "container web (docker, nginx:1.27) runs for 5 h"),
        ({"health": "healthy"}, (Status.OK, None), "runs for 5 h and is healthy"),
        ({"health": "starting"}, (Status.OK, None), "and is starting"),
        ({"health": "unhealthy"}, (Status.CRITICAL, "unhealthy"), "and is unhealthy"),
        ({"started_at": "nonsense"}, (Status.OK, None), "web (docker, nginx:1.27) runs"),
        ({"state": "exited", "exit_code": 137}, (Status.CRITICAL, "ended"), "ended with exit code 137 (signal 9)"),
        ({"state": "exited", "exit_code": 1}, (Status.CRITICAL, "ended"), "ended with exit code 1"),
        ({"state": "exited", "exit_code": 255}, (Status.CRITICAL, "ended"), "ended with exit code 255"),
        ({"state": "dead"}, (Status.CRITICAL, "ended"), "ended with exit code 0"),
        ({"state": "restarting", "exit_code": 2}, (Status.WARNING, "restarting"), "is restarted by its engine"),
        ({"state": "paused"}, (Status.CRITICAL, "paused"), "is paused"),
        ({"state": "created"}, (Status.CRITICAL, "created"), "is created: it was never started"),
        ({"state": "removing"}, (Status.CRITICAL, "state"), "is removing"),
    ],
)
def test_every_state_has_its_verdict(facts: dict[str, Any], expected: tuple[Status, str | None], words: str) -> None:
    reading = judge(replace(WEB, **facts), (), NOW)

    assert (reading.status, reading.failure_class) == expected
    assert words in reading.message


def seen(*numbers: int, every: float = 60) -> tuple[Restarts, datetime]:
    """Return what is kept of looks at these counts, the last one now."""
    begin = NOW - timedelta(seconds=every * (len(numbers) - 1))
    kept: Restarts = ()
    for place, number in enumerate(numbers):
        kept = counted(kept, replace(WEB, restarts=number), begin + timedelta(seconds=every * place))
    return kept, NOW


def test_three_restarts_within_ten_minutes_are_a_loop_also_while_it_runs() -> None:
    kept, now = seen(7, 8, 8, 9, 10)

    reading = judge(replace(WEB, restarts=10), kept, now)

    assert (reading.status, reading.failure_class) == (Status.CRITICAL, "loop")
    assert reading.message.endswith("restarted 3 times within 10 min")
    assert [(measure.name, measure.value) for measure in reading.measures] == [("restarts", 3)]


def test_restarts_of_long_ago_do_not_count() -> None:
    assert restarted(*seen(1, 2, 3, *[3] * 12)) == 0
    assert restarted(*seen(1, 2, 2, 2, *[3] * 8)) == 1
    assert restarted(*seen(5)) == 0
    assert restarted((), NOW) == 0


def test_a_container_that_was_made_anew_begins_to_count_anew() -> None:
    assert restarted(*seen(5, 9, 0, 1)) == 1


def test_a_clock_set_back_begins_to_count_anew() -> None:
    kept, _ = seen(1, 2, 3)

    assert restarted(counted(kept, replace(WEB, restarts=4), NOW - timedelta(hours=1)), NOW) == 0


@given(st.lists(st.integers(0, 50), min_size=1, max_size=300), st.floats(1, 3600))
def test_what_is_kept_stays_small_and_never_counts_below_nothing(numbers: list[int], every: float) -> None:
    kept, now = seen(*numbers, every=every)

    assert restarted(kept, now) >= 0
    assert [number for _, number in kept] == sorted({number for _, number in kept})
    assert recalled(str([list(point) for point in kept])) == kept


@pytest.mark.parametrize("kept", ["", "{}x", "[1]", "null", '[["a", 1]]'])
def test_what_was_kept_and_cannot_be_read_is_nothing(kept: str) -> None:
    assert recalled(kept) == ()


# What Docker says of a container without and with a health check; fields that are not read are left out.
DOCKER = {
    "Name": "/web",
    "RestartCount": 2,
    "Config": {"Image": "nginx:1.27", "Env": ["PASSWORD=secret"]},
    "State": {"Status": "running", "ExitCode": 0, "StartedAt": "2026-11-27T07:00:00.123456789Z"},
}


def test_docker_is_understood_and_nothing_else_of_it_is_taken() -> None:
    plain = of_engine("docker", DOCKER)
    checked = of_engine("docker", {**DOCKER, "State": {**DOCKER["State"], "Health": {"Status": "healthy"}}})
    off = of_engine("docker", {**DOCKER, "State": {**DOCKER["State"], "Health": {"Status": "none"}}})
    never = of_engine("docker", {**DOCKER, "State": {**DOCKER["State"], "StartedAt": "0001-01-01T00:00:00Z"}})

    assert plain == off == replace(WEB, restarts=2)
    assert checked.health == "healthy"
    assert never.started_at == ""
    assert "secret" not in text_of(Told(containers=(plain,)))


@pytest.mark.parametrize(
    "found",
    [
        {},
        {**DOCKER, "State": None},
        {**DOCKER, "Name": 5},
        {**DOCKER, "State": {**DOCKER["State"], "ExitCode": "x"}},
        [],
    ],
)
def test_an_answer_in_other_words_is_refused(found: Any) -> None:
    with pytest.raises(ValueError, match="in words that are not known"):
        of_engine("docker", found)


TEXT = st.text(max_size=10)
CONTAINERS = st.builds(
    Container,
    engine=TEXT,
    name=TEXT,
    image=TEXT,
    state=TEXT,
    health=TEXT,
    exit_code=st.integers(),
    restarts=st.integers(),
    started_at=TEXT,
)


@given(
    st.builds(
        Told, engines=st.tuples(TEXT), asked=st.tuples(TEXT), containers=st.tuples(CONTAINERS), errors=st.tuples()
    )
)
def test_what_the_reader_writes_is_read_back(told: Told) -> None:
    assert told_in(text_of(told)) == told


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"engines": 1}', '{"engines": [], "asked": [], "errors": [], "containers": [{}]}']
)
def test_what_the_reader_does_not_write_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        told_in(text)


def test_of_two_engines_with_one_name_the_one_that_runs_it_is_meant() -> None:
    old = replace(WEB, state="exited")
    new = replace(WEB, engine="podman")

    assert named("web", "", (old, new)) is new
    assert named("web", "docker", (old, new)) is old
    assert named("web", "podman", (old,)) is None
    assert named("db", "", (old, new)) is None


def test_a_name_is_a_name_and_never_a_path() -> None:
    assert all(map(is_container_name, ("web", "a.b_c-1", "9")))
    assert not any(map(is_container_name, ("", "-a", "a/b", "a b", "a?x", "../x", "ä", "a" * 200)))
