"""The look at what the host is like beside its health: whole at each heartbeat, the listeners at each fast loop."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from opsagent.checks.certificate import Check as Certificate
from opsagent.checks.wire.stage import StageError
from opsagent.checks.wire.x509 import subject, validity
from opsagent.core import inbox
from opsagent.core.environment import CertificateKnown, Page
from opsagent.core.environment.belief import sightings
from opsagent.core.redaction import clean_value
from opsagent.host import inventory
from opsagent.host.listeners import ListenersError
from opsagent.settings.targets import targets

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.core.environment import Listener
    from opsagent.daemon.errands import Errands
    from opsagent.settings import Settings

APART = 2.0  # seconds between the first two looks at the listeners after a start
ERRAND = "environment"


class Inventory:
    """Remembers the listeners of the look before: what comes and goes between two looks is nobody's business."""

    def __init__(self, errands: Errands, running: Callable[[], float], redact: Callable[[str], str]) -> None:
        """`running` gives seconds that nobody can set back; every text passes `redact` before it is compared."""
        self._errands = errands
        self._running = running
        self._redact = redact
        self._earlier: frozenset[str] | None = None
        self._glanced = float("-inf")

    def begin(self, settings: Settings) -> None:
        """Look at everything, beside the main loop."""
        self._errands.begin(ERRAND, lambda: self._look(settings))

    def glance(self, settings: Settings) -> inbox.ListenersSeen | None:
        """Look at the listeners, a few milliseconds; None when the last look was within a fast loop."""
        if self._running() - self._glanced < settings.policy.fast_loop.total_seconds():
            return None
        self._glanced = self._running()
        earlier = self._earlier
        try:
            found = self._listeners(settings)
        except ListenersError:
            return None  # the whole look names it
        self._earlier = sightings(found)
        return inbox.ListenersSeen(listeners=found, earlier=earlier or frozenset())

    def _look(self, settings: Settings) -> inbox.EnvironmentSeen:
        aims = targets(settings)
        earlier = self._before(settings)
        units = [(check.unit, check.scope) for check in settings.policy.checks if check.unit]
        found = inventory.look(units, aims, settings.scope.value)
        pages = tuple(Page(check=one.check, url=one.url) for one in aims if one.url)
        found = clean_value(replace(found, pages=pages, certificates=_certificates(settings)), self._redact)
        if found.listeners is not None:
            self._earlier = sightings(found.listeners)
        return inbox.EnvironmentSeen(environment=found, earlier=earlier)

    def _listeners(self, settings: Settings) -> tuple[Listener, ...]:
        return clean_value(inventory.who_listens(targets(settings), settings.scope.value), self._redact)

    def _before(self, settings: Settings) -> frozenset[str]:
        """Return what listened at the look before; after a start there was none, so look twice."""
        if self._earlier is not None:
            return self._earlier
        try:
            found = sightings(self._listeners(settings))
        except ListenersError:
            return frozenset()
        time.sleep(APART)
        return found


def _certificates(settings: Settings) -> tuple[CertificateKnown, ...]:
    """Return the certificates that checks look at; what is wrong with one is its check's to say."""
    found = {}
    for one in settings.watched:
        if isinstance(one.check, Certificate):
            for known in _known(one.check):
                found[known.where, known.subject] = known
    return tuple(sorted(found.values(), key=lambda known: (known.where, known.subject)))


def _known(check: Certificate) -> tuple[CertificateKnown, ...]:
    try:
        ders = check.seen()
        return tuple(
            CertificateKnown(where=check.where, subject=subject(der), ends=validity(der).ends) for der in ders[:1]
        )
    except (StageError, ValueError):
        return ()
