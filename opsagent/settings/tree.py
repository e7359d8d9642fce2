"""YAML text → a tree that knows its lines. Refuses what settings never need and attackers like."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from opsagent.settings.problem import Place, Problem, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ruamel.yaml.events import Event

DEEPEST = 20

_MEANINGS: dict[str, bool | None] = {"null": None, "true": True, "false": False}
_WORDS: dict[str, bool | None] = {"": None, "~": None}
_WORDS |= {spelled: value for word, value in _MEANINGS.items() for spelled in (word, word.title(), word.upper())}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:[0-9]{1,18}\.?[0-9]{0,18}|\.[0-9]{1,18})(?:[eE][-+]?[0-9]{1,2})?", re.ASCII)
_HINTS = (
    ("'\\t'", "spaces where a line begins, never tabs"),
    ("cannot start any token", "a value with such a sign in front of it in quotes"),
    ("mapping values are not allowed", "one `key: value` in a line, and a value with `: ` in it in quotes"),
    ("quoted scalar", "a quote that is closed again"),
    ("flow", "brackets and braces that are closed again, with commas between their items"),
    ("block", "the same number of spaces before all items of a list and all keys of a mapping"),
    ("", "YAML; text in quotes where it has signs of YAML in it"),
)
"""Part of what the parser says, and what to write instead; the first that fits."""
SETTINGS = "settings from this, allowed: a mapping such as 'checks: [...]'"
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(slots=True, kw_only=True)
class Scalar:
    """One value: text, number, true, false or nothing."""

    place: Place
    value: str | int | float | bool | None


@dataclass(slots=True, kw_only=True)
class Sequence:
    """A list."""

    place: Place
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Mapping:
    """Keys with their own places, since a mistake in a key is shown at the key.

    A document that is not `whole` has lost something on the way: what is missing in it proves nothing.
    """

    place: Place
    items: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)
    whole: bool = True


Node = Scalar | Sequence | Mapping


def plain(node: Node) -> object:
    """Return the tree as Python's own lists, dicts and values."""
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {key: plain(item) for key, item in node.items.items()}


def place_of(node: Node, loc: tuple[str | int, ...]) -> Place:
    """Return the place of the deepest node on the way to `loc`; a key's own line where the value is on a later one."""
    place = node.place
    for step in loc:
        if isinstance(node, Mapping) and step in node.items:
            place, node = node.keys[str(step)], node.items[str(step)]
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            place = node.place
        else:
            break
    return place


def parse(path: str, text: str, what: str = SETTINGS) -> tuple[Mapping, list[Problem]]:
    """Read one document; what could not be read is left out of the tree, which then is not `whole`.

    `what` is what it should be, for the words of a refusal.
    """
    reader = _Reader(path, what)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            reader.take(event)
            if reader.stopped:
                break
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        reader.refuse(
            Place(path=path, line=mark.line + 1 if mark else 1), f"cannot read this as YAML: {what}{_hint(what)}"
        )
        reader.stop()
    except (YAMLError, ValueError, OverflowError) as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        what = str(getattr(error, "reason", error))
        reader.refuse(Place(path=path, line=line), f"cannot read this as YAML: {what}, allowed: printable text")
        reader.stop()
    return reader.root(), reader.problems


def _hint(what: str) -> str:
    """Say what is allowed instead of that which the parser did not like."""
    return next((f", allowed: {allowed}" for sign, allowed in _HINTS if sign in what), "")


def _value_of(event: ScalarEvent) -> str | int | float | bool | None:
    """Resolve a plain scalar by the YAML 1.2 core words; times of day and dates stay text."""
    text = str(event.value)
    if event.style or not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


