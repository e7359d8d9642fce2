"""Notifiers tell people: one file per kind, the file name is the kind, the fields of its `Notifier` its YAML keys."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from opsagent.core.message import Delivered, Message

KINDS: tuple[str, ...] = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg))
"""Every kind of notifier there is, by name."""


class NotifyError(Exception):
    """The message did not reach every target; the text says which and why, and never holds a secret.

    `retryable`: the same again may work later; if not, the next notifier is asked at once. `retry_after` is what
    the other side asked for. `delivered` lists the targets that have it, which must not be sent it again.
    """

    def __init__(
        self,
        said: str,
        *,
        retryable: bool,
        retry_after: timedelta | None = None,
        delivered: tuple[Delivered, ...] = (),
    ) -> None:
        super().__init__(said)
        self.retryable = retryable
        self.retry_after = retry_after
        self.delivered = delivered


class Notifier(Protocol):
    """What every kind offers: one message, sent within the notifier's own `timeout`."""

    def send(self, message: Message, *, now: datetime, done: frozenset[str] = frozenset()) -> tuple[Delivered, ...]:
        """Send to every target not named in `done`; `now` (UTC) dates signatures. Raises NotifyError."""


def kind(name: str) -> type[Notifier]:
    """Return the class of a kind, importing only that file; ValueError names the kinds there are."""
    if name not in KINDS:
        raise ValueError(f"cannot find notifier kind {name!r}, known kinds: {', '.join(KINDS)}")
    found: type[Notifier] = importlib.import_module(f"{__name__}.{name}").Notifier
    return found
