"""One message to people, as every notifier gets it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class MessageKind(StrEnum):
    """Why a person is told."""

    PAGE = "page"
    REMINDER = "reminder"
    RECOVERY = "recovery"
    SUGGESTION = "suggestion"
    NOTICE = "notice"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`title` is all a phone shows. `key` is the idempotency key: the same message, however often it is sent.

    `incident` is the label (OPS-…) or None; `incident_json` the incident as `incidents --json` shows it, or "".
    `as_of` (UTC) tells a reader how old the news is.
    """

    key: str
    kind: MessageKind
    host: str
    title: str
    body: str
    reason: str
    as_of: datetime
    incident: str | None = None
    incident_json: str = ""
    severity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """One target of a notifier that has the message now. `target` names it without any secret."""

    target: str
    said: str = ""
