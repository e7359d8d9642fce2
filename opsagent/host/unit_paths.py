"""Which files make a unit what it is: its unit file and drop-ins, its programs, and the settings they are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsagent.core.denied import malformed
from opsagent.host.bus import SYSTEMD, UNIT, BusError, get, get_all
from opsagent.host.properties import Properties
from opsagent.host.unit_names import object_path

if TYPE_CHECKING:
    from typing import Any

    from opsagent.host.systemd import Systemd


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPaths:
    """The files of a unit: those that systemd reads, its programs, and what the programs are pointed to."""

    unit_files: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    given: tuple[str, ...] = ()


def paths_of(manager: Systemd, unit: str) -> UnitPaths:
    """Ask systemd for them; nothing for a unit that does not exist. Raises BusLostError."""
    if malformed(unit):
        return UnitPaths()
    path = object_path(unit)
    try:
        about = Properties(manager.ask(get_all(path, UNIT))[0])
    except BusError:
        return UnitPaths()
    files = (about.text("FragmentPath"), about.text("SourcePath"), *about.names("DropInPaths"))
    commands = _of_service(manager, path, "ExecStart") if unit.endswith(".service") else []
    files_given = _of_service(manager, path, "EnvironmentFiles") if unit.endswith(".service") else []
    words = [word for command in commands for word in command[1][1:]]
    return UnitPaths(
        unit_files=tuple(dict.fromkeys(filter(None, files))),
        programs=tuple(dict.fromkeys(command[0] for command in commands)),
        given=tuple(
            dict.fromkeys(
                [
                    *(one[0] for one in files_given),
                    *(path for word in words if (path := word.rpartition("=")[2]).startswith("/")),
                ]
            )
        ),
    )


def _of_service(manager: Systemd, path: str, name: str) -> list[Any]:
    try:
        return list(manager.ask(get(path, f"{SYSTEMD}.Service", name))[0][1])
    except BusError:
        return []
