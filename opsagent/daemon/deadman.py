"""The dead man's switch: a sign of life for somebody outside, who misses it when this host, or we, are gone."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from opsagent.core import inbox
from opsagent.core.message import MessageKind
from opsagent.notifiers.webhook import sign_of_life

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.core.state import State

log = structlog.get_logger("opsagent")
UNDELIVERED = timedelta(minutes=5)


class DeadMan:
    """Asks the URL at its pace; with `/fail` behind it while we cannot keep our promises."""

    def __init__(self, running: Callable[[], float], post: Callable[[inbox.Arrival], None]) -> None:
        """`running` gives seconds that nobody can set back; `post` takes what the switch said."""
        self._running = running
        self._post = post
        self._next = 0.0

    def turn(self, deadman: object, state: State, now: datetime, *, late: bool) -> None:
        """Send the sign when it is due, on a thread of its own."""
        url, every = getattr(deadman, "url", ""), getattr(deadman, "every", timedelta(minutes=5))
        if not url or self._running() < self._next:
            return
        self._next = self._running() + every.total_seconds()
        target = url.rstrip("/") + "/fail" if late or page_is_stuck(state, now) else url
        threading.Thread(target=lambda: self._send(target), name="deadman", daemon=True).start()

    def _send(self, url: str) -> None:
        said = sign_of_life(url, timedelta(seconds=10))
        if said:
            log.warning("the dead man's switch did not answer", said=said)
        self._post(inbox.LifeSigned(said=said))


def page_is_stuck(state: State, now: datetime) -> bool:
    """Whether a page has waited for more than five minutes to be delivered."""
    pages = (MessageKind.PAGE, MessageKind.REMINDER)
    return any(owed.kind in pages and now - owed.queued_at > UNDELIVERED for owed in state.owed.values())
