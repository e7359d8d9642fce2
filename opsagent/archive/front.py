"""One pattern file: its front matter becomes a pattern, and what cannot be used of it is named by its line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from opsagent.archive.expressions import refusal
from opsagent.archive.fields import KEYS, Fields
from opsagent.core.archive.mark import is_ours, parted
from opsagent.core.archive.pattern import Match, Named, Pattern, Refused
from opsagent.settings import tree
from opsagent.settings.problem import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from opsagent.settings.problem import Place

LARGEST_FRONT = 16 * 1024
"""Characters of a front matter; prose has the rest of the file."""
LONGEST_TITLE = 200
MOST_REMEDIES = 20
MOST_UNITS = 20
LONGEST_UNIT = 255
"""Characters that systemd allows; every name is compared with every failure, on the daemon's main thread."""
STATUS = ("active", "retired")
MATCH = ("unit", "result", "exit", "cause", "log")
_NONE = "has no front matter, allowed: a first line `---`, then `title:` and `match:`, a line `---`, then prose"
_NO_END = "has a front matter without an end, allowed: a line `---` below its last key, then prose"
_WHAT = "a pattern from this, allowed: keys such as 'title: …'"
_SAID = {"yes": True, "true": True, "no": False, "false": False}


def pattern(path: str, slug: str, text: str, saved_at: datetime | None) -> tuple[Pattern | None, tuple[Refused, ...]]:
    """Read a file: the pattern, None for one that cannot be used, and all that is wrong with it, each with its line."""
    parts = parted(text)
    if parts is None:
        begins = text.removeprefix("\ufeff").partition("\n")[0].rstrip() == "---"
        return None, (Refused(path=f"{path}:1", why=_NO_END if begins else _NONE),)
    lines, rest = parts
    front = "".join(lines)
    if len(front) > LARGEST_FRONT:
        why = f"has a front matter of {len(front)} characters, allowed: up to {LARGEST_FRONT}"
        return None, (Refused(path=f"{path}:1", why=why),)
    root, problems = tree.parse(path, f"\n{front}", _WHAT)
    if problems:
        return None, tuple(Refused(path=str(one.place), why=one.text) for one in problems)
    fields = Fields()
    made = _made(fields, root, slug, saved_at)
    known = replace(made, ours=is_ours(lines, rest)) if made is not None else None
    return known, tuple(fields.refused)


def _made(fields: Fields, root: tree.Mapping, slug: str, saved_at: datetime | None) -> Pattern | None:
    for key, place in root.keys.items():
        if key not in KEYS:
            fields.note(place, f"does not know {shown(key)}, allowed: {', '.join(KEYS)}; the rest is used")
    title = fields.text(root, "title", LONGEST_TITLE)
    if not title and not fields.broken:
        fields.refuse(root.place, "has no title, allowed: `title:` and one line of text")
    match = _match(fields, root)
    status = fields.text(root, "status") or STATUS[0]
    if status not in STATUS:
        fields.refuse(root.keys["status"], f"cannot use the status {shown(status)}, allowed: {', '.join(STATUS)}")
    read = Pattern(
        slug=slug,
        title=title,
        match=match,
        fingerprint=fields.text(root, "fingerprint"),
        cause=fields.text(root, "cause"),
        remedies=tuple(_remedies(fields, root)),
        verified=_said(fields, root),
        see_also=fields.texts(root, "see_also"),
        pattern_key=fields.text(root, "pattern_key"),
        status=status,
        saved_at=saved_at,
    )
    return None if fields.broken else read


def _match(fields: Fields, root: tree.Mapping) -> Match:
    """A key that is not known would be left out, and the pattern would speak of more than was meant: it is refused."""
    node = root.items.get("match")
    allowed = ", ".join(MATCH)
    if not isinstance(node, tree.Mapping) or not node.items:
        place = root.keys.get("match", root.place)
        fields.refuse(place, f"does not say what it matches, allowed: `match:` with one or more of {allowed}")
        return Match()
    for key, place in node.keys.items():
        if key not in MATCH:
            fields.refuse(place, f"cannot match by {shown(key)}, allowed: {allowed}")
    given = {key: fields.texts(node, key) for key in MATCH}
    for key in MATCH:
        if key in node.keys and not given[key]:
            fields.refuse(node.keys[key], f"says nothing of {key}, allowed: a text or a list of texts, or no such key")
    if len(given["unit"]) > MOST_UNITS or any(len(one) > LONGEST_UNIT or "[" in one for one in given["unit"]):
        allowed = f"up to {MOST_UNITS} names of {LONGEST_UNIT} characters, with `*` and `?`"
        fields.refuse(node.keys["unit"], f"cannot use these units, allowed: {allowed}")
    return Match(**{**given, "log": _expressions(fields, node, given["log"])})


def _expressions(fields: Fields, match: tree.Mapping, given: tuple[str, ...]) -> tuple[str, ...]:
    """Return those that can be used. Without any the pattern would speak of more than was meant: it is refused."""
    wrong = {one: why for one in given if (why := refusal(one))}
    for one, why in wrong.items():
        fields.note(_place(match, one), why)
    if wrong and len(wrong) == len(set(given)):
        fields.broken = True
    return tuple(one for one in given if one not in wrong)


def _place(match: tree.Mapping, expression: str) -> Place:
    node = match.items["log"]
    items = node.items if isinstance(node, tree.Sequence) else []
    return next((one.place for one in items if isinstance(one, tree.Scalar) and one.value == expression), node.place)


def _remedies(fields: Fields, root: tree.Mapping) -> Iterator[Named]:
    node = root.items.get("remedies")
    items = node.items if isinstance(node, tree.Sequence) else [node] if node is not None else []
    if len(items) > MOST_REMEDIES:
        fields.refuse(root.keys["remedies"], f"names {len(items)} remedies, allowed: up to {MOST_REMEDIES}")
        return
    for item in items:
        if label := _label(fields, item):
            yield Named(do=label)


def _label(fields: Fields, item: tree.Node) -> str:
    """Return what `repair:` would call it: `restart`, or `act renew` for `{do: act, name: renew}`."""
    if isinstance(item, tree.Mapping):
        label = f"{fields.text(item, 'do')} {fields.text(item, 'name')}".strip()
    else:
        label = fields.one(item)
    if not label and not (isinstance(item, tree.Scalar) and item.value is None):
        fields.refuse(item.place, "cannot use this as a remedy, allowed: a name, or `{do: NAME}`")
    return label


def _said(fields: Fields, root: tree.Mapping) -> bool:
    text = fields.text(root, "verified").lower()
    if text and text not in _SAID:
        fields.refuse(root.keys["verified"], f"cannot use {shown(text)} for verified, allowed: true, false")
    return _SAID.get(text, False)
