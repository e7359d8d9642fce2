"""What a host is like beside its health, read in a second or so and by asking only the host itself."""

from __future__ import annotations

import os
import pwd
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from opsagent.core.environment import PASSING, Environment, Listener, MountKnown, Timer, UnitKnown, covers
from opsagent.core.environment.belief import grouped
from opsagent.core.quantity import spell
from opsagent.core.text import visible
from opsagent.host import packages, variables
from opsagent.host.boot import process_began
from opsagent.host.bus import BusError, BusLostError
from opsagent.host.listeners import ListenersError, ListeningSocket, listeners
from opsagent.host.mounts import mounts, watched_mounts
from opsagent.host.systemd import connection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opsagent.core.environment import Target
    from opsagent.host.systemd import Systemd

OURSELVES = "opsagent.service"
PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
USUAL_RANGE = range(32768, 61000)
RELEASE = Path("/etc/os-release")
POINT_RELEASE = Path("/etc/debian_version")
MOST_TIMERS = 200
LONGEST = 200
T = TypeVar("T")


def look(units: Sequence[tuple[str, str]], targets: Sequence[Target], scope: str = "system") -> Environment:
    """Look at everything once. `units` are pairs of name and scope, `scope` is whose timers are meant.

    A part that cannot be read is None in the answer, and named in `unread`.
    """
    unread: list[str] = []
    return Environment(
        system=system(),
        kernel=os.uname().release,
        listeners=_tried(lambda: who_listens(targets, scope), "listeners", unread),
        units=_tried(lambda: _units(units), "units", unread),
        mounts=_tried(_mounts, "mounts", unread),
        timers=_tried(lambda: _timers(connection(scope)), "timers", unread),
        unread=tuple(unread),
    )


def _tried(read: Callable[[], T], what: str, unread: list[str]) -> T | None:
    try:
        return read()
    except (OSError, ListenersError, BusError, BusLostError, packages.PackagesError) as error:
        unread.append(visible(f"{what}: {error}", LONGEST))
        return None


def system(release: Path = RELEASE, point: Path = POINT_RELEASE) -> str:
    """Return the system's name and version as it calls itself, "" when it does not."""
    try:
        lines = release.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    said = dict(line.split("=", 1) for line in lines if "=" in line)
    name = said.get("PRETTY_NAME", "").strip("\"'")
    if said.get("ID", "").strip("\"'") == "debian" and (exact := _first_line(point)):
        name = f"{name}, {exact}"
    return visible(name, LONGEST)


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip()
    except OSError:
        return ""


def who_listens(targets: Sequence[Target] = (), scope: str = "system", *, dated: bool = False) -> tuple[Listener, ...]:
    """Return the listeners of all programs but ourselves, with the checks that watch them. Raises ListenersError.

    Units are those of `scope`'s manager; another's are told in words. With `dated` also since when they run.
    """
    chosen = port_range()
    sockets = [one for one in listeners() if one.unit != OURSELVES]
    found = (replace(_listener(one, chosen, scope), since=process_began(one.pid) if dated else None) for one in sockets)
    return tuple(_with_watchers(one, targets) for one in grouped(found))


def _with_watchers(one: Listener, targets: Sequence[Target]) -> Listener:
    names = {target.check for target in targets if covers(target, one)}
    return replace(one, watched_by=tuple(sorted(names - {""})), ignored="" in names)


def _listener(one: ListeningSocket, chosen: range, scope: str) -> Listener:
    unit, process = _holder(one, scope)
    return Listener(
        protocol=one.protocol,
        port=one.port,
        addresses=(one.address,),
        unit=unit,
        process=visible(process, 100) if process else None,
        chosen=one.port in chosen,
    )


def _holder(one: ListeningSocket, scope: str) -> tuple[str | None, str | None]:
    """Return the unit and the program, or in its place whose session it is: the first process there is its sshd."""
    if one.user_unit is not None and not one.user_unit.endswith(PASSING):
        ours = scope == "user" and one.uid == os.geteuid()
        return (one.user_unit, one.process) if ours else (None, f"{one.user_unit} of {_user(one.uid)}")
    if one.unit is None or one.unit.endswith(PASSING) or one.unit.startswith("user@"):
        session = one.unit is not None and one.unit.startswith(("session-", "user@"))
        return None, f"a session of {_user(one.uid)}" if session else one.process or f"a program of {_user(one.uid)}"
    return one.unit if scope == "system" else None, one.process


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def port_range(path: Path = PORT_RANGE) -> range:
    """Return the ports that the kernel gives to whoever does not ask for one."""
    try:
        first, last = map(int, path.read_text().split())
    except (OSError, ValueError):
        return USUAL_RANGE
    return range(first, last + 1)


def _units(units: Sequence[tuple[str, str]]) -> tuple[UnitKnown, ...]:
    """Read the watched units: who packaged them, and what their environment names."""
    read = {name: (connection(scope), name) for name, scope in units}
    files = {
        name: manager.properties(name, "Unit", ("FragmentPath",)).text("FragmentPath")
        for name, (manager, _) in read.items()
    }
    owners = packages.owners(tuple(sorted({path for path in files.values() if path})))
    return tuple(_unit(manager, name, owners.get(files[name])) for name, (manager, _) in sorted(read.items()))


def _unit(manager: Systemd, name: str, owner: packages.Package | None) -> UnitKnown:
    names: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    if name.endswith(".service"):
        own = manager.properties(name, "Service", ("Environment", "EnvironmentFiles"))
        names, unread = variables.names(own.value("Environment") or (), own.value("EnvironmentFiles") or ())
    return UnitKnown(
        name=name,
        package=owner.name if owner else "",
        version=owner.version if owner else "",
        variables=names,
        unread=unread,
    )


def _mounts() -> tuple[MountKnown, ...]:
    return tuple(
        MountKnown(path=one.path, source=one.source, fs_type=one.fs_type, read_only=one.read_only)
        for one in watched_mounts(mounts())
    )


def _timers(manager: Systemd) -> tuple[Timer, ...]:
    """Read the active timers; one made by a program for itself has no file, and comes and goes."""
    names = sorted(manager.active("*.timer"))[:MOST_TIMERS]
    lasting = [name for name in names if manager.properties(name, "Unit", ("Transient",)).value("Transient") is False]
    return tuple(_timer(manager, name) for name in lasting)


def _timer(manager: Systemd, name: str) -> Timer:
    own = manager.properties(name, "Timer", ("Unit", "TimersCalendar", "TimersMonotonic"))
    calendar = [f"{spec}" for _, spec, _ in own.value("TimersCalendar") or ()]
    spans = [
        f"{base.removesuffix('USec')} {spell(timedelta(microseconds=usec))}"
        for base, usec, _ in own.value("TimersMonotonic") or ()
    ]
    return Timer(name=name, starts=own.text("Unit"), when=tuple(visible(one, LONGEST) for one in [*calendar, *spans]))
