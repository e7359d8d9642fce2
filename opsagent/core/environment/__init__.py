"""What a host is like beside its health: who listens, which versions, mounts, timers, certificates. Plain values."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from datetime import datetime

ANY = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to
PASSING = (".scope", ".slice")
"""Units of these types belong to a session or a manager; tomorrow they have another name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One port that waits for others, on all the addresses where the same program holds it.

    `unit` lasts: a service or socket, or None. `chosen` says that the kernel chose the port, so that its number means
    nothing. `watched_by` are the checks that would notice if it were gone; `ignored` says that it needs none. `since`
    is when its process began, where that was asked for.
    """

    protocol: str
    port: int
    addresses: tuple[str, ...]
    unit: str | None = None
    process: str | None = None
    chosen: bool = False
    watched_by: tuple[str, ...] = ()
    ignored: bool = False
    since: datetime | None = field(default=None, compare=False)

    @property
    def who(self) -> str:
        """Who holds it, as a person calls it."""
        return named(self.unit) if self.unit else self.process or "an unknown process"

    @property
    def is_public(self) -> bool:
        """Whether another host may reach it, as far as its addresses say."""
        return any(not is_local(address) for address in self.addresses)

    @property
    def key(self) -> str:
        """What makes it the same listener as yesterday, in text: addresses come and go, a chosen port means nothing."""
        return self._named("chosen" if self.chosen else str(self.port))

    @property
    def sighting(self) -> str:
        """What makes it the same listener as at the look a minute ago, in text."""
        return self._named(str(self.port))

    def _named(self, port: str) -> str:
        return f"{self.protocol} {port} {'public' if self.is_public else 'local'} {self.who}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a check looks at: a unit, a port of a host ("" for the port on any address of this one), a page.

    Or, with `check` "", what the settings say to ignore: `name` is a unit, a program, or a port such as `tcp 8081`.
    """

    check: str
    unit: str | None = None
    protocol: str = "tcp"
    host: str = ""
    port: int | None = None
    url: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitKnown:
    """A watched unit. `package` owns its unit file, at `version`; "" where none does.

    `variables` are the names in its environment, never their values; `unread` the files of it that are closed to us.
    """

    name: str
    package: str = ""
    version: str = ""
    variables: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A URL that a check asks, without its query."""

    check: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MountKnown:
    """A file system on a disk or a server."""

    path: str
    source: str
    fs_type: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A timer that stands in a file: what it starts, and when, in systemd's own words."""

    name: str
    starts: str
    when: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateKnown:
    """A certificate that a check looks at: `where` is a file or host:port, `ends` is UTC."""

    where: str
    subject: str
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One look at all of it, each list in a fixed order. None: this part could not be read this time."""

    system: str = ""
    kernel: str = ""
    listeners: tuple[Listener, ...] | None = None
    units: tuple[UnitKnown, ...] | None = None
    pages: tuple[Page, ...] = ()
    mounts: tuple[MountKnown, ...] | None = None
    timers: tuple[Timer, ...] | None = None
    certificates: tuple[CertificateKnown, ...] = ()
    unread: tuple[str, ...] = ()


def named(unit: str) -> str:
    """Return a unit's name as people say it."""
    return unit.removesuffix(".service")


def is_local(address: str) -> bool:
    """Whether nobody beyond this host, or its own wire (link-local), reaches that address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return found.is_loopback or found.is_link_local


def covers(target: Target, listener: Listener) -> bool:
    """Whether the check of this target would notice that the listener is gone, or the settings name it."""
    if target.name:
        return target.name in {listener.unit, listener.who, f"{listener.protocol} {listener.port}"}
    if target.unit is not None and target.unit == listener.unit:
        return True
    if target.port != listener.port or target.protocol != listener.protocol:
        return False
    if target.host == "localhost" or is_local(target.host):
        return any(address in ANY or is_local(address) for address in listener.addresses)
    return target.host in {"", *listener.addresses}


def unmonitored(environment: Environment) -> tuple[Listener, ...]:
    """Return the listeners that no check would miss, save what needs none or has another port tomorrow."""
    found = environment.listeners or ()
    return tuple(one for one in found if not one.watched_by and not one.ignored and not one.chosen)


def check_name(unit: str | None, port: int) -> str:
    """Return the name of the check that would watch a port: after its unit, else after the port alone."""
    return f"{plain_name(unit.rpartition('.')[0])}-{port}" if unit else f"port-{port}"


def plain_name(text: str) -> str:
    """Make a name of a check of any text."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:50].strip("-") or "check"
