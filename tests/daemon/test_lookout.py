"""The lookout: looks in parallel, and what is slow harms nobody."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from opsagent.core.observation import Reading, Source, ok
from opsagent.core.policy import CheckPolicy
from opsagent.daemon.lookout import Lookout
from opsagent.settings import Watched

if TYPE_CHECKING:
    from opsagent.core.inbox import Arrival


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

    lookout = Lookout(post, lambda: datetime.now(UTC), 2)
    names = [f"slow-{number}" for number in range(5)]
    checks = {name: Waits(release) for name in names} | {"quick": Waits(free)}
    lookout.watch(
        {name: Watched(policy=CheckPolicy(name=name, kind="http"), check=check) for name, check in checks.items()}, 2
    )
    for name in checks:
        lookout.look(name, Source.FAST_LOOP)

    deadline = time.monotonic() + 10
    while "quick" not in seen and time.monotonic() < deadline:
        lookout.stuck()
        time.sleep(0.02)

    assert seen == ["quick"]
    release.set()
