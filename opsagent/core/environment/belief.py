"""Which part of a look is believed: sockets come and go, and what could not be read has not gone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from opsagent.core.environment import Environment, Listener

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

MOST = 300
"""Listeners that are kept; a host with more has a program that opens ports by the thousand."""


def keys(listeners: Iterable[Listener]) -> frozenset[str]:
    """Return what identifies these listeners for good."""
    return frozenset(one.key for one in listeners)


def sightings(listeners: Iterable[Listener]) -> frozenset[str]:
    """Return what identifies these listeners at the next look."""
    return frozenset(one.sighting for one in listeners)


def grouped(sockets: Iterable[Listener]) -> tuple[Listener, ...]:
    """Put the addresses of one port of one program together.

    A UDP socket on a port that the kernel chose asks others rather than serving them: it is left out.
    """
    groups: defaultdict[tuple[str, int, str], list[Listener]] = defaultdict(list)
    for one in sockets:
        if not (one.chosen and one.protocol == "udp"):
            groups[one.protocol, one.port, one.who].append(one)
    found = [
        replace(same[0], addresses=tuple(sorted({address for one in same for address in one.addresses})))
        for same in groups.values()
    ]
    return tuple(sorted(found, key=_place)[:MOST])


def _place(one: Listener) -> tuple[int, str, str]:
    return (one.port, one.protocol, one.who)


def believed(
    seen: Environment, known: Environment | None, earlier: Collection[str], down: Collection[str]
) -> Environment:
    """Return the look as it is believed. `earlier` are the sightings of the look before.

    `down` are units that do not run: that their ports are closed is told as their failure, not as a change here.
    """
    before = known or Environment()
    listeners = before.listeners
    if seen.listeners is not None:
        listeners = _listeners(seen.listeners, before.listeners or (), earlier, down)
    return replace(
        seen,
        listeners=listeners,
        units=before.units if seen.units is None else seen.units,
        mounts=before.mounts if seen.mounts is None else seen.mounts,
        timers=before.timers if seen.timers is None else seen.timers,
        system=seen.system or before.system,
    )


def _listeners(
    seen: tuple[Listener, ...], known: tuple[Listener, ...], earlier: Collection[str], down: Collection[str]
) -> tuple[Listener, ...]:
    """A fixed TCP port is believed at once, any other at the second look in a row; of chosen ones one is enough.

    One that is gone stays for one more look (its program may just be restarting), unless the program moved.
    """
    there = keys(known)
    sure = (one for one in seen if one.key in there or one.sighting in earlier or _is_plain(one))
    new = _once_each(sure)
    moved = {one.who for one in new if one.key not in there}
    gone = [one for one in known if one.key not in keys(seen)]
    kept = [one for one in gone if one.unit in down or (one.sighting in earlier and one.who not in moved)]
    return tuple(sorted([*new, *kept], key=_place)[:MOST])


def _is_plain(one: Listener) -> bool:
    return one.protocol == "tcp" and not one.chosen


def exposed(seen: Iterable[Listener], earlier: Collection[str], known: Collection[str]) -> tuple[Listener, ...]:
    """Return the listeners that opened to the network and were there at two looks in a row, each key once.

    `known` are the keys of those that were told of before; what a check watches was wanted by whoever wrote the check.
    """
    new = [one for one in seen if one.is_public and one.sighting in earlier and one.key not in known]
    return _once_each(one for one in new if not one.watched_by and not one.ignored)


def _once_each(listeners: Iterable[Listener]) -> tuple[Listener, ...]:
    """Return one listener of each key, the one with the lowest port, in their order."""
    first = {one.key: one for one in sorted(listeners, key=_place, reverse=True)}
    return tuple(sorted(first.values(), key=_place))
