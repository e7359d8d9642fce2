"""Which files are watched for changes, and whose they are: those of units, and those that the settings list."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsagent.host.file_prints import MOST_FILES, matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from opsagent.host.unit_paths import UnitPaths

UNITS_BY_HAND = "/etc/systemd/system"
"""Where administrators put unit files: all of them are watched, whether a check names the unit or not."""
_UNIT_FILES = (
    *("/etc/systemd/", "/run/systemd/", "/usr/lib/systemd/", "/lib/systemd/", "/usr/local/lib/systemd/"),
    *("/etc/init.d/", "/usr/share/systemd/"),
)
_OF_PACKAGES = ("/usr/lib/", "/lib/", "/usr/share/")
_KINDS = (".service", ".socket", ".timer", ".path", ".mount", ".automount", ".swap", ".target", ".slice")
_SETTINGS = ("/etc/default/", "/etc/sysconfig/", "/etc/conf.d/")
_OURS = "opsagent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """For whose sake a file is watched (a unit, a pattern, the folder of unit files), and the units it belongs to."""

    reason: str
    units: tuple[str, ...] = ()


def configured(listed: Mapping[str, str], units: Mapping[str, UnitPaths]) -> dict[str, Why]:
    """Return why each file that the settings list is watched, and whose it is."""
    return {path: Why(reason=pattern, units=owners(path, units)) for path, pattern in listed.items()}


def wanted(known: Mapping[str, Why], units: Mapping[str, UnitPaths], ours: Iterable[str]) -> dict[str, Why]:
    """Return the files to watch by path: those `known` from the settings, of units, all unit files made by hand.

    Also the settings in /etc that a unit is given and root wrote.

    `ours` are folders in which we write ourselves: never those.
    """
    found = dict(known)
    for path in _by_hand():
        found[path] = Why(reason=UNITS_BY_HAND, units=named_by(path, units))
    for unit, paths in units.items():
        for path in (*paths.unit_files, *filter(_is_roots, paths.given)):
            other = found.get(path)
            mine = tuple(dict.fromkeys((*(other.units if other else ()), unit)))
            found[path] = Why(reason=other.reason if other else unit, units=mine)
    folders = tuple(f"{folder}/" for folder in ours)
    return {path: why for path, why in found.items() if not path.startswith(folders) and not is_ours(path)}


def listed(patterns: Iterable[str]) -> dict[str, str]:
    """Return the files that patterns name, at most 500, each with the first pattern that does."""
    found: dict[str, str] = {}
    for pattern in patterns:
        for path in matches(pattern):
            if len(found) < MOST_FILES:
                found.setdefault(path, pattern)
    return found


def _is_roots(path: str) -> bool:
    """Whether it is a file of /etc that root wrote: what services own there they also write, all the time."""
    try:
        about = os.stat(path) if path.startswith("/etc/") else None  # noqa: PTH116 - a text, as all paths here
    except OSError:
        return False
    return about is not None and stat.S_ISREG(about.st_mode) and about.st_uid == 0


def _by_hand() -> Iterator[str]:
    """Yield unit files and drop-ins; what is only a link is enabled or aliased, not written."""
    for folder, _, names in os.walk(UNITS_BY_HAND):
        for name in names:
            path = f"{folder}/{name}"
            drop_in = folder.endswith(".d") and name.endswith(".conf")
            if (drop_in or name.endswith(_KINDS)) and not os.path.islink(path):  # noqa: PTH114 - a text, as all paths here
                yield path


def is_ours(path: str) -> bool:
    """Whether a unit file or drop-in is one of our own units'."""
    return is_unit_file(path) and any(part.startswith(_OURS) for part in path.split("/")[-2:])


def is_unit_file(path: str) -> bool:
    """Whether a path is where systemd looks for units."""
    return path.startswith(_UNIT_FILES) or "/systemd/user/" in path


def of_package(path: str) -> bool:
    """Whether a path belongs to packages alone: nobody edits there by hand."""
    return path.startswith(_OF_PACKAGES)


def named_by(path: str, units: Iterable[str]) -> tuple[str, ...]:
    """Return the watched units that a unit file or drop-in is of, by its name; of a template all its instances."""
    folder, _, name = path.rpartition("/")
    of = folder.rpartition("/")[2].removesuffix(".d") if folder.endswith(".d") else name
    return tuple(unit for unit in units if of in (unit, _template(unit)))


def _template(unit: str) -> str:
    prefix, at, rest = unit.partition("@")
    return f"{prefix}@.{rest.rpartition('.')[2]}" if at else unit


def owners(path: str, units: Mapping[str, UnitPaths]) -> tuple[str, ...]:
    """Return the watched units that a file configures: which are given it, or its folder, or are called as it is."""
    given = tuple(unit for unit, paths in units.items() if any(_is_given(path, one) for one in paths.given))
    names = _names(path)
    return given or tuple(unit for unit in units if _stem(unit) in names)


def _is_given(path: str, given: str) -> bool:
    folder = given.rpartition("/")[0]
    deep = folder.count("/") > 1  # /etc itself belongs to nobody
    return path == given or path.startswith(f"{given}/") or (deep and path.startswith(f"{folder}/"))


def _stem(unit: str) -> str:
    return unit.rpartition(".")[0].partition("@")[0]


def _names(path: str) -> frozenset[str]:
    """Return what a file's place says of whom it is for: `/etc/NAME/…`, `/etc/NAME.conf`, `/etc/default/NAME`."""
    parts = path.split("/")
    if path.startswith(_SETTINGS):
        return frozenset({parts[3]})
    return frozenset({parts[2].partition(".")[0]}) if path.startswith("/etc/") else frozenset()
