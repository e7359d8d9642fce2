"""Listening to systemd: a signal is a hint that a unit may have changed, and the unit is read again.

One blocking loop for one thread. Signals can coalesce, be forged or be missed while the bus is away, so nothing is
counted or believed from them, and after every gap all watched units are read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from opsagent.core.unit import UnitSnapshot
from opsagent.host.bus import MANAGER, SYSTEMD, Bus, BusError, BusLostError, Signal
from opsagent.host.restless import Changes
from opsagent.host.systemd import Systemd, subscribe, utc_now
from opsagent.host.unit_names import UNIT_PATHS, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_RULES = (
    f"type='signal',sender='{SYSTEMD}',member='PropertiesChanged',path_namespace='{UNIT_PATHS.rstrip('/')}'",
    f"type='signal',sender='{SYSTEMD}',interface='{MANAGER}',member='UnitRemoved'",
    f"type='signal',sender='{SYSTEMD}',interface='{MANAGER}',member='Reloading'",
)
# systemd goes from failed to auto-restart within 0.4 ms; a unit that it restarts itself gets this long to show it.
_SETTLE = timedelta(milliseconds=20)
_LOOK_UP_EVERY = timedelta(milliseconds=500)
_MOST_AT_ONCE = 500
_LONGEST_BACKOFF = timedelta(seconds=30)
_DOWN = frozenset({"failed", "inactive"})


class Stop(Protocol):
    """What ends the loop and lets it wait meanwhile: a `threading.Event`."""

    def is_set(self) -> bool:
        """Say whether it is over."""

    def wait(self, timeout: float) -> bool:
        """Wait so many seconds at most for the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _For:
    """Whom we listen for."""

    watched: Callable[[], frozenset[str]]
    post: Callable[[UnitSnapshot], None]
    gap: Callable[[str], None]
    stop: Stop


