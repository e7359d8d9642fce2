"""What is different on a host from the look before, in lines for people. What merely comes and goes is no line."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from opsagent.core.environment import Environment, Listener, named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from opsagent.core.environment import CertificateKnown, MountKnown, Timer, UnitKnown

MOST_LINES = 50
T = TypeVar("T")


def drift(before: Environment, after: Environment) -> tuple[str, ...]:
    """Return the lines, at most `MOST_LINES`; none when nothing drifted. Neither side may hold an unread part."""
    lines = [
        *_said("system", before.system, after.system),
        *_said("kernel", before.kernel, after.kernel),
        *_listeners(before.listeners or (), after.listeners or ()),
        *_units(before.units or (), after.units or ()),
        *_mounts(before.mounts or (), after.mounts or ()),
        *_timers(before.timers or (), after.timers or ()),
        *_certificates(before.certificates, after.certificates),
    ]
    more = len(lines) - MOST_LINES
    return (*lines[:MOST_LINES], f"and {more} more") if more > 0 else tuple(lines)


def _said(what: str, before: str, after: str) -> Iterator[str]:
    if before and after and before != after:
        yield f"{what}: {before} → {after}"


def _listeners(before: tuple[Listener, ...], after: tuple[Listener, ...]) -> Iterator[str]:
    """Pair what went with what came: the same program elsewhere, another program there; the rest is new or gone."""
    known, now = {one.key for one in before}, {one.key for one in after}
    gone = [one for one in before if one.key not in now]
    come = [one for one in after if one.key not in known]
    for pairs, told in ((_opened, _said_opened), (_moved, _said_moved), (_taken_over, _said_taken_over)):
        for new in list(come):
            old = next((one for one in gone if pairs(one, new)), None)
            if old is not None:
                gone.remove(old)
                come.remove(new)
                yield told(old, new)
    yield from (f"new listener {endpoint(one)} ({one.who})" for one in come)
    yield from (f"no listener any more at {endpoint(one)} ({one.who})" for one in gone)


def _opened(old: Listener, new: Listener) -> bool:
    return (old.who, old.protocol, old.chosen) == (new.who, new.protocol, new.chosen) and (
        old.chosen or old.port == new.port
    )


def _moved(old: Listener, new: Listener) -> bool:
    return (old.who, old.protocol, old.chosen, new.chosen) == (new.who, new.protocol, False, False)


def _taken_over(old: Listener, new: Listener) -> bool:
    return (old.protocol, old.port) == (new.protocol, new.port)


def _said_opened(old: Listener, new: Listener) -> str:
    way = "open to the network now" if new.is_public else "closed to the network now"
    return f"{new.who}: {_port(new)} is {way} ({_at(old)} → {_at(new)})"


def _said_moved(old: Listener, new: Listener) -> str:
    if old.is_public == new.is_public:
        return f"{new.who}: {_port(old)} → {new.port}"
    return f"{new.who}: {_port(old)} → {new.port} ({_at(old)} → {_at(new)})"


def _said_taken_over(old: Listener, new: Listener) -> str:
    return f"{_port(new)}: {old.who} → {new.who}"


def _port(one: Listener) -> str:
    return f"port {one.port}" if one.protocol == "tcp" else f"{one.protocol} port {one.port}"


def _at(one: Listener) -> str:
    return ", ".join(one.addresses)


def endpoint(one: Listener) -> str:
    """Return where it listens: the first address and the port, with the protocol where it is not TCP."""
    address = one.addresses[0] if one.addresses else "?"
    at = f"[{address}]:{one.port}" if ":" in address else f"{address}:{one.port}"
    return at if one.protocol == "tcp" else f"{one.protocol} {at}"


def _units(before: tuple[UnitKnown, ...], after: tuple[UnitKnown, ...]) -> Iterator[str]:
    """Which units are watched is said in the settings; a version is told once, however many units it has."""
    told: set[str] = set()
    for old, new in _same(before, after, lambda one: one.name):
        line = f"{new.package or named(new.name)} {old.version} → {new.version}"
        if old.version and new.version and old.version != new.version and line not in told:
            told.add(line)
            yield line
        if old.unread == new.unread:  # else names may only have become readable
            yield from (
                f"{named(new.name)}: new variable {name}" for name in new.variables if name not in old.variables
            )
            yield from (
                f"{named(new.name)}: variable {name} is gone" for name in old.variables if name not in new.variables
            )


def _mounts(before: tuple[MountKnown, ...], after: tuple[MountKnown, ...]) -> Iterator[str]:
    for one in _only(after, before, lambda one: one.path):
        yield f"new mount {one.path} ({one.fs_type}, {one.source})"
    for one in _only(before, after, lambda one: one.path):
        yield f"{one.path} is not mounted any more ({one.fs_type}, {one.source})"
    for old, new in _same(before, after, lambda one: one.path):
        yield from _said(new.path, f"{old.fs_type}, {old.source}", f"{new.fs_type}, {new.source}")
        yield from _said(new.path, _ways(old), _ways(new))


def _ways(mount: MountKnown) -> str:
    return "read-only" if mount.read_only else "read-write"


def _timers(before: tuple[Timer, ...], after: tuple[Timer, ...]) -> Iterator[str]:
    for one in _only(after, before, lambda one: one.name):
        yield f"new timer {one.name} ({', '.join(one.when) or 'no time set'})"
    for one in _only(before, after, lambda one: one.name):
        yield f"timer {one.name} is gone"
    for old, new in _same(before, after, lambda one: one.name):
        yield from _said(f"timer {new.name}", ", ".join(old.when) or "no time", ", ".join(new.when) or "no time")
        yield from _said(f"timer {new.name}", f"starts {named(old.starts)}", f"starts {named(new.starts)}")


def _certificates(before: tuple[CertificateKnown, ...], after: tuple[CertificateKnown, ...]) -> Iterator[str]:
    for old, new in _same(before, after, lambda one: one.where):
        yield from _said(f"certificate {new.where}", old.subject, new.subject)
        yield from _said(f"certificate {new.where}: valid until", f"{old.ends:%Y-%m-%d}", f"{new.ends:%Y-%m-%d}")


def _only(here: Iterable[T], there: Iterable[T], key: Callable[[T], str]) -> list[T]:
    known = {key(one) for one in there}
    return [one for one in here if key(one) not in known]


def _same(before: Iterable[T], after: Iterable[T], key: Callable[[T], str]) -> list[tuple[T, T]]:
    known = {key(one): one for one in before}
    return [(known[key(one)], one) for one in after if key(one) in known]
