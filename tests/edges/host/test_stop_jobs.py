"""Which stop was asked for, told from lines alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from opsagent.core.unit import StopSeen
from opsagent.host.stop_jobs import LineKind, UnitLine, asked_by, stops_among

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BOUND = {"api.service": ("redis.service",)}


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def line(seconds: float, unit: str, kind: LineKind, job_type: str = "", job: str = "") -> UnitLine:
    return UnitLine(cursor=f"{unit}-{seconds}", at=at(seconds), unit=unit, kind=kind, job_type=job_type, job=job)


def stopping(seconds: float, unit: str, job: str) -> UnitLine:
    return line(seconds, unit, LineKind.STOPPING, "stop", job)


def stopped(seconds: float, unit: str, job: str, job_type: str = "stop") -> UnitLine:
    return line(seconds, unit, LineKind.STOPPED, job_type, job)


def fell_with(*lines: UnitLine) -> list[tuple[str, str]]:
    return [(stop.unit, stop.fell_with) for stop in stops_among(lines, lines, BOUND)]


def test_a_stop_of_a_watched_unit_is_seen_and_no_other() -> None:
    lines = [stopped(0, "api.service", "1"), stopped(0, "other.service", "2")]

    assert stops_among(lines, lines, BOUND) == (StopSeen(unit="api.service", at=NOON),)


def test_the_first_half_of_a_stop_is_not_yet_one() -> None:
    assert fell_with(stopping(0, "api.service", "1")) == []


def test_a_restart_is_no_stop() -> None:
    assert fell_with(stopping(0, "api.service", "1"), stopped(1, "api.service", "1", "restart")) == []


def test_only_fresh_lines_are_told_but_older_ones_explain_them() -> None:
    failed = line(0, "redis.service", LineKind.FAILED)
    stop = stopped(1, "api.service", "1")

    assert stops_among([failed, stop], [stop], BOUND) == (
        StopSeen(unit="api.service", at=at(1), fell_with="redis.service"),
    )
    assert stops_among([failed, stop], [], BOUND) == ()


def test_two_seconds_are_near_and_three_are_not() -> None:
    assert fell_with(line(0, "redis.service", LineKind.FAILED), stopped(2, "api.service", "1")) == [
        ("api.service", "redis.service")
    ]
    assert fell_with(line(0, "redis.service", LineKind.FAILED), stopped(3, "api.service", "1")) == [("api.service", "")]


def test_the_two_seconds_count_from_where_the_stop_began_and_ended() -> None:
    slow = [stopping(0, "api.service", "1"), stopped(60, "api.service", "1")]

    assert fell_with(line(-1, "redis.service", LineKind.ENDED), *slow) == [("api.service", "redis.service")]
    assert fell_with(*slow, stopping(60.1, "redis.service", "2")) == [("api.service", "redis.service")]
    assert fell_with(line(-3, "redis.service", LineKind.FAILED), *slow) == [("api.service", "")]


def test_a_unit_it_is_not_bound_to_explains_nothing() -> None:
    assert fell_with(line(0, "nginx.service", LineKind.FAILED), stopped(1, "api.service", "1")) == [("api.service", "")]


def test_a_restart_that_somebody_asked_for_is_no_fall_and_one_by_systemd_itself_is() -> None:
    asked_for = [
        stopping(0, "redis.service", "7"),
        line(0.1, "redis.service", LineKind.ENDED),
        stopped(0.2, "redis.service", "7", "restart"),
    ]
    by_itself = [line(0.1, "redis.service", LineKind.FAILED), stopped(0.2, "redis.service", "7", "restart")]
    stop = stopped(1, "api.service", "1")

    assert fell_with(*asked_for, stop) == [("api.service", "")]
    assert fell_with(*by_itself, stop) == [("api.service", "redis.service")]


def test_sudo_names_the_last_person_who_stopped_this_unit() -> None:
    stop = StopSeen(unit="api.service", at=NOON)
    lines = [
        (at(-50), "  alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/systemctl stop api"),
        (at(-40), "  bob : TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/bin/systemctl stop redis api.service"),
        (at(-30), "  carol : TTY=pts/2 ; PWD=/ ; USER=root ; COMMAND=/bin/systemctl restart api.service"),
        (at(-20), "  dave : TTY=pts/3 ; PWD=/ ; USER=root ; COMMAND=/bin/systemctl stop api-two"),
        (at(5), "  erin : TTY=pts/4 ; PWD=/ ; USER=root ; COMMAND=/bin/systemctl stop api"),
        (at(-10), "pam_unix(sudo:session): session opened for user root by stop api"),
    ]

    assert asked_by(stop, lines) == "bob"
    assert asked_by(stop, []) == ""
