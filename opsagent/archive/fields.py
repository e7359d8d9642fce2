"""Values of a front matter as people write them: a text where a list is meant, a number where a text is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.archive.pattern import Refused
from opsagent.core.text import visible
from opsagent.settings import tree

if TYPE_CHECKING:
    from opsagent.settings.problem import Place

KEYS = (
    *("fingerprint", "title", "match", "cause", "remedies", "occurrences", "first_seen", "last_seen", "verified"),
    *("see_also", "pattern_key", "status"),
)
LONGEST = 500
MOST_ITEMS = 50


class Fields:
    """Reads values and keeps what is wrong with them. `broken`: the file cannot be used."""

    def __init__(self) -> None:
        self.refused: list[Refused] = []
        self.broken = False

    def note(self, place: Place, why: str) -> None:
        """Keep what is left out, while the rest is used."""
        self.refused.append(Refused(path=str(place), why=why))

    def refuse(self, place: Place, why: str) -> None:
        """Keep why the file cannot be used."""
        self.broken = True
        self.note(place, why)

    def text(self, root: tree.Mapping, key: str, limit: int = LONGEST) -> str:
        """Return one line of text, "" where there is none."""
        node = root.items.get(key)
        if node is None:
            return ""
        if not isinstance(node, tree.Scalar):
            self.refuse(root.keys[key], f"cannot use this for {key}, allowed: one text")
            return ""
        return visible(_words(node).strip(), limit)

    def texts(self, root: tree.Mapping, key: str) -> tuple[str, ...]:
        """Return a list of texts; one alone is a list of one."""
        node = root.items.get(key)
        items = node.items if isinstance(node, tree.Sequence) else [node] if node is not None else []
        if len(items) > MOST_ITEMS:
            self.refuse(root.keys[key], f"has {len(items)} items for {key}, allowed: up to {MOST_ITEMS}")
            return ()
        return tuple(filter(None, (self._item(item, key) for item in items)))

    def one(self, node: tree.Node) -> str:
        """Return the text of a node, "" for one that is none."""
        return visible(_words(node).strip(), LONGEST) if isinstance(node, tree.Scalar) else ""

    def _item(self, node: tree.Node, key: str) -> str:
        """Return an item as it is written, for an expression may mean the blanks at its ends."""
        if not isinstance(node, tree.Scalar):
            self.refuse(node.place, f"cannot use this as an item of {key}, allowed: texts")
            return ""
        return _words(node)[: LONGEST + 1]


def _words(node: tree.Scalar) -> str:
    """YAML reads `exit: 1` as a number, and `true` as more than a word."""
    if node.value is None:
        return ""
    return str(node.value).lower() if isinstance(node.value, bool) else str(node.value)
