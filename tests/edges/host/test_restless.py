"""What changes all the time is read at a pace, and nothing else is."""

from __future__ import annotations

from opsagent.host.restless import MOST, PACE, WITHIN, Changes


class Watch:
    """Seconds that we move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def read(changes: Changes, watch: Watch, *, every: float, seconds: float) -> int:
    """Return how often a unit is read that changes every so many seconds; each reading finds it changed."""
    end, reads = watch.now + seconds, 0
    while watch.now < end:
        watch.now += every
        if changes.may_read("loop.service"):
            changes.note("loop.service")
            reads += 1
    return reads


def test_a_unit_that_systemd_restarts_for_ever_is_read_at_once_at_first_and_then_every_15_s() -> None:
    watch = Watch()
    changes = Changes(watch)

    assert read(changes, watch, every=0.1, seconds=1.5) == 15, "a loop that ends at systemd's limit is all read"
    assert read(changes, watch, every=0.1, seconds=3600) <= 3600 / PACE + MOST
    assert changes.may_read("other.service")


def test_a_unit_that_changes_once_a_minute_is_always_read_at_once() -> None:
    watch = Watch()

    assert read(Changes(watch), watch, every=60, seconds=6000) == 100


def test_a_unit_that_has_been_quiet_is_read_at_once_again() -> None:
    watch = Watch()
    changes = Changes(watch)
    read(changes, watch, every=0.1, seconds=60)

    watch.now += WITHIN

    assert read(changes, watch, every=1, seconds=1) == 1
