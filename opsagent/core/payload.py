"""One message as JSON: what a webhook posts and what a notifier command reads on its stdin."""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opsagent.core.message import Message

VERSION = 1


def encode(message: Message) -> bytes:
    """Return the message as one line of JSON in UTF-8.

    `event` is the kind of message, `incident` the incident as `incidents --json` shows it (only its `id` where
    no more is known, null where there is none), `as_of` UTC with milliseconds, `key` the same for every retry.
    """
    fields = {
        "v": VERSION,
        "event": message.kind.value,
        "incident": _incident(message),
        "reason": message.reason,
        "as_of": message.as_of.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "key": message.key,
        "host": message.host,
        "severity": message.severity,
        "title": message.title,
        "body": message.body,
    }
    # Lone surrogates (undecodable bytes of a log) have no UTF-8, so everything beyond ASCII is escaped.
    return json.dumps(fields).encode("ascii")


def _incident(message: Message) -> dict[str, Any] | None:
    if message.incident_json:
        found: dict[str, Any] = json.loads(message.incident_json)
        return found
    return {"id": message.incident} if message.incident else None