class Listener:
    """Watches units of one manager and posts each snapshot that differs from the one before."""

    def __init__(self, scope: str = "system", now: Callable[[], datetime] = utc_now) -> None:
        """Remember whom to listen to; the connections are made by `run`."""
        self.forged = 0
        self._scope = scope
        self._reader = Systemd(scope, now)
        self._now = now
        self._asked = False
        self._watched: frozenset[str] = frozenset()
        self._names: dict[str, str] = {}
        self._last: dict[str, tuple[object, ...]] = {}
        self._resting: set[str] = set()
        self._changes = Changes()
        self._put_off: set[str] = set()

    def resync(self) -> None:
        """Have all watched units read again soon (within half a second). From any thread."""
        self._asked = True

    def run(
        self,
        watched: Callable[[], frozenset[str]],
        post: Callable[[UnitSnapshot], None],
        gap: Callable[[str], None],
        stop: Stop,
    ) -> None:
        """Listen until `stop` is set; never returns before, whatever happens to the bus.

        `watched` names the units of the moment, `post` takes each change, `gap` is told (before the units are read
        again) why something may have been missed.
        """
        owner = _For(watched=watched, post=post, gap=gap, stop=stop)
        wait = _SETTLE
        while not stop.is_set():
            try:
                with contextlib.closing(Bus(self._scope)) as bus:
                    self._begin(bus, owner)
                    wait = _SETTLE
                    self._listen(bus, owner)
            except (BusLostError, BusError) as lost:
                if wait <= _SETTLE:  # said once, not at each try
                    gap(f"lost systemd: {lost}")
            stop.wait(wait.total_seconds())
            wait = min(wait * 4, _LONGEST_BACKOFF)
        self._reader.close()

    def _begin(self, bus: Bus, owner: _For) -> None:
        for rule in _RULES:
            bus.add_match(rule)
        subscribe(bus)
        owner.gap("connected to systemd")
        self._read_all(owner)

    def _listen(self, bus: Bus, owner: _For) -> None:
        counted = 0
        while not owner.stop.is_set():
            signals = _waiting(bus)
            self.forged, counted = self.forged + bus.forged - counted, bus.forged
            missed = _why_missed(bus, signals)
            if missed:
                owner.gap(missed)
            if missed or self._asked or owner.watched() != self._watched:
                self._read_all(owner)
            else:
                self._read(self._ripe(self._hinted(signals) & self._names.keys()), owner)

    def _read_all(self, owner: _For) -> None:
        """Read every watched unit, and learn which primary name each one goes by."""
        self._asked = False
        self._put_off.clear()
        self._watched = owner.watched()
        self._names = {name: name for name in self._watched}
        self._last = {name: last for name, last in self._last.items() if name in self._watched}
        self._read(self._watched, owner)

    def _read(self, names: Iterable[str], owner: _For) -> None:
        for name in sorted({self._names[hinted] for hinted in names}):
            snapshot = self._settled(name, owner.stop)
            self._names[snapshot.name] = name  # signals come under the primary name, settings may use an alias
            self._resting = self._resting - {snapshot.name} | ({snapshot.name} if _rests(snapshot) else set())
            if self._last.get(name) != (seen := _essence(snapshot)):
                self._last[name] = seen
                if snapshot.nrestarts:  # what was killed or started by hand is heard of at once, however often
                    self._changes.note(name)
                owner.post(snapshot)

    def _ripe(self, hinted: Iterable[str]) -> set[str]:
        """Return the units to read now; what systemd restarts all the time is put off, and read in the end."""
        self._put_off |= {self._names[name] for name in hinted}
        ripe = {name for name in self._put_off if self._changes.may_read(name)}
        self._put_off -= ripe
        return ripe

    def _hinted(self, signals: Iterable[Signal]) -> set[str]:
        """Name the units that may have changed. One that rested is unloaded again whenever somebody has looked at it.

        Our own look does that too: to take it as a hint would make us look for ever.
        """
        changed = {name_of(signal.path) for signal in signals if signal.member == "PropertiesChanged"}
        unloaded = {signal.body[0] for signal in signals if signal.member == "UnitRemoved"}
        return {name for name in changed | (unloaded - self._resting) if name is not None}

    def _settled(self, name: str, stop: Stop) -> UnitSnapshot:
        snapshot = self._reader.snapshot(name)
        if snapshot is not None and snapshot.active_state in _DOWN and snapshot.restart != "no":
            stop.wait(_SETTLE.total_seconds())
            snapshot = self._reader.snapshot(name)
        return snapshot or UnitSnapshot(name=name, read_at=self._now(), scope=self._scope, load_state="not-found")


def _waiting(bus: Bus) -> list[Signal]:
    """Wait a little for a signal and take whatever else has come with it."""
    signals = []
    signal = bus.next_signal(_LOOK_UP_EVERY.total_seconds())
    while signal is not None:
        signals.append(signal)
        signal = bus.next_signal(0) if len(signals) < _MOST_AT_ONCE else None
    return signals


def _why_missed(bus: Bus, signals: Iterable[Signal]) -> str:
    """Say why events may have been missed, "" when none were."""
    if bus.overflowed:
        bus.overflowed = False
        return "more signals than could be read"
    for signal in signals:
        if signal.member == "Reloading" and signal.body == (False,):
            return "systemd was reloaded"
        if signal.member == "NameOwnerChanged" and signal.body[2]:
            return "systemd was re-executed"
    return ""


def _rests(snapshot: UnitSnapshot) -> bool:
    return snapshot.active_state == "inactive" and snapshot.job is None


def _essence(snapshot: UnitSnapshot) -> tuple[object, ...]:
    """Return what makes two snapshots of a unit different to us; times and reading order do not."""
    return (
        snapshot.name,
        snapshot.load_state,
        snapshot.active_state,
        snapshot.sub_state,
        snapshot.result,
        snapshot.nrestarts,
        snapshot.invocation_id,
        snapshot.job,
        snapshot.unit_file_state,
        snapshot.need_daemon_reload,
    )
