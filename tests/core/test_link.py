from __future__ import annotations

from dataclasses import replace

import pytest

from opsagent.core.link import Counters, Link, Reach, Seen, recalled, since, text_of

ETH = Link(
    name="eth0",
    made="boot/2",
    on=True,
    state="up",
    carrier=True,
    counters=Counters(received=1000, sent=500, sent_dropped=3),
    at=100.0,
)


def later(**counters: int) -> Link:
    grown = {name: getattr(ETH.counters, name) + by for name, by in counters.items()}
    return replace(ETH, counters=replace(ETH.counters, **grown))


def test_what_was_counted_since_the_look_before_is_the_difference() -> None:
    counted = since(recalled(text_of(ETH)), later(received=900, received_damaged=60, sent=40, received_dropped=250))

    assert counted == Counters(received=900, received_damaged=60, sent=40, received_dropped=250)
    assert (counted.packets, counted.damaged, counted.dropped) == (1000, 60, 250)
    assert (counted.damaged_percent(), counted.dropped_percent()) == (6, 20)


@pytest.mark.parametrize(
    "now",
    [
        later(received=-1),  # wrapped around, or the driver began anew
        replace(later(received=5), made="boot/3"),  # another interface of that name
        replace(later(received=5), made="next/2"),  # the host was booted
        replace(later(received=5), name="eth1"),  # the default route moved
    ],
)
def test_counters_that_began_anew_are_compared_with_nothing(now: Link) -> None:
    assert since(recalled(text_of(ETH)), now) is None


def test_a_few_damaged_packets_are_no_share() -> None:
    assert Counters(received=20, received_damaged=9).damaged_percent() == 0
    assert Counters(received=10, received_damaged=10).damaged_percent() == 50


@pytest.mark.parametrize("kept", ["", "null", '{"name": "a"}', '{"name": "a", "made": "b", "counters": {"x": 1}}'])
def test_what_was_kept_and_cannot_be_read_is_nothing(kept: str) -> None:
    assert recalled(kept) == Seen()


def test_loss_and_latency_are_of_all_connections_and_of_those_that_were_answered() -> None:
    some = Reach(asked=5, took=(0.5, 0.1, 0.2), silent=2, why="no answer")

    assert (some.lost_percent, some.latency) == (40, 0.2)
    assert (Reach(asked=4, took=()).lost_percent, Reach(asked=4, took=()).latency) == (100, None)
