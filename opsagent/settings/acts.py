"""What acts must be like, beyond the types of their keys: names that exist, commands that root may leave to us.

The files below are made from them and read by systemd as root's own, so nothing odd may ever get into one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.acts import KEEP, OF_ROOT, RECLAIM, RESTORE, name_for
from opsagent.settings.problem import Place, Problem, shown
from opsagent.settings.relations import listed, names, repeated_names, rules_of, text_of, unfit_command, unknown
from opsagent.settings.tree import Mapping, Scalar, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.policy import CheckPolicy
    from opsagent.settings.model import Settings
    from opsagent.settings.tree import Node

END = timedelta(seconds=15)
_CAPABILITY = re.compile(r"CAP_[A-Z_]{2,40}", re.ASCII)


def problems(root: Mapping) -> Iterator[Problem]:
    """Find everything that is wrong with the acts of a document, and with what asks for them."""
    acts = listed(root, "acts")
    yield from repeated_names(acts, "act")
    if acts and text_of(root, "scope") == "user":
        text = "cannot have acts in a user's own instance: it runs commands as that user already, write {do: command}"
        yield Problem(place=place_of(root, ("acts",)), text=f"{text} (acts)")
    yield from _taken(acts, {name: text_of(check, "name") for check in listed(root, "checks") for name in _made(check)})
    for act in acts:
        for text in _refusals(act):
            yield Problem(place=_place(act), text=f"{text} (act {shown(text_of(act, 'name'))})")
    if root.whole:
        yield from _unknown(root, names(acts))
        yield from _unknown_backups(acts, names(listed(root, "backups")))


def timed(settings: Settings) -> Settings:
    """Have an act waited for as long as root lets it run, with the backup before it and a moment to end it."""
    jobs = {job.name: job.timeout for job in settings.backups}
    limits = {f"act {one.name}": one.timeout + jobs.get(one.backup_first, timedelta()) + END for one in settings.acts}
    limits[RECLAIM] = settings.reclaim.timeout + END
    watched = tuple(replace(one, policy=_timed(one.policy, limits)) for one in settings.watched)
    policy = replace(settings.policy, checks=tuple(one.policy for one in watched))
    return replace(settings, policy=policy, watched=watched)


def _timed(check: CheckPolicy, limits: dict[str, timedelta]) -> CheckPolicy:
    rules = tuple(replace(rule, timeout=limits.get(rule.label, rule.timeout)) for rule in check.repair)
    return replace(check, repair=rules)


def _unknown(root: Mapping, known: frozenset[str]) -> Iterator[Problem]:
    for check in listed(root, "checks"):
        for rule in rules_of(check):
            name = text_of(rule, "name")
            if isinstance(rule, Mapping) and text_of(rule, "do") == "act" and name and name not in known:
                yield unknown(name, rule.keys["name"], known, "act", "repair")


def _made(check: Node) -> Iterator[str]:
    """Return the names of the acts that the remedies of a check are."""
    for rule in rules_of(check):
        do = rule.value if isinstance(rule, Scalar) else text_of(rule, "do")
        if do in OF_ROOT:
            yield name_for(do, text_of(rule, "name"), text_of(check, "unit"))
        if do == RESTORE:
            yield name_for(KEEP, "", text_of(check, "unit"))


def _taken(acts: list[Node], made: dict[str, str]) -> Iterator[Problem]:
    for act in acts:
        name = text_of(act, "name")
        if isinstance(act, Mapping) and name in made:
            text = f"cannot use the name {shown(name)}, the repair of check {shown(made[name])} has an act of that name"
            yield Problem(place=act.keys["name"], text=text)


def _unknown_backups(acts: list[Node], known: frozenset[str]) -> Iterator[Problem]:
    for act in acts:
        name = text_of(act, "backup_first")
        if isinstance(act, Mapping) and name and name not in known:
            yield unknown(name, act.keys["backup_first"], known, "backup", "backup_first")


def _place(act: Node) -> Place:
    return act.keys.get("command", act.place) if isinstance(act, Mapping) else act.place


def _refusals(act: Node) -> Iterator[str]:
    command, writes, capabilities = (_texts(act, key) for key in ("command", "writes", "capabilities"))
    if command:
        yield from unfit_command(command)
    if any(not word.isprintable() for word in (*command, *writes)):
        yield "cannot use signs that cannot be printed, allowed: letters, digits and punctuation"
    for path in writes:
        if not path.startswith("/") or path == "/" or ".." in path.split("/"):
            yield f"cannot let it write {shown(path)}, allowed: the full path of a directory below /"
    for capability in capabilities:
        if not _CAPABILITY.fullmatch(capability):
            yield f"cannot use {shown(capability)} as a capability, allowed: a name such as CAP_KILL"


def _texts(node: Node, key: str) -> list[str]:
    return [item.value for item in listed(node, key) if isinstance(item, Scalar) and isinstance(item.value, str)]
