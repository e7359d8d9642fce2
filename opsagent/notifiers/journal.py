"""The notifier `journal`: the last resort. It writes to the host's journal and never fails."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsagent.core.message import Delivered, Message, MessageKind

if TYPE_CHECKING:
    from datetime import datetime

SOCKET = "/run/systemd/journal/socket"
_CRITICAL, _NOTICE = 2, 5
# A datagram above the socket's send buffer is refused; a message is far shorter.
_MOST = 32_768


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """Write the message where `journalctl -p crit` finds it. It reaches nobody who does not look.

    A page is critical, everything else a notice. Without journald the text goes to stderr.
    """

    def send(self, message: Message, *, now: datetime, done: frozenset[str] = frozenset()) -> tuple[Delivered, ...]:  # noqa: ARG002 - the journal keeps its own time and has one target
        """Write it; nothing that happens here is an error for the caller, who has no other place to go."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as journald:
                journald.sendto(_datagram(message), SOCKET)
        except OSError:
            with contextlib.suppress(OSError, ValueError, AttributeError):
                sys.stderr.write(f"{message.title}\n{message.body}\n"[:_MOST])
                sys.stderr.flush()
            return (Delivered(target="stderr"),)
        return (Delivered(target="journal"),)


def _datagram(message: Message) -> bytes:
    priority = _CRITICAL if message.kind in {MessageKind.PAGE, MessageKind.REMINDER} else _NOTICE
    fields = {
        "MESSAGE": f"{message.title}\n{message.body}".rstrip(),
        "PRIORITY": str(priority),
        "SYSLOG_IDENTIFIER": "opsagent",
        "OPSAGENT_EVENT": message.kind.value,
        "OPSAGENT_INCIDENT": message.incident or "",
        "OPSAGENT_KEY": message.key,
    }
    return b"".join(_field(name, value) for name, value in fields.items() if value)


def _field(name: str, value: str) -> bytes:
    # The form with a length: a line break in the text can never begin a field of its own.
    text = value.encode(errors="replace")[:_MOST]
    return name.encode() + b"\n" + struct.pack("<Q", len(text)) + text + b"\n"
