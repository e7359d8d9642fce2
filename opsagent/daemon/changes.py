"""Noticing what others change: looked for every few seconds, once more before each order, and after a restart."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from opsagent.core import codec, inbox
from opsagent.daemon import files
from opsagent.host import changes, installed, packages, systemd
from opsagent.host.bus import BusError, BusLostError
from opsagent.host.changes import Kept
from opsagent.host.people import JournalError
from opsagent.host.unit_paths import UnitPaths, paths_of
from opsagent.host.watched_files import UNITS_BY_HAND, Why, configured, listed, wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from opsagent.core.change import Change
    from opsagent.daemon.clock import Clock
    from opsagent.daemon.errands import Errands
    from opsagent.settings import Settings

log = structlog.get_logger("opsagent")
NAME = "changes.json"
EVERY = timedelta(seconds=5)
"""How often files and packages are compared: a thousandth of one core for a hundred units."""
PATTERNS_EVERY = timedelta(minutes=1)
PEOPLE_EVERY = timedelta(minutes=1)
UNITS_EVERY = timedelta(minutes=10)
AT_MOST = 0.1  # seconds that an order waits for a look that is under way
NEVER = float("-inf")


@dataclass(slots=True)
class _Clocks:
    """When what was last read, in seconds of boot time."""

    look: float = NEVER
    people: float = NEVER
    patterns: float = NEVER
    units: float = NEVER


class Changes:
    """Compares the host with what was kept of it in the state directory. `turn` is the main thread's."""

    def __init__(
        self,
        settings: Settings,
        errands: Errands,
        post: Callable[[inbox.Arrival], None],
        clock: Clock,
        redact: Callable[[str], str],
        *,
        ended_well: bool,
    ) -> None:
        """`ended_well`: the run before was told to stop."""
        self._path: Path = settings.state / NAME
        self._errands = errands
        self._post = post
        self._redact = redact
        self._running, self._now = clock.running, clock.now
        self._ended_well = ended_well
        self._door = threading.Lock()
        self._last = _Clocks()
        self._kept = self._saved = _read(self._path)
        self._unseen = self._kept != Kept()
        self._settings = self._applied = settings
        self._units: dict[str, UnitPaths] = {}
        self._owned: dict[str, tuple[str, ...]] = {}
        self._listed: dict[str, Why] = {}
        self._wanted: dict[str, Why] = {}
        self._reasons: tuple[str, ...] = ()
        self._unread = ""

    def use(self, settings: Settings) -> None:
        """Watch what these settings want watched from the next look on; one under way ends with the old ones."""
        self._settings = settings
        self._last.look = NEVER

    def turn(self, is_idle: Callable[[], bool]) -> None:
        """Begin a look when one is due; write down what was seen once it stands in the log (`is_idle`: all is handled).

        Asked in this order: what is seen while we ask waits. Told twice, after a crash in between, it is still one
        change.
        """
        if self._running() - self._last.look >= EVERY.total_seconds():
            self._last.look = self._running()
            self._errands.begin("changes", self._looked)
        seen = self._kept
        if seen is not self._saved and is_idle() and self._errands.begin("changes-kept", partial(self._keep, seen)):
            self._saved = seen

    def end(self, is_idle: Callable[[], bool]) -> None:
        """Write down what was seen last, if all of it stands in the log."""
        seen = self._kept
        if is_idle():
            self._keep(seen)

    def before_order(self) -> None:
        """Look once more, quickly, and post what is found: what changed a second ago holds an order back too."""
        if self._wanted and self._door.acquire(timeout=AT_MOST):
            try:
                self._tell(*self._compared())
            finally:
                self._door.release()

    def _looked(self) -> None:
        with self._door:
            self._refresh()
            self._tell(*self._compared())
        people = self._people()
        with self._door:  # not while the journal is read: an order would wait for that
            self._tell(*people)
        self._unseen = False

    def _tell(self, kept: Callable[[Kept], Kept], found: tuple[Change, ...]) -> None:
        """Post what was found, then keep that it was seen: in this order nothing is kept that nobody heard of."""
        if found:
            seen = tuple(replace(one, unseen=True) for one in found) if self._unseen else found
            self._post(inbox.ChangesFound(changes=seen))
        self._kept = kept(self._kept)

    def _keep(self, seen: Kept) -> None:
        files.write(self._path, codec.plain(seen))

    def _refresh(self) -> None:
        """Ask anew which files there are to watch."""
        now, settings = self._running(), self._settings
        if settings is not self._applied:
            self._applied, self._last.units, self._last.patterns = settings, NEVER, NEVER
        if now - self._last.units >= UNITS_EVERY.total_seconds():
            self._ask_units()
            self._last.units = now
        if now - self._last.patterns >= PATTERNS_EVERY.total_seconds():
            self._listed = configured(listed(settings.changed_files), self._units)
            self._last.patterns = now
        self._wanted = wanted(self._listed, self._units, (str(settings.state), str(settings.memory)))
        # together with what they name: a pattern without its files would make all of them look new at the next look
        self._reasons = (UNITS_BY_HAND, *settings.changed_files, *self._units)

    def _ask_units(self) -> None:
        self._units = _paths(self._applied)
        self._owned = _packages_of(self._units)

    def _compared(self) -> tuple[Callable[[Kept], Kept], tuple[Change, ...]]:
        """Compare everything that is quick; while packages are being changed, files wait for the end of that."""
        now, before, stamp = self._now(), self._kept, installed.stamp()
        if stamp and before.packages not in ("", stamp):
            self._ask_units()  # a package that just came may be a unit's
        kept, ran = changes.of_packages(before, self._owned, now)
        written: tuple[Change, ...] = ()
        if stamp in ("", kept.packages):
            watched = self._wanted, self._reasons
            kept, written = changes.of_files(kept, *watched, self._redact, now, packages_changed=bool(ran))
        kept, began = changes.of_boot(kept, ended_well=self._ended_well)
        fresh = kept if kept != before else before
        return (lambda _: fresh), (*began, *ran, *written)

    def _people(self) -> tuple[Callable[[Kept], Kept], tuple[Change, ...]]:
        if self._running() - self._last.people < PEOPLE_EVERY.total_seconds():
            return _as_it_is, ()
        self._last.people = self._running()
        try:
            read, found = changes.of_people(self._kept, self._now())
        except JournalError as error:
            if str(error) != self._unread:
                log.warning("cannot read who came in", error=str(error))
            self._unread = str(error)
            return _as_it_is, ()
        self._unread = ""
        return (lambda kept: replace(kept, people=read.people, people_at=read.people_at)), found


