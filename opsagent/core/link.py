"""A network interface as the kernel counts it, and what became of some connections to a peer. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

_FEW = 10
"""Packets: fewer damaged ones than this are no share of anything."""
_PERCENT = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Packets and bytes since the interface was made."""

    received: int = 0
    received_damaged: int = 0
    received_dropped: int = 0
    sent: int = 0
    sent_damaged: int = 0
    sent_dropped: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0

    @property
    def packets(self) -> int:
        """How many packets came and went, good and bad."""
        return self.received + self.sent + self.damaged

    @property
    def damaged(self) -> int:
        """How many could not be used."""
        return self.received_damaged + self.sent_damaged

    @property
    def dropped(self) -> int:
        """How many were thrown away."""
        return self.received_dropped + self.sent_dropped

    def damaged_percent(self) -> float:
        """Return the share of damaged packets, 0 as long as they are few."""
        return _share(self.damaged, self.packets)

    def dropped_percent(self) -> float:
        """Return the share of dropped packets, 0 as long as they are few."""
        return _share(self.dropped, self.packets + self.dropped)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A network interface: `on` as an administrator has it, `carrier` as its other end has it (None: it has none).

    `made` tells one interface from another of its name, `at` is when it was read (seconds since the host was booted).
    """

    name: str
    made: str
    on: bool
    state: str
    carrier: bool | None
    counters: Counters
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the look before saw: which interface, and its counters then."""

    name: str = ""
    made: str = ""
    counters: Counters | None = None
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What became of connections to a peer: seconds of those that were answered, and why one was not ("" all were).

    A refused connection is answered: the packet went there and one came back.
    """

    asked: int
    took: tuple[float, ...]
    refused: int = 0
    silent: int = 0
    why: str = ""

    @property
    def lost_percent(self) -> float:
        """Return the share of connections without an answer."""
        return _PERCENT * (self.asked - len(self.took)) / self.asked

    @property
    def latency(self) -> float | None:
        """Return the median time (seconds), None when nothing was answered."""
        ordered = sorted(self.took)
        return ordered[len(ordered) // 2] if ordered else None


def since(seen: Seen, link: Link) -> Counters | None:
    """Return what was counted since the look before; None when there was none, or the counters were begun anew."""
    if seen.counters is None or (seen.name, seen.made) != (link.name, link.made):
        return None
    names = [each.name for each in fields(Counters)]
    grown = {name: getattr(link.counters, name) - getattr(seen.counters, name) for name in names}
    return None if min(grown.values()) < 0 else Counters(**grown)


def per_second(count: int, seen: Seen, link: Link) -> float:
    """Return how much of what was counted since the look before came in each second."""
    return count / max(link.at - seen.at, 1.0)


def recalled(text: str) -> Seen:
    """Read what `text_of` wrote; what cannot be read is nothing."""
    try:
        found: dict[str, Any] = json.loads(text)
        counters = Counters(**found["counters"])
        return Seen(name=str(found["name"]), made=str(found["made"]), counters=counters, at=float(found["at"]))
    except (ValueError, TypeError, LookupError):
        return Seen()


def text_of(link: Link) -> str:
    """Write what the next look must know."""
    counters = {each.name: getattr(link.counters, each.name) for each in fields(Counters)}
    return json.dumps({"name": link.name, "made": link.made, "at": link.at, "counters": counters})


def _share(some: int, of: int) -> float:
    return _PERCENT * some / of if some >= _FEW and of else 0.0
