"""Telling systemd how we are (sd_notify): ready, what we are doing, still alive."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import MutableMapping

_LONGEST_STATUS = 400
_START_MINUTE = 60_000_000  # microseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisor:
    """Whoever started us and wants to hear from us; nobody when `address` is "".

    `watchdog` is how long we may be silent before we are killed, None when nobody watches.
    """

    address: str = ""
    watchdog: timedelta | None = None

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str] = os.environ) -> Self:
        """Take the address out of the environment, so that no child of ours can speak in our name."""
        address = environment.pop("NOTIFY_SOCKET", "")
        micros = environment.pop("WATCHDOG_USEC", "")
        meant_for = environment.pop("WATCHDOG_PID", "")
        ours = micros.isdecimal() and meant_for in {"", str(os.getpid())}
        return cls(address=address, watchdog=timedelta(microseconds=int(micros)) if ours else None)

    def ready(self, status: str) -> bool:
        """Say that we are up (also after `reloading`)."""
        return self._tell("READY=1", _status(status))

    def starting(self, status: str) -> bool:
        """Say that the start goes on, and may take another minute: a long log is no reason to begin again."""
        return self._tell(f"EXTEND_TIMEOUT_USEC={_START_MINUTE}", _status(status))

    def status(self, status: str) -> bool:
        """Say in one sentence what we are doing."""
        return self._tell(_status(status))

    def alive(self) -> bool:
        """Feed the watchdog: only after real progress."""
        return self._tell("WATCHDOG=1")

    def reloading(self) -> bool:
        """Say that the settings are being read; `ready` ends it. The stamp is for systemd 253 and newer."""
        return self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, status: str) -> bool:
        """Say that we are going down."""
        return self._tell("STOPPING=1", _status(status))

    def _tell(self, *lines: str) -> bool:
        """Send; False when nobody listens. What systemd does not hear must never stop us."""
        if not self.address:
            return False
        target = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as wire:
                wire.sendto("\n".join(lines).encode(), target)
        except OSError:
            return False
        return True


def _status(text: str) -> str:
    return "STATUS=" + " ".join(text.split())[:_LONGEST_STATUS]
