"""What must fit together: names that are used exist, remedies have a unit they may touch, nothing goes in circles.

All of it is read from the tree, so that a mistake in one key hides no mistake in another.
"""

from __future__ import annotations

import difflib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.core.acts import OF_ROOT, SIGNALS
from opsagent.core.container import is_container_name
from opsagent.core.denied import denied, holds_data, malformed
from opsagent.core.destructive import destructive
from opsagent.core.quantity import duration, spell
from opsagent.settings.problem import Place, Problem, shown
from opsagent.settings.source import HOMES
from opsagent.settings.tree import Mapping, Node, Scalar, Sequence, place_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

NEEDS_UNIT = frozenset({"restart", "reset_failed", "reload", "restart_with_dependants", "restore", "signal", "stop"})
_TAKES_DOWN = frozenset({"restart", "restart_with_dependants", "act", "signal", "stop", "docker"})
NAMED = ("act", "docker", "signal")
_OFFERED = 20
SEVERITIES = ("SEV1", "SEV2", "SEV3", "SEV4")


def text_of(node: Node | None, key: str) -> str:
    """Return the text at a key of a mapping, "" when there is none."""
    found = node.items.get(key) if isinstance(node, Mapping) else None
    return found.value if isinstance(found, Scalar) and isinstance(found.value, str) else ""


def listed(node: Node | None, key: str) -> list[Node]:
    """Return the items at a key of a mapping, none when it is no list."""
    found = node.items.get(key) if isinstance(node, Mapping) else None
    return found.items if isinstance(found, Sequence) else []


def _texts(node: Node, key: str) -> Iterator[tuple[str, Place]]:
    for item in listed(node, key):
        if isinstance(item, Scalar) and isinstance(item.value, str):
            yield item.value, item.place


def names(nodes: list[Node]) -> frozenset[str]:
    """Return the names that checks or notifiers give themselves."""
    return frozenset(text_of(node, "name") for node in nodes) - {""}


def repeated_names(nodes: list[Node], what: str, key: str = "name") -> Iterator[Problem]:
    """Find names given twice: a name is an identity, and so is another `key`. The second place names the first."""
    first: dict[str, Place] = {}
    for node in nodes:
        name = text_of(node, key)
        if not name or not isinstance(node, Mapping):
            continue
        place = node.keys[key]
        if name in first:
            text = f"cannot use the {key} {shown(name)} twice, another {what} has it at {first[name]}"
            yield Problem(place=place, text=text)
        first.setdefault(name, place)


def unknown_names(node: Node, key: str, known: Collection[str], what: str) -> Iterator[Problem]:
    """Find names that belong to nothing."""
    for name, place in _texts(node, key):
        if name not in known:
            yield unknown(name, place, known, what, key)


def unknown(name: str, place: Place, known: Collection[str], what: str, key: str) -> Problem:
    """Say that a name belongs to nothing, and which was probably meant."""
    return Problem(place=place, text=f"cannot find the {what} {shown(name)}{_offered(name, known, what)} ({key})")


def _offered(name: str, known: Collection[str], what: str) -> str:
    """Say which name was probably meant, and which there are; of a thousand not all."""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    some = ", ".join(sorted(known)[:_OFFERED]) + (", …" if len(known) > _OFFERED else "")
    return f"{hint}, known {what}s: {some}" if known else f", there are no {what}s"


def rules_of(check: Node) -> list[Node]:
    """Return what a check may do, whether in an order of choice or in a strict one."""
    return [*listed(check, "repair"), *listed(check, "playbook")]


def verifiers(check: Node, known: Collection[str]) -> Iterator[Problem]:
    """Find steps that are proven by nothing, and what belongs to steps of a playbook only."""
    for rule in listed(check, "repair"):
        for key in ("wait", "verify"):
            if isinstance(rule, Mapping) and key in rule.items:
                text = f"cannot use {key!r} in 'repair', it belongs to the steps of 'playbook'"
                yield Problem(place=rule.keys[key], text=f"{text} (check {shown(text_of(check, 'name'))})")
    for rule in listed(check, "playbook"):
        name = text_of(rule, "verify")
        if isinstance(rule, Mapping) and name and name not in known:
            yield unknown(name, rule.keys["verify"], known, "check", "verify")


