"""Errands run beside the main loop, one of a kind at a time, and one that fails stops nobody."""

from __future__ import annotations

import queue
import threading

from opsagent.core.inbox import Arrival, LifeSigned
from opsagent.daemon.errands import Errands

WITHIN = 10  # seconds


def test_what_an_errand_found_is_posted_and_nothing_is_not() -> None:
    posted: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
    errands = Errands(posted.put)

    errands.begin("empty", lambda: None)
    errands.begin("full", lambda: LifeSigned(said="found"))

    assert posted.get(timeout=WITHIN) == LifeSigned(said="found")
    assert posted.empty()


def test_one_that_is_under_way_is_not_begun_again_and_one_that_failed_is() -> None:
    posted: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
    errands, go = Errands(posted.put), threading.Event()

    def fails() -> None:
        go.wait(WITHIN)
        raise RuntimeError("a mistake")

    first, second = errands.begin("same", fails), errands.begin("same", fails)
    go.set()
    while not errands.begin("same", lambda: LifeSigned(said="again")):
        pass

    assert (first, second) == (True, False)
    assert posted.get(timeout=WITHIN) == LifeSigned(said="again")