class _Reader:
    """Builds the tree from the parser's events with a stack of its own, so depth never becomes recursion."""

    def __init__(self, path: str, what: str) -> None:
        self.path = path
        self._what = what
        self.problems: list[Problem] = []
        self.stopped = False
        self._whole = True
        self._scalars: dict[str, Scalar] = {}
        self._documents = 0
        self._top: Node | None = None
        self._open: list[Mapping | Sequence] = []
        self._key: list[tuple[str, Place] | None] = []

    def refuse(self, place: Place, text: str) -> None:
        self.problems.append(Problem(place=place, text=text))

    def stop(self) -> None:
        """Leave the rest unread, and with it the item of a list that is only half there."""
        self.stopped, self._whole = True, False
        for outer in self._open[:-1]:
            if isinstance(outer, Sequence):
                outer.items.pop()
                return

    def root(self) -> Mapping:
        """Return the document; an empty file is an empty mapping."""
        empty = Mapping(place=Place(path=self.path, line=1), whole=self._whole)
        if isinstance(self._top, Mapping):
            self._top.whole = self._whole
            return self._top
        if self._top is not None and not (isinstance(self._top, Scalar) and self._top.value is None):
            self.refuse(self._top.place, f"cannot read {self._what}")
        return empty

    def take(self, event: Event) -> None:
        place = Place(path=self.path, line=event.start_mark.line + 1)
        match event:
            case DocumentStartEvent():
                self._begin_document(place)
            case AliasEvent():
                self.refuse(place, f"cannot use the alias {shown('*' + str(event.anchor))}, write the value out")
                self._alias(str(event.anchor), place)
            case ScalarEvent():
                self._check_marks(event, place)
                scalar = self._scalar(event, place)
                self._scalars |= {str(event.anchor): scalar} if event.anchor else {}
                self._add(scalar)
            case MappingStartEvent():
                self._check_marks(event, place)
                self._push(Mapping(place=place))
            case SequenceStartEvent():
                self._check_marks(event, place)
                self._push(Sequence(place=place))
            case MappingEndEvent() | SequenceEndEvent():
                self._open.pop()
                self._key.pop()

    def _begin_document(self, place: Place) -> None:
        self._documents += 1
        if self._documents > 1:
            self.refuse(place, "cannot use a second document, allowed: one per file (put it into conf.d)")
            self.stop()

    def _check_marks(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent, place: Place) -> None:
        if event.anchor:
            self.refuse(place, f"cannot use the anchor {shown('&' + str(event.anchor))}, write the value out")
        if event.tag is not None:
            self.refuse(place, f"cannot use the tag {shown(event.tag)}, allowed: plain and quoted values")

    def _alias(self, anchor: str, place: Place) -> None:
        """Put the text or number that is meant; a whole list or mapping is left out, for copies could be endless."""
        if anchor in self._scalars:
            self._add(Scalar(place=place, value=self._scalars[anchor].value))
            return
        self._whole = False
        if self._open and isinstance(self._open[-1], Mapping) and self._key[-1] is not None:
            self._key[-1] = None

    def _scalar(self, event: ScalarEvent, place: Place) -> Scalar:
        value = _value_of(event)
        if isinstance(value, str) and (_SURROGATE.search(value) or "\0" in value):
            self.refuse(place, f"cannot use the characters in {shown(value)}, allowed: printable text")
            value = ""
        return Scalar(place=place, value=value)

    def _push(self, node: Mapping | Sequence) -> None:
        self._add(node)
        self._open.append(node)
        self._key.append(None)
        if len(self._open) > DEEPEST:
            self.refuse(node.place, f"cannot nest deeper than {DEEPEST} levels")
            self.stop()

    def _add(self, node: Node) -> None:
        if not self._open:
            self._top = node
            return
        parent = self._open[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif self._key[-1] is None:
            self._key[-1] = (self._key_text(node), node.place)
        else:
            name, place = self._key[-1]
            self._key[-1] = None
            self._put(parent, name, place, node)

    def _key_text(self, node: Node) -> str:
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return node.value
        value = node.value if isinstance(node, Scalar) else plain(node)
        self.refuse(node.place, f"cannot use {shown(value)} as a key, allowed: text (in quotes if need be)")
        return str(value)

    def _put(self, parent: Mapping, name: str, place: Place, node: Node) -> None:
        if name in parent.items:
            first = parent.keys[name]
            self.refuse(place, f"cannot set {shown(name)} twice, it is already set in line {first.line}")
            return
        parent.items[name] = node
        parent.keys[name] = place


def keys(node: Node) -> Iterator[str]:
    """Return the keys of a mapping; nothing for another node."""
    yield from node.items if isinstance(node, Mapping) else ()
