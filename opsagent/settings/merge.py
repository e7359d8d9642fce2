"""Several files become one document: lists append, mappings unite, a value set twice is refused at both places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.settings.problem import Problem, shown
from opsagent.settings.tree import Mapping, Sequence

if TYPE_CHECKING:
    from collections.abc import Sequence as Many

    from opsagent.settings.tree import Node

APPENDING = frozenset({"checks", "backups", "acts", "notifiers", "maintenance"})
"""Top-level lists that every file may add to."""


def merge(roots: Many[Mapping]) -> tuple[Mapping, list[Problem]]:
    """Unite the documents in their order."""
    whole = Mapping(place=roots[0].place, whole=all(root.whole for root in roots))
    problems: list[Problem] = []
    for root in roots:
        _unite(whole, root, APPENDING, problems)
    return whole, problems


def _unite(whole: Mapping, part: Mapping, appending: frozenset[str], problems: list[Problem]) -> None:
    for name, node in part.items.items():
        place = part.keys[name]
        known = whole.items.get(name)
        if known is None:
            whole.items[name], whole.keys[name] = _own(node), place
        elif isinstance(known, Sequence) and isinstance(node, Sequence) and name in appending:
            known.items.extend(node.items)
        elif isinstance(known, Mapping) and isinstance(node, Mapping):
            _unite(known, node, frozenset(), problems)
        else:
            text = f"cannot set {shown(name)} twice, it is already set at {whole.keys[name]}"
            problems.append(Problem(place=place, text=text))


def _own(node: Node) -> Node:
    """Copy the containers that later files add to, so that no file's own tree is changed."""
    if isinstance(node, Sequence):
        return Sequence(place=node.place, items=list(node.items))
    if isinstance(node, Mapping):
        items = {name: _own(item) for name, item in node.items.items()}
        return Mapping(place=node.place, items=items, keys=dict(node.keys))
    return node
