"""The lookout: looks in parallel, and what is slow harms nobody."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from opsagent import checks
from opsagent.core.observation import Reading, Source, Status, ok
from opsagent.core.policy import CheckPolicy
from opsagent.daemon.lookout import Lookout
from opsagent.settings import Watched
from opsagent.store.notebook import Notebook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opsagent.core.inbox import Arrival, Looked


@dataclass(frozen=True)
class Waits:
    """A look that comes back when it is let go."""

    released: threading.Event

    def observe(self) -> Reading:
        self.released.wait(20)
        return ok("at last")


def test_many_slow_looks_do_not_delay_a_quick_one() -> None:
    release, free, seen = threading.Event(), threading.Event(), list[str]()
    free.set()

    def post(arrival: Arrival) -> None:
        seen.append(arrival.seen.check)  # type: ignore[union-attr]

    lookout = Lookout(post, lambda: datetime.now(UTC), 2, lambda _: None)
    names = [f"slow-{number}" for number in range(5)]
    checks = {name: Waits(release) for name in names} | {"quick": Waits(free)}
    lookout.watch(
        {name: Watched(policy=CheckPolicy(name=name, kind="http"), check=check) for name, check in checks.items()}, 2
    )
    for name in checks:
        lookout.look(name, Source.FAST_LOOP)

    deadline = time.monotonic() + 60
    while "quick" not in seen and time.monotonic() < deadline:
        lookout.stuck()
        time.sleep(0.02)

    assert seen == ["quick"]
    release.set()


@dataclass(frozen=True)
class Says:
    """A look that always says the same."""

    reading: Reading

    def observe(self) -> Reading:
        return self.reading


@pytest.mark.parametrize(
    ("reading", "heard"),
    [(Reading(status=Status.CRITICAL, message="down"), ["before: api", "critical"]), (ok("up"), ["ok"])],
    ids=["bad", "good"],
)
def test_bad_news_is_announced_before_it_is_posted_and_good_news_is_not(reading: Reading, heard: list[str]) -> None:
    said: queue.SimpleQueue[str] = queue.SimpleQueue()

    def post(arrival: Arrival) -> None:
        said.put(arrival.seen.reading.status)  # type: ignore[union-attr]

    lookout = Lookout(post, lambda: datetime.now(UTC), 1, lambda check: said.put(f"before: {check.name}"))
    lookout.watch({"api": Watched(policy=CheckPolicy(name="api", kind="http"), check=Says(reading))}, 1)

    lookout.look("api", Source.FAST_LOOP)

    assert [said.get(timeout=10) for _ in heard] == heard


class Hung:
    """A check that hangs until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def observe(self) -> Reading:
        self.let_go.wait(30)
        return ok("at last")


def test_no_heartbeat_waits_for_a_look_that_was_written_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsagent.daemon.lookout.GRACE", timedelta())
    stuck, posted = Hung(), queue.SimpleQueue[object]()
    looking = Lookout(posted.put, lambda: datetime.now(UTC), 1, lambda _: None)
    looking.watch({"nfs": Watched(policy=CheckPolicy(name="nfs", kind="disk", timeout=timedelta()), check=stuck)}, 1)
    looking.look("nfs", Source.HEARTBEAT)
    (look,) = looking.under_way()

    deadline = time.monotonic() + 60
    while not looking.stuck() and time.monotonic() < deadline:
        threading.Event().wait(0.01)

    assert not looking.is_awaited(look)
    assert not looking.look("nfs", Source.HEARTBEAT)  # and no second one hangs beside it
    assert looking.is_out("nfs")
    stuck.let_go.set()


def test_a_heartbeat_waits_for_its_own_look_and_not_for_the_next_one_at_a_check_that_hangs() -> None:
    slow, posted = Hung(), queue.SimpleQueue[object]()
    looking = Lookout(posted.put, lambda: datetime.now(UTC), 1, lambda _: None)
    looking.watch({"api": Watched(policy=CheckPolicy(name="api", kind="http"), check=slow)}, 1)
    looking.look("api", Source.HEARTBEAT)
    (first,) = looking.under_way()
    assert looking.is_awaited(first)

    slow.let_go.set()
    posted.get(timeout=10)
    wait_until(lambda: not looking.is_out("api"))
    slow.let_go.clear()
    looking.look("api", Source.PROBE)

    assert looking.is_out("api")
    assert not looking.is_awaited(first)
    slow.let_go.set()


def wait_until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def test_bad_news_that_cannot_be_announced_is_posted_all_the_same_and_the_check_is_looked_at_again() -> None:
    def broken(_: CheckPolicy) -> None:
        raise ValueError("a mistake of ours")

    posted: queue.SimpleQueue[object] = queue.SimpleQueue()
    lookout = Lookout(posted.put, lambda: datetime.now(UTC), 1, broken)
    down = Says(Reading(status=Status.CRITICAL, message="down"))
    lookout.watch({"api": Watched(policy=CheckPolicy(name="api", kind="http"), check=down)}, 1)

    with capture_logs():
        for _ in range(2):
            wait_until(lambda: not lookout.is_out("api"))
            assert lookout.look("api", Source.FAST_LOOP)
            posted.get(timeout=10)
        wait_until(lambda: not lookout.is_out("api"))


class Counting:
    """Tells how often it looked before, by what it kept."""

    def __init__(self, *, slow: Hung | None = None) -> None:
        self.slow = slow

    def observe_since(self, kept: str) -> tuple[Reading, str]:
        if self.slow is not None:
            self.slow.observe()
        return ok(f"{len(kept)} before"), kept + "x"


def test_a_look_keeps_its_place_only_once_what_it_saw_is_recorded(tmp_path: Path) -> None:
    posted, book = queue.SimpleQueue["Looked"](), Notebook(tmp_path)
    looking = counting(posted, book)

    looks = []
    for _ in range(2):
        looking.look("login", Source.FAST_LOOP)
        looks.append(posted.get(timeout=10))
        wait_until(lambda: not looking.is_out("login"))
    after_a_crash = Notebook(tmp_path).read("login")
    for look in looks:
        assert look.recorded is not None
        look.recorded()

    assert [look.seen.reading.message for look in looks] == ["0 before", "1 before"]
    assert after_a_crash == ""
    assert Notebook(tmp_path).read("login") == "xx"


def test_a_look_that_was_written_off_keeps_no_place_for_nobody_was_told_what_it_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsagent.daemon.lookout.GRACE", timedelta())
    posted, book, slow = queue.SimpleQueue["Looked"](), Notebook(tmp_path), Hung()
    looking = counting(posted, book, slow=slow)
    looking.look("login", Source.FAST_LOOP)
    wait_until(looking.stuck)

    slow.let_go.set()
    wait_until(lambda: not looking.is_out("login"))

    assert posted.get(timeout=10).recorded is None
    assert book.read("login") == ""


def counting(posted: queue.SimpleQueue[Looked], book: Notebook, slow: Hung | None = None) -> Lookout:
    check = checks.remembering(Counting(slow=slow), partial(book.read, "login"), partial(book.hold, "login"))
    looking = Lookout(posted.put, lambda: datetime.now(UTC), 1, lambda _: None, book)  # type: ignore[arg-type]
    timeout = timedelta() if slow is not None else timedelta(seconds=30)
    looking.watch({"login": Watched(policy=CheckPolicy(name="login", kind="login", timeout=timeout), check=check)}, 1)
    return looking
