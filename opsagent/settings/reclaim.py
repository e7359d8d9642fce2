"""What `reclaim` must be like: directories that may be cleaned at all, and something to clean where it is asked for."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from opsagent.core.acts import RECLAIM, STORE
from opsagent.settings.problem import Place, Problem, shown
from opsagent.settings.relations import listed, rules_of, text_of
from opsagent.settings.source import HOMES, SYSTEM_BACKUPS, SYSTEM_DIRECTORY, SYSTEM_STATE
from opsagent.settings.tree import Mapping, Scalar, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.settings.tree import Node

_NEVER_IN = ("/etc", "/boot", "/proc", "/sys", "/dev", "/bin", "/sbin", "/lib", "/lib64", "/usr/bin", "/usr/lib")
_NEVER_ABOVE = ("/usr", "/run/systemd", "/var/lib/dpkg", "/var/spool/cron")
_KEYS = ("journal", "apt_cache", "directories", "docker_prune")


def problems(root: Mapping) -> Iterator[Problem]:
    """Find everything that is wrong with `reclaim`, and with checks and acts that get in its way."""
    section = root.items.get(RECLAIM)
    for item in listed(section, "directories"):
        if text := _refusal(text_of(item, "path"), _own(root)):
            yield Problem(place=_place(item), text=f"{text} (reclaim.directories)")
    if section is not None and text_of(root, "scope") == "user":
        text = "cannot reclaim disk in a user's own instance, allowed: {do: command} with a program of that user's"
        yield Problem(place=place_of(root, (RECLAIM,)), text=f"{text} (reclaim)")
    for act in listed(root, "acts"):
        if text_of(act, "name") == RECLAIM and isinstance(act, Mapping):
            text = "cannot call an act 'reclaim': the remedy of that name has its unit, allowed: another name"
            yield Problem(place=act.keys["name"], text=f"{text} (acts)")
    if root.whole and not _names_something(section):
        for place in _asked(root):
            text = "cannot reclaim disk without knowing what may go, add the section 'reclaim' to the file"
            yield Problem(place=place, text=f"{text} (repair)")


def _own(root: Mapping) -> tuple[str, ...]:
    """Return what is opsagent's own, by these settings and by default."""
    said = [text_of(root, "state"), text_of(root, "memory")]
    said += [text_of(job, key) for job in listed(root, "backups") for key in ("to", "repository")]
    local = (path for path in said if path.startswith("/"))
    return (*local, STORE, str(SYSTEM_STATE), str(SYSTEM_BACKUPS), str(SYSTEM_DIRECTORY))


def _refusal(path: str, own: tuple[str, ...]) -> str:
    place = PurePosixPath(path)
    if not path.startswith("/"):
        return ""  # missing, or refused already
    inside = next((one for one in (*own, *_NEVER_IN) if place.is_relative_to(one)), "")
    above = next((one for one in (*own, *_NEVER_IN, *_NEVER_ABOVE) if PurePosixPath(one).is_relative_to(place)), "")
    home = any(place in (one, *one.parents) or place.parent == one for one in map(PurePosixPath, HOMES))
    if not (inside or above or home):
        return ""
    why = "it is a home directory or has them in it" if home else f"it is, holds or belongs to {inside or above}"
    return f"cannot reclaim in {shown(path)}: {why}, allowed: a directory of files that can be spared"


def _place(item: Node) -> Place:
    return item.keys.get("path", item.place) if isinstance(item, Mapping) else item.place


def _names_something(section: Node | None) -> bool:
    found = [section.items.get(key) for key in _KEYS] if isinstance(section, Mapping) else []
    return any(not (one is None or (isinstance(one, Scalar) and one.value in (False, None))) for one in found)


def _asked(root: Mapping) -> Iterator[Place]:
    for check in listed(root, "checks"):
        for rule in rules_of(check):
            if text_of(rule, "do") == RECLAIM or (isinstance(rule, Scalar) and rule.value == RECLAIM):
                yield rule.place
