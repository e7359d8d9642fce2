"""One answer for all looks that wait for it, and none that is older than the look."""

from __future__ import annotations

import itertools
import threading

import pytest

from opsagent.checks.wire import sharing
from opsagent.checks.wire.sharing import Shared


def test_looks_that_wait_while_another_asks_share_the_next_answer_which_is_none_from_before_they_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = itertools.count()
    seen: list[int] = []
    monkeypatch.setattr(sharing.time, "monotonic", lambda: seen.append(next(clock)) or seen[-1])
    shared: Shared[int] = Shared()
    asked: list[int] = []
    answers: list[int] = []
    asking, go_on = threading.Event(), threading.Event()

    def ask() -> int:
        asked.append(len(asked) + 1)
        number = asked[-1]
        asking.set()
        assert go_on.wait(30)
        return number

    def look() -> None:
        answers.append(shared.answer(ask, 30))

    first = threading.Thread(target=look)
    first.start()
    assert asking.wait(30)
    waiting = [threading.Thread(target=look) for _ in range(7)]
    for thread in waiting:
        thread.start()
    while len(seen) < 2 + len(waiting):  # the first began, and asked; each of the others began
        go_on.wait(0.001)
    go_on.set()
    for thread in (first, *waiting):
        thread.join(30)

    assert sorted(answers) == [1, *[2] * 7]
    assert shared.answer(ask, 30) == 3


def test_what_asking_raises_is_raised_and_the_next_look_asks_again() -> None:
    shared: Shared[int] = Shared()
    with pytest.raises(ZeroDivisionError):
        shared.answer(lambda: 1 // 0, 30)

    assert shared.answer(lambda: 1, 30) == 1


def test_a_turn_that_does_not_come_is_a_time_out() -> None:
    shared: Shared[int] = Shared()

    def ask() -> int:
        with pytest.raises(TimeoutError, match="others have waited"):
            shared.answer(lambda: 2, 0)
        return 1

    assert shared.answer(ask, 30) == 1
