"""Whether this host's way to others works: the interface, its addresses, damaged packets, and a peer that answers."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.checks.wire.address import is_address
from opsagent.checks.wire.dial import shown
from opsagent.checks.wire.reach import peer_of, reach
from opsagent.checks.wire.stage import StageError, Stages
from opsagent.core.link import Counters, Link, Reach, Seen, per_second, recalled, since, text_of
from opsagent.core.observation import Measure, Reading, Status, grade, lowest, unknown
from opsagent.core.quantity import in_order, within
from opsagent.host.links import addresses_of, default_link, is_link_name, link

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST = 20
"""Connections of one look: each may take 0.9 s, and a peer may mind."""
_UP = frozenset({"up", "unknown"})
"""States in which an interface carries packets; tunnels and the loopback do not say."""
_MS = 1000
_RANK = {Status.OK: 0, Status.UNKNOWN: 1, Status.WARNING: 2, Status.CRITICAL: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """An interface that is up and has its addresses, few damaged packets on it, and if wanted a peer that answers.

    interface: its name; default: that of the default route, which must then be there.
    addresses: addresses that must be on it.
    errors: percent of packets damaged since the look before from which on it is a finding, or null for never.
    drops: percent of packets thrown away since then, or null for never; what nobody here wants is thrown away too.
    peer: `host:port` to connect to over TCP, of somebody who does not mind; a refusal is an answer.
    count: connections at each look, 1 to 20.
    warning: percent of them without an answer from which on it is a finding, or null for never.
    critical: percent of them without an answer from which on it is critical, or null for never.
    max_latency: the median time of a connection from which on it is a finding, or null for any.
    timeout: longest time for the whole look; the peer has 0.9 s for each connection.
    """

    interface: str = ""
    addresses: tuple[str, ...] = ()
    errors: float | None = 1.0
    drops: float | None = None
    peer: str = ""
    count: int = 5
    warning: float | None = 20.0
    critical: float | None = 60.0
    max_latency: timedelta | None = None
    timeout: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        """Refuse at once what could never be looked at (ValueError)."""
        if self.interface and not is_link_name(self.interface):
            raise ValueError(f"cannot use interface {self.interface!r}, allowed: a name such as eth0")
        for address in self.addresses:
            if not is_address(address):
                raise ValueError(f"cannot use {address!r} in addresses, allowed: IPv4 and IPv6 addresses")
        within("count", self.count, 1, _MOST)
        for key in ("errors", "drops", "warning", "critical"):
            within(key, getattr(self, key), 0, 100)
        in_order(("warning", self.warning), ("critical", self.critical))
        if self.peer:
            peer_of(self.peer)

    def observe_since(self, kept: str) -> tuple[Reading, str]:
        """Look at the interface, then ask the peer over it; the worst of what is found is the answer."""
        seen = recalled(kept)
        name = self.interface or default_link()
        if not name:
            return _critical(f"there is no default route{_was(seen)}", "route"), kept
        found = link(name)
        if found is None:
            return _critical(f"there is no interface {name}", "absent"), kept
        if down := _down(found):
            return down, kept
        readings = (self._of_counters(found, seen), *self._of_addresses(found), *self._of_peer())
        worst = max(readings, key=lambda reading: _RANK[reading.status])
        told = "; ".join(reading.message for reading in readings)
        measures = tuple(measure for reading in readings for measure in reading.measures)
        return replace(worst, message=told, measures=measures), text_of(found)

    def _of_addresses(self, found: Link) -> Iterator[Reading]:
        if not self.addresses:
            return
        there = addresses_of(found.name)
        missing = [text for text in self.addresses if ipaddress.ip_address(text) not in there]
        if missing:
            yield _critical(f"it has not the address {', '.join(missing)}", "address")

    def _of_counters(self, found: Link, seen: Seen) -> Reading:
        counted = since(seen, found)
        if counted is None:
            return Reading(status=Status.OK, message=f"{found.name} is up")
        damaged, dropped = counted.damaged_percent(), counted.dropped_percent()
        measures = (
            Measure(name="errors", value=damaged, unit="%", limit=self.errors),
            Measure(name="drops", value=dropped, unit="%", limit=self.drops),
            Measure(name="received", value=per_second(counted.received_bytes, seen, found), unit="bytes/s"),
            Measure(name="sent", value=per_second(counted.sent_bytes, seen, found), unit="bytes/s"),
        )
        status, failure_class, told = Status.OK, None, f"{found.name} is up, {_counted(counted)}"
        if grade(damaged, self.errors, None) is not Status.OK:
            status, failure_class = Status.WARNING, "errors"
        elif grade(dropped, self.drops, None) is not Status.OK:
            status, failure_class = Status.WARNING, "drops"
        return Reading(status=status, message=told, failure_class=failure_class, measures=measures)

    def _of_peer(self) -> Iterator[Reading]:
        if not self.peer:
            return
        host, port = peer_of(self.peer)
        try:
            yield self._reached(shown(host, port), reach(host, port, self.count, Stages(self.timeout)))
        except TimeoutError:
            yield unknown(f"cannot ask {self.peer} {self.count} times within the time-out", "timeout")
        except StageError as error:
            yield error.reading

    def _reached(self, target: str, found: Reach) -> Reading:
        lost, latency = found.lost_percent, found.latency
        measures = [Measure(name="loss", value=lost, unit="%", limit=lowest(self.warning, self.critical))]
        measures += [Measure(name="latency", value=latency, unit="s")] if latency is not None else []
        status, failure_class = grade(lost, self.warning, self.critical), "loss" if found.took else "unreachable"
        told = _told(target, found)
        if status is Status.OK and self._is_slow(latency):
            status, failure_class, told = Status.WARNING, "latency", f"{told}, too slow"
        return Reading(
            status=status,
            message=told,
            failure_class=None if status is Status.OK else failure_class,
            timed_out=status is not Status.OK and found.silent > 0,
            measures=tuple(measures),
        )

    def _is_slow(self, latency: float | None) -> bool:
        limit = self.max_latency
        return limit is not None and latency is not None and latency > limit.total_seconds()


def _down(found: Link) -> Reading | None:
    """Say how an interface does not carry packets, None if it does."""
    if not found.on:
        return _critical(f"{found.name} is switched off", "off")
    if found.carrier is False:
        return _critical(
            f"{found.name} has no carrier: its cable, or its other end, is gone ({found.state})", "carrier"
        )
    if found.state not in _UP:
        return _critical(f"{found.name} is up but does not carry packets ({found.state})", "carrier")
    return None


def _was(seen: Seen) -> str:
    """Say what became of the interface that had the default route at the look before."""
    if not seen.name:
        return ""
    found = link(seen.name)
    if found is None:
        return f"; it led over {seen.name}, which is gone"
    down = _down(found)
    return f"; it led over {seen.name}: {down.message if down else f'{seen.name} is up'}"


def _counted(counted: Counters) -> str:
    dropped = f", {counted.dropped} dropped" if counted.dropped else ""
    return f"{counted.damaged} of {counted.packets} packets damaged{dropped} since the look before"


def _told(target: str, found: Reach) -> str:
    told = f"{len(found.took)} of {found.asked} connections to {target} were answered"
    told += f" in {found.latency * _MS:.3g} ms" if found.latency is not None else ""
    told += ", by a refusal" if found.refused else ""
    if not found.why:
        return told
    return f"{told}, the others not: {found.why}" if found.took else f"{told}: {found.why}"


def _critical(message: str, failure_class: str) -> Reading:
    return Reading(status=Status.CRITICAL, message=message, failure_class=failure_class)
