"""Whether a port of this host is open, by the kernel's own table: nobody is connected to, nobody's log is filled."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal

from opsagent.checks.wire.address import check_port, is_address
from opsagent.checks.wire.lending import manager
from opsagent.checks.wire.sharing import Shared
from opsagent.core.observation import Reading, Status, ok, unknown
from opsagent.host.bus import BusError, BusLostError
from opsagent.host.listeners import ListenersError, ListeningSocket, listeners

_PATIENCE = 5.0  # seconds: reading the table takes a few milliseconds
_table: Shared[tuple[ListeningSocket, ...]] = Shared()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A port that somebody must listen on, and the right unit if one is named.

    port: the port.
    address: the address it must be reachable at; without it any will do.
    protocol: tcp or udp.
    unit: the unit that should hold the port.
    scope: system, or user for a unit of a user's manager.
    """

    port: int
    address: str = ""
    protocol: Literal["tcp", "udp"] = "tcp"
    unit: str = ""
    scope: str = "system"

    def __post_init__(self) -> None:
        """Refuse at once what could never listen (ValueError)."""
        check_port(self.port)
        if self.address and not is_address(self.address):
            raise ValueError(f"cannot use address {self.address!r}, allowed: an IPv4 or IPv6 address, or none for any")

    def observe(self) -> Reading:
        """Read the table of sockets, one reading for all looks that wait for one."""
        try:
            table = _table.answer(listeners, _PATIENCE)
        except (ListenersError, TimeoutError) as error:
            return unknown(str(error))
        there = [one for one in table if (one.protocol, one.port) == (self.protocol, self.port)]
        where = f"{self.protocol} port {self.port}"
        here = [one for one in there if self._reaches(one)]
        if not here and there:
            others = ", ".join(sorted({one.address for one in there}))
            return _critical(f"nobody listens on {where} of {self.address}, only on {others}", "absent")
        if not here:
            return _critical(f"nobody listens on {where}", "absent")
        owners = {owner for one in here if (owner := self._owner(one))}
        told = f"{where} is held by {_named(here, owners)}"
        try:
            right = not self.unit or not owners or bool(owners & self._rightful(owners))
        except (BusError, BusLostError) as error:
            return unknown(f"{told}, and systemd does not say whether that is {self.unit}: {error}", "systemd")
        return ok(told) if right else _critical(f"{told}, not by {self.unit}", "wrong")

    def _reaches(self, one: ListeningSocket) -> bool:
        """Say whether a socket answers at the wanted address, itself or by listening on all of them."""
        if not self.address:
            return True
        wanted, bound = ipaddress.ip_address(self.address), ipaddress.ip_address(one.address)
        if bound.is_unspecified:
            return bound.version == wanted.version or one.v4_too
        return bound == wanted or getattr(bound, "ipv4_mapped", None) == wanted

    def _owner(self, one: ListeningSocket) -> str | None:
        return one.user_unit if self.scope == "user" else one.unit

    def _rightful(self, owners: set[str]) -> set[str]:
        """Return the names under which our unit may hold it: its own, the one it is an alias of, its sockets'."""
        if self.unit in owners:
            return owners
        with manager(self.scope) as systemd:
            snapshot = systemd.snapshot(self.unit)
        return {snapshot.name, *snapshot.triggered_by} if snapshot else set()


def _named(here: list[ListeningSocket], owners: set[str]) -> str:
    processes = {one.process for one in here if one.process}
    return ", ".join(sorted(owners) or sorted(processes)) or "a process that is not ours to see"


def _critical(message: str, failure_class: str) -> Reading:
    return Reading(status=Status.CRITICAL, message=message, failure_class=failure_class)
