"""Environments of hosts, made short."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from opsagent.core.environment import Environment, Listener

END = datetime(2027, 2, 1, tzinfo=UTC)


def listener(port: int, who: str = "redis-server", *addresses: str, **more: Any) -> Listener:
    """Return a TCP listener of a service, on loopback if no address is given."""
    return replace(
        Listener(protocol="tcp", port=port, addresses=addresses or ("127.0.0.1",), unit=f"{who}.service"), **more
    )


def program(port: int, process: str, *addresses: str, **more: Any) -> Listener:
    """Return a TCP listener of a program that belongs to no unit."""
    return listener(port, "", *addresses, unit=None, process=process, **more)


def host(*listeners: Listener, **more: Any) -> Environment:
    """Return the environment of a host on which everything could be read."""
    empty: dict[str, Any] = {"units": (), "mounts": (), "timers": ()}
    return Environment(**{"system": "Debian 12", "kernel": "6.1.0-1", **empty, **more}, listeners=listeners)
