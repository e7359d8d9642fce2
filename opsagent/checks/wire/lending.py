"""Connections to systemd that all looks share. A connection costs more than a question, and the bus gives out few."""

from __future__ import annotations

import queue
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opsagent.host.bus import BusLostError
from opsagent.host.systemd import Systemd

if TYPE_CHECKING:
    from collections.abc import Iterator

_FEW = 4
"""Connections for each scope: one look takes 3 ms, and the bus serves 256 connections of one user in all."""
_PATIENCE = 10.0
"""Seconds to wait for a free one: longer than the time-out of a call, so that one slow answer delays but fails none."""

_lent: dict[str, queue.LifoQueue[Systemd]] = {}


@contextmanager
def manager(scope: str) -> Iterator[Systemd]:
    """Lend a connection to the manager of `scope`, to one look at a time; BusLostError when none gets free."""
    free = _lent.get(scope) or _lent.setdefault(scope, _fresh(scope))
    try:
        mine = free.get(timeout=_PATIENCE)
    except queue.Empty:
        raise BusLostError(f"all {_FEW} connections wait for an answer") from None
    try:
        yield mine
    finally:
        free.put(mine)


def _fresh(scope: str) -> queue.LifoQueue[Systemd]:
    """Return managers that connect when they are first asked; the one used last is taken first."""
    free: queue.LifoQueue[Systemd] = queue.LifoQueue()
    for _ in range(_FEW):
        free.put(Systemd(scope))
    return free
