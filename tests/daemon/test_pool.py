"""Threads for looks: what cannot be started now harms nobody."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from opsagent.daemon.pool import Pool

if TYPE_CHECKING:
    import pytest


def test_work_that_finds_no_thread_at_the_limit_of_tasks_is_done_by_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    pool, first, second = Pool("look", 1), threading.Event(), threading.Event()
    with monkeypatch.context() as during:
        during.setattr(threading.Thread, "start", full)
        pool.submit(first.set)
    pool.submit(second.set)

    assert first.wait(5)
    assert second.wait(5)


def test_work_that_waits_for_slow_work_gets_a_thread_of_its_own_up_to_a_limit() -> None:
    pool, release, done = Pool("look", 1), threading.Event(), threading.Semaphore(0)
    pool.submit(lambda: release.wait(10))
    for _ in range(3):
        pool.submit(lambda: done.release() or release.wait(10))  # type: ignore[func-returns-value]
    assert not done.acquire(blocking=False)

    pool.relieve(3)

    assert done.acquire(timeout=5)
    assert done.acquire(timeout=5)
    assert not done.acquire(blocking=False)
    release.set()
    assert done.acquire(timeout=5)


def test_work_that_fails_does_not_take_its_thread_with_it() -> None:
    pool, done = Pool("read", 1), threading.Event()

    pool.submit(lambda: next(iter(())))
    pool.submit(done.set)

    assert done.wait(5)