def _as_it_is(kept: Kept) -> Kept:
    return kept


def _read(path: Path) -> Kept:
    """Return what was kept; nothing where it was lost: then the next look only learns how the host is."""
    try:
        found = codec.built(Kept, json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Kept()
    return found if isinstance(found, Kept) else Kept()


def _packages_of(units: Mapping[str, UnitPaths]) -> dict[str, tuple[str, ...]]:
    """Return the units that each package brought the unit file or a program of."""
    files = {path: unit for unit, paths in units.items() for path in (*paths.unit_files, *paths.programs)}
    found: dict[str, tuple[str, ...]] = {}
    try:
        for path, package in packages.owners(tuple(files)).items():
            found[package.name] = tuple(sorted({*found.get(package.name, ()), files[path]}))
    except packages.PackagesError as error:
        log.warning("cannot ask which package a unit came with", error=str(error))
    return found


def _paths(settings: Settings) -> dict[str, UnitPaths]:
    found: dict[str, UnitPaths] = {}
    for check in settings.policy.checks:
        if check.unit and check.unit not in found:
            try:
                found[check.unit] = paths_of(systemd.connection(check.scope), check.unit)
            except (BusError, BusLostError) as error:
                log.warning("cannot ask which files a unit has", unit=check.unit, error=str(error))
    return found
