"""Which part of a look is believed, and what a check covers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opsagent.core.environment import Environment, Listener, Target, check_name, covers, unmonitored
from opsagent.core.environment.belief import believed, exposed, grouped, keys, sightings
from tests.core.environment.hosts import host, listener, program

REDIS = listener(6379)
DNS = listener(53, "named", protocol="udp")
CHOSEN = listener(40001, "rpc-statd", "0.0.0.0", chosen=True)


def listeners(seen: Environment, known: Environment | None = None, *earlier: Listener, down: tuple = ()) -> list:
    return list(believed(seen, known, sightings(earlier), down).listeners or ())


def test_a_fixed_port_is_believed_at_once_and_what_may_be_passing_at_the_second_look() -> None:
    seen = host(REDIS, DNS, CHOSEN)

    assert listeners(seen) == [REDIS]
    assert listeners(seen, None, DNS, CHOSEN) == [DNS, REDIS, CHOSEN]


def test_what_is_known_needs_no_second_look() -> None:
    assert listeners(host(REDIS, DNS), host(REDIS, DNS)) == [DNS, REDIS]


def test_a_listener_that_is_gone_stays_for_one_more_look() -> None:
    assert listeners(host(), host(REDIS), REDIS) == [REDIS]
    assert listeners(host(), host(REDIS)) == []


def test_a_program_that_moved_is_believed_at_once() -> None:
    assert listeners(host(listener(6380)), host(REDIS), REDIS) == [listener(6380)]


def test_the_ports_of_a_unit_that_is_down_are_not_gone() -> None:
    assert listeners(host(), host(REDIS), down=("redis-server.service",)) == [REDIS]


def test_what_could_not_be_read_is_as_it_was() -> None:
    known = host(REDIS, system="Debian 12")
    blind = Environment(kernel="6.1.0-1", unread=("listeners: no",))

    assert believed(blind, known, frozenset(), ()) == replace(known, unread=("listeners: no",))
    assert believed(blind, None, frozenset(), ()).listeners is None


def test_the_addresses_of_one_port_of_one_program_are_one_listener() -> None:
    sockets = [listener(80, "nginx", "::"), listener(80, "nginx", "0.0.0.0"), listener(443, "nginx", "0.0.0.0")]

    assert grouped(sockets) == (listener(80, "nginx", "0.0.0.0", "::"), listener(443, "nginx", "0.0.0.0"))


def test_of_the_ports_that_the_kernel_chose_one_stands_for_all_and_udp_ones_for_nothing() -> None:
    both = tuple(replace(CHOSEN, port=port) for port in (40001, 50001))

    assert grouped([*both, replace(CHOSEN, protocol="udp")]) == both
    assert listeners(host(*both), None, *both) == [CHOSEN]
    assert exposed(both, sightings(both), ()) == both[:1]


def test_a_program_that_opens_another_port_for_a_moment_again_and_again_is_nothing() -> None:
    now, before = replace(CHOSEN, port=40002), CHOSEN

    assert listeners(host(now), None, before) == []
    assert exposed([now], sightings([before]), ()) == ()


@pytest.mark.parametrize(
    ("one", "is_public"),
    [
        (program(1, "a", "127.0.0.1", "::1"), False),
        (program(1, "a", "127.0.0.53"), False),
        (program(1, "a", "fe80::1"), False),
        (program(1, "a", "fe80::1%eth0"), False),
        (program(1, "a", "0.0.0.0"), True),
        (program(1, "a", "::"), True),
        (program(1, "a", "127.0.0.1", "192.168.1.5"), True),
    ],
)
def test_a_listener_is_public_when_one_of_its_addresses_is(one: Listener, is_public: bool) -> None:
    assert one.is_public is is_public


def test_what_opens_to_the_network_is_told_at_the_second_look_and_once() -> None:
    new = program(8081, "python3", "0.0.0.0")

    assert exposed([new], (), ()) == ()
    assert exposed([new], sightings([new]), ()) == (new,)
    assert exposed([new], sightings([new]), keys([new])) == ()


def test_what_stays_on_this_host_or_is_watched_is_no_surprise() -> None:
    local, watched = program(8081, "python3"), program(8082, "python3", "0.0.0.0", watched_by=("web",))

    assert exposed([local, watched], sightings([local, watched]), ()) == ()


@pytest.mark.parametrize(
    ("target", "one", "yes"),
    [
        (Target(check="c", unit="redis-server.service"), REDIS, True),
        (Target(check="c", unit="other.service"), REDIS, False),
        (Target(check="c", port=6379), REDIS, True),
        (Target(check="c", port=6379, protocol="udp"), REDIS, False),
        (Target(check="c", host="127.0.0.1", port=6379), REDIS, True),
        (Target(check="c", host="localhost", port=6379), listener(6379, "r", "0.0.0.0"), True),
        (Target(check="c", host="127.0.0.1", port=6379), listener(6379, "r", "192.168.1.5"), False),
        (Target(check="c", host="192.168.1.5", port=6379), listener(6379, "r", "192.168.1.5"), True),
        (Target(check="c", host="192.168.1.9", port=6379), listener(6379, "r", "0.0.0.0"), False),
        (Target(check="c", host="db.example.org", port=6379), REDIS, False),
        (Target(check="c"), REDIS, False),
        (Target(check="", name="redis-server"), REDIS, True),
        (Target(check="", name="redis-server.service"), REDIS, True),
        (Target(check="", name="tcp 6379"), REDIS, True),
        (Target(check="", name="udp 6379"), REDIS, False),
        (Target(check="", name="python3"), program(80, "python3"), True),
    ],
)
def test_a_check_covers_the_port_that_it_would_miss(target: Target, one: Listener, yes: bool) -> None:
    assert covers(target, one) is yes


def test_what_nobody_watches_is_named_save_where_the_port_means_nothing() -> None:
    watched = replace(REDIS, watched_by=("redis",))

    assert unmonitored(host(watched, DNS, CHOSEN, program(80, "nc", ignored=True))) == (DNS,)


@pytest.mark.parametrize(
    ("unit", "name"),
    [
        ("redis-server.service", "redis-server-80"),
        ("postgresql@15-main.service", "postgresql-15-main-80"),
        (None, "port-80"),
    ],
)
def test_the_check_that_would_watch_it_has_a_name(unit: str | None, name: str) -> None:
    assert check_name(unit, 80) == name
