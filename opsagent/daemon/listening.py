"""systemd's news: signals of units, each with the journal's word on who wanted it."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

import structlog

from opsagent.core import inbox
from opsagent.host import systemd
from opsagent.host.bus import BusError, BusLostError
from opsagent.host.signals import Listener

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from opsagent.core.policy import CheckPolicy, Policy
    from opsagent.core.state import State
    from opsagent.core.unit import UnitSnapshot
    from opsagent.daemon.hands import Hands

log = structlog.get_logger("opsagent")
DOWN = ("inactive", "failed")
_ENDED_BY_SIGNAL = (15, 143)
A_LITTLE = 0.06  # seconds; the journal hears of a stop a few milliseconds after D-Bus does


class Listening:
    """Hears of units and posts what they are now, with who stopped them."""

    def __init__(
        self,
        hands: Hands,
        post: Callable[[inbox.Arrival], None],
        known: Callable[[], tuple[Policy, State]],
        stop: threading.Event,
    ) -> None:
        """`known` gives the settings in force and the state as it is; `stop` ends it."""
        self._hands = hands
        self._post = post
        self._known = known
        self._stop = stop
        self._listeners = {scope: Listener(scope) for scope in self._scopes()}

    def works(self) -> Iterator[Callable[[], None]]:
        """Yield the whole work of one thread for each manager that is listened to."""
        for scope, listener in self._listeners.items():
            yield partial(listener.run, partial(self._units, scope), self.seen, self._gap, self._stop)

    def resync(self) -> None:
        """Have every unit read again: a signal may have been missed, or other units are watched now."""
        for listener in self._listeners.values():
            listener.resync()

    def seen(self, snapshot: UnitSnapshot) -> None:
        """A unit changed; where it is down, ask the journal first whether somebody wanted that."""
        self._hands.relate(snapshot)
        stops, cursor = self._hands.stops() if snapshot.active_state in DOWN else ((), "")
        asked = any(stop.unit == snapshot.name for stop in stops)
        if not asked and snapshot.active_state in DOWN and _may_be_wanted(snapshot):
            self._stop.wait(A_LITTLE)
            more, cursor = self._hands.stops()
            stops = (*stops, *more)
        self._post(inbox.UnitSeen(snapshot=snapshot, stops=stops, cursor=cursor))

    def before_bad(self, check: CheckPolicy) -> None:
        """A look found a unit down before its signal was heard: as with a signal, ask first who wanted that."""
        _, state = self._known()
        known = check.unit in state.stops or state.open_for(check.key) is not None
        if check.kind != "unit" or check.unit is None or known:
            return
        with contextlib.suppress(BusError, BusLostError):
            snapshot = systemd.connection(check.scope).snapshot(check.unit)
            if snapshot is not None:
                self.seen(snapshot)

    def _scopes(self) -> tuple[str, ...]:
        policy, _ = self._known()
        return tuple(dict.fromkeys(["system", *(one.scope for one in policy.checks if one.unit)]))

    def _units(self, scope: str) -> frozenset[str]:
        policy, _ = self._known()
        return frozenset(one.unit for one in policy.checks if one.unit and one.scope == scope)

    def _gap(self, why: str) -> None:
        log.info("signals of systemd may have been missed", why=why)


def _may_be_wanted(snapshot: UnitSnapshot) -> bool:
    return snapshot.result == "success" or snapshot.exec_main_status in _ENDED_BY_SIGNAL
