"""What `restore` must be like: configuration files by their full paths, none that the whole host stands on."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from opsagent.core.acts import RESTORE, STORE
from opsagent.settings.problem import Problem, shown
from opsagent.settings.relations import listed, rules_of, text_of
from opsagent.settings.source import HOMES, SYSTEM_BACKUPS, SYSTEM_DIRECTORY, SYSTEM_STATE
from opsagent.settings.tree import Mapping, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.settings.tree import Node

_NEVER_IN = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib64", "/boot", "/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp"),  # noqa: S108 - refused, not used
    *("/var/run", "/var/lock", *map(str, HOMES)),
    *("/etc/systemd", "/etc/sudoers.d", "/etc/pam.d", "/etc/security", "/etc/ssh", "/etc/polkit-1", "/etc/selinux"),
    *("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid", "/etc/sudoers"),
    *("/etc/fstab", "/etc/crypttab", "/etc/machine-id", "/etc/ld.so.preload", "/etc/ld.so.conf"),
)
MOST = 50


def problems(root: Mapping) -> Iterator[Problem]:
    """Find every `restore` without files, files of other remedies, and files that are never restored."""
    own = (text_of(root, "state"), text_of(root, "memory"), STORE, str(SYSTEM_STATE), str(SYSTEM_BACKUPS))
    closed = (*_NEVER_IN, str(SYSTEM_DIRECTORY), *filter(None, own))
    for check in listed(root, "checks"):
        for rule in rules_of(check):
            for text, place in _refusals(rule, closed):
                yield Problem(place=place.place, text=f"{text} (repair of check {shown(text_of(check, 'name'))})")


def _refusals(rule: Node, closed: tuple[str, ...]) -> Iterator[tuple[str, Node]]:
    do = rule.value if isinstance(rule, Scalar) else text_of(rule, "do")
    files = [one for one in listed(rule, "files") if isinstance(one, Scalar)]
    if do != RESTORE:
        if files:
            yield f"cannot give 'files' to the remedy {shown(str(do))}, they belong to {{do: restore}}", rule
        return
    if not files or len(files) > MOST:
        yield f"cannot restore {len(files)} files, write {{do: restore, files: [/etc/…]}} with 1 to {MOST}", rule
    for one in files:
        if why := _refusal(str(one.value), closed):
            yield f"cannot restore {shown(str(one.value))}: {why}", one


def _refusal(path: str, closed: tuple[str, ...]) -> str:
    parts = path.split("/")
    if not path.startswith("/") or not path.isprintable() or any(part in ("", ".", "..") for part in parts[1:]):
        return "allowed: the full path of a file, without . and .., that can be printed"
    if len(parts) < 3:  # noqa: PLR2004 - a file of / itself
        return "allowed: a file in a directory below /"
    inside = next((one for one in closed if PurePosixPath(path).is_relative_to(one)), "")
    return f"it is {inside} or in it, allowed: a service's own configuration" if inside else ""