def repairs(check: Node, remedies: Collection[str], scope: str = "") -> Iterator[Problem]:
    """Find what a check's `repair` may not name, and units that no remedy may touch; `scope` is the document's."""
    of_user = "user" in (text_of(check, "scope") or scope, scope)
    if listed(check, "repair") and listed(check, "playbook") and isinstance(check, Mapping):
        text = "cannot have 'repair' and 'playbook' at once, allowed: one of them"
        yield Problem(place=check.keys["playbook"], text=f"{text} (check {shown(text_of(check, 'name'))})")
    for item in rules_of(check):
        rule = item
        if isinstance(item, Scalar):
            rule = Mapping(place=item.place, items={"do": item}, keys={"do": item.place})
        of_root = [_without_root(text_of(rule, "do"))] if of_user and text_of(rule, "do") in OF_ROOT else []
        for text in (*of_root, *_refusals(rule, text_of(check, "unit"), remedies)):
            yield Problem(place=item.place, text=f"{text} (repair of check {shown(text_of(check, 'name'))})")


def _without_root(do: str) -> str:
    return (
        f"cannot {do} for a user's own instance or unit: root does it; write {{do: command}}, which runs as that user"
    )


def _refusals(rule: Node, unit: str, remedies: Collection[str]) -> Iterator[str]:
    do, command = text_of(rule, "do"), [text for text, _ in _texts(rule, "command")]
    if not do:
        return
    if do not in remedies:
        yield f"cannot find the remedy {shown(do)}, known remedies: {', '.join(sorted(remedies))}"
    elif do != "command" and command:
        yield f"cannot give 'command' to the remedy {shown(do)}, it belongs to {{do: command}}"
    elif do == "command" and not command:
        yield "cannot run a command without one, write {do: command, command: [/path/to/program, argument]}"
    elif do == "command":
        yield from unfit_command(command)
    yield from _name_refusals(do, text_of(rule, "name"))
    if do in NEEDS_UNIT and not unit:
        yield f"cannot {do.replace('_', '-')} without a unit, add the key 'unit' with its full name"
    elif unit and do in {*NEEDS_UNIT, "act", "docker"}:
        yield from _unit_refusals(rule, do, unit)


def _name_refusals(do: str, name: str) -> Iterator[str]:
    if do == "act" and not name:
        yield "cannot act without a name, write {do: act, name: …} with one of the file's 'acts'"
    elif do == "signal" and name not in SIGNALS:
        yield f"cannot send {shown(name)}, write {{do: signal, name: …}} with {_one_of(SIGNALS)}"
    elif do == "docker" and not is_container_name(name):
        yield f"cannot restart container {shown(name)}, write {{do: docker, name: …}} with the name of a container"
    elif do not in NAMED and name:
        belongs = _one_of(f"{{do: {one}}}" for one in NAMED)
        yield f"cannot give 'name' to the remedy {shown(do)}, it belongs to {belongs}"


def _one_of(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}"


def unfit_command(command: list[str]) -> Iterator[str]:
    """Say why a command can not, or may never, be run by itself."""
    if not command[0].startswith("/"):
        yield f"cannot run {shown(command[0])}, allowed: a program's full path, beginning with /"
    elif why := destructive(command):
        yield why


def _named(rule: Node) -> str:
    name = text_of(rule, "name")
    return f", name: {name}" if name else ""


def _unit_refusals(rule: Node, do: str, unit: str) -> Iterator[str]:
    refusal = "" if malformed(unit) else denied(unit)
    allowed = rule.items.get("holds_data") if isinstance(rule, Mapping) else None
    if refusal:
        yield f"{refusal}; allowed: to watch it, without 'repair'"
    elif do in _TAKES_DOWN and holds_data(unit) and not (isinstance(allowed, Scalar) and allowed.value is True):
        yield (
            f"cannot {do} {shown(unit)} without being told that it may be: it holds data, "
            f"write {{do: {do}{_named(rule)}, holds_data: true}}"
        )


def closed_to_the_service(root: Mapping) -> Iterator[Problem]:
    """Tell of directories that the host's own instance can never write: its sandbox closes home directories."""
    for key in ("state", "memory"):
        path = Path(text_of(root, key))
        if any(path.is_relative_to(home) for home in HOMES):
            said = f"cannot use {shown(str(path))}, a home directory, for the host's own service"
            text = f"{said}, allowed: a path elsewhere, or run opsagent as that user with `scope: user` ({key})"
            yield Problem(place=place_of(root, (key,)), text=text)


