"""Prometheus' text format, as far as one metric of it is wanted: the values of the series that a selector matches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*", re.ASCII)
_LABEL = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*(!?=)\s*"((?:[^"\\]|\\.)*)"\s*(,|$)', re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:[0-9.]+(?:[eE][+-]?[0-9]+)?|inf|infinity|nan)", re.IGNORECASE | re.ASCII)
_ESCAPED = re.compile(r'\\(["\\n])')


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """A metric's name, and for some labels the value that they must have, or must not have."""

    name: str
    equal: tuple[tuple[str, str], ...] = ()
    unequal: tuple[tuple[str, str], ...] = ()

    def matches(self, labels: dict[str, str]) -> bool:
        """Say whether a series with these labels is meant; a label that is not there is an empty one."""
        return all(labels.get(name, "") == value for name, value in self.equal) and all(
            labels.get(name, "") != value for name, value in self.unequal
        )


def selector(text: str) -> Selector:
    """Read `name` or `name{label="value", other!="value"}`; ValueError says what is allowed."""
    name, brace, rest = text.strip().partition("{")
    labels = _labels(rest.removesuffix("}")) if brace and rest.endswith("}") else None
    if not _NAME.fullmatch(name.strip()) or (brace and labels is None):
        raise ValueError(f'cannot read metric {text!r}, allowed: name or name{{label="value", other!="value"}}')
    pairs = labels or ()
    return Selector(
        name=name.strip(),
        equal=tuple((label, value) for label, sign, value in pairs if sign == "="),
        unequal=tuple((label, value) for label, sign, value in pairs if sign == "!="),
    )


def series(text: str, wanted: Selector) -> Iterator[float]:
    """Yield the value of every series that is meant, in the order of the text; lines that make no sense are none."""
    for line in text.split("\n"):
        if line.lstrip().startswith(wanted.name):
            value = _value(line.lstrip()[len(wanted.name) :], wanted)
            if value is not None:
                yield value


def _value(rest: str, wanted: Selector) -> float | None:
    """Read what follows the name in a line: labels, the value, perhaps a time and an exemplar."""
    labels: tuple[tuple[str, str, str], ...] | None = ()
    if rest.lstrip().startswith("{"):
        inside, end = _braced(rest.lstrip())
        labels, rest = _labels(inside), end
    elif not rest[:1].isspace():
        return None  # the name goes on: it is another metric's
    number = rest.split(maxsplit=1)[:1]
    if labels is None or not number or not _NUMBER.fullmatch(number[0]):
        return None
    return float(number[0]) if wanted.matches({name: value for name, _, value in labels}) else None


def _braced(text: str) -> tuple[str, str]:
    """Split `{…}` from what follows; a brace inside quotes ends nothing."""
    quoted = escaped = False
    for position, sign in enumerate(text):
        if escaped:
            escaped = False
        elif sign == "\\":
            escaped = quoted
        elif sign == '"':
            quoted = not quoted
        elif sign == "}" and not quoted:
            return text[1:position], text[position + 1 :]
    return "", ""


def _labels(text: str) -> tuple[tuple[str, str, str], ...] | None:
    """Read `a="x", b!="y"` into (label, sign, value), None if it is not that."""
    found, at = [], 0
    while at < len(text.rstrip()):
        match = _LABEL.match(text, at)
        if match is None:
            return None
        found.append((match[1], match[2], _ESCAPED.sub(_unescaped, match[3])))
        at = match.end()
    return tuple(found)


def _unescaped(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]