def never_ends(window: Node) -> Iterator[Problem]:
    """Find a window that begins again before it is over: quiet for ever is no maintenance."""
    begins = text_of(window, "from")
    try:
        lasts = duration(text_of(window, "for"))
    except ValueError:
        return
    every = timedelta(days=7) if " " in begins else timedelta(days=1)
    if begins and "-" not in begins and every <= lasts <= timedelta(days=7) and isinstance(window, Mapping):
        text = f"cannot use {spell(lasts)}, allowed: less than {spell(every)}, for it begins again then"
        yield Problem(place=window.keys["for"], text=f"{text} (maintenance.for)")


def dependants(checks: list[Node]) -> Iterator[Problem]:
    """Find units that would be restarted with another although none may touch them, or they hold data."""
    units = {text_of(check, "name"): text_of(check, "unit") for check in checks}
    needs = {text_of(check, "name"): {name for name, _ in _texts(check, "depends_on")} for check in checks}
    for check in checks:
        for rule in rules_of(check):
            do = rule.value if isinstance(rule, Scalar) else text_of(rule, "do")
            found = _below(text_of(check, "unit"), units, needs) if do == "restart_with_dependants" else ()
            for unit in sorted(one for one in found if not malformed(one)):
                if why := denied(unit) or ("it holds data" if holds_data(unit) else ""):
                    text = f"cannot restart {shown(unit)} together with what it depends on: {why}"
                    yield Problem(place=rule.place, text=f"{text} (repair of check {shown(text_of(check, 'name'))})")


def _below(unit: str, units: dict[str, str], needs: dict[str, set[str]]) -> set[str]:
    found = {unit}
    while True:
        names = {name for name, each in units.items() if each in found}
        more = {units[name] for name, needed in needs.items() if needed & names and units[name]} - found
        if not more:
            return found - {unit}
        found |= more


def circles(checks: list[Node]) -> Iterator[Problem]:
    """Find checks that depend on themselves, over whatever way; every circle is told once, in full."""
    needs = {text_of(check, "name"): [name for name, _ in _texts(check, "depends_on")] for check in checks}
    told: set[frozenset[str]] = set()
    for check in checks:
        name = text_of(check, "name")
        way = _way_back(name, needs) if name else []
        if way and isinstance(check, Mapping) and frozenset(way) not in told:
            told.add(frozenset(way))
            circle = " → ".join(shown(each) for each in [*way, name])
            text = f"cannot use a dependency circle: {circle}, allowed: no way back"
            yield Problem(place=check.keys["depends_on"], text=f"{text} (depends_on)")


def _way_back(start: str, needs: dict[str, list[str]]) -> list[str]:
    """Return the names on a way from `start` back to it, beginning with `start`; [] when there is none."""
    before: dict[str, str] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop(0)
        if start in needs.get(name, ()):
            way = [name]
            while way[-1] != start:
                way.append(before[way[-1]])
            return way[::-1]
        for needed in needs.get(name, ()):
            if needed not in before:
                before[needed] = name
                waiting.append(needed)
    return []


def escalation(root: Mapping) -> Iterator[Problem]:
    """Find levels that share a name, or do not come one after the other."""
    for ladder in _ladders(root):
        yield from repeated_names(listed(ladder, "levels"), "level")
        yield from _not_later(listed(ladder, "levels"))


def levels(root: Mapping) -> list[Node]:
    """Return every level of the escalation, those of single severities too."""
    return [level for ladder in _ladders(root) for level in listed(ladder, "levels")]


def _ladders(root: Mapping) -> list[Node]:
    node = root.items.get("escalation")
    if not isinstance(node, Mapping):
        return []
    return [node, *(node.items[each] for each in SEVERITIES if each in node.items)]


def _not_later(steps: list[Node]) -> Iterator[Problem]:
    before: timedelta | None = None
    for level in steps:
        try:
            after = duration(text_of(level, "after") or "0s")
        except ValueError:
            continue
        if before is not None and after <= before and isinstance(level, Mapping):
            name = shown(text_of(level, "name"))
            text = f"cannot use this 'after', allowed: later than the level before (level {name})"
            yield Problem(place=level.keys.get("after", level.place), text=text)
        before = after
