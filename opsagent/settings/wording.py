"""pydantic's errors → our sentences, each at its line: what is wrong, what is allowed, in which key of what."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from opsagent.settings.problem import Problem, shown
from opsagent.settings.reading import inner_keys
from opsagent.settings.tree import Mapping, Sequence, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import ValidationError

    from opsagent.settings.reading import Key
    from opsagent.settings.tree import Node

Loc = tuple[str | int, ...]

_SECRET = frozenset({"url", "urls", "password", "token", "secret", "headers", "env", "proxy", "send"})
"""Keys whose values may carry credentials: a message never repeats them."""

_ALLOWED = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text (in quotes if it looks like a number or a date)",
    "tuple_type": "a list",
    "list_type": "a list",
    "frozen_set_type": "a list",
    "set_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "dataclass_type": "a mapping",
    "path_type": "a path",
    "none_required": "null",
    "is_instance_of": "another kind of value",
}


def problems_of(error: ValidationError, root: Node, subject: str, keys: tuple[Key, ...]) -> list[Problem]:
    """Return a problem per mistake. `subject` names the thing read ("check 'api'"), `keys` are those it allows."""
    found: dict[Loc, list[dict[str, Any]]] = {}
    for each in error.errors(include_url=False):
        found.setdefault(_path(root, each), []).append(dict(each))
    leaves = [loc for loc in found if not any(_within(other, loc) for other in found)]
    return [Problem(place=place_of(root, loc), text=_sentence(loc, found[loc], subject, keys)) for loc in leaves]


def _path(root: Node, error: Any) -> Loc:
    """Keep the steps that exist in the tree: a union adds the names of its members. A missing key is the last step."""
    kept: list[str | int] = []
    node: Node | None = root
    for step in error["loc"]:
        if isinstance(node, Mapping) and step in node.items:
            node = node.items[str(step)]
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            continue
        kept.append(step)
    return (*kept, error["loc"][-1]) if error["type"] == "missing" else tuple(kept)


def _within(other: Loc, loc: Loc) -> bool:
    """Is `other` a mistake inside `loc`? Then it says more, unless `loc` is the whole thing."""
    return bool(loc) and len(other) > len(loc) and other[: len(loc)] == loc


def _sentence(loc: Loc, errors: list[dict[str, Any]], subject: str, keys: tuple[Key, ...]) -> str:
    first = errors[0]
    own = next((each for each in errors if each["type"] == "value_error"), None)
    where = _where(loc, subject)
    if first["type"] == "missing":
        return f"cannot do without the key {shown(loc[-1])}{_where(loc[:-1], subject)}"
    if first["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
        return unknown_key(str(loc[-1]), _known(keys, loc[:-1]), _where(loc[:-1], subject))
    if own is not None:
        text = str(own["ctx"]["error"])
        return f"{text if text.startswith('cannot ') else 'cannot use this: ' + text}{where}"
    value = "this value" if any(step in _SECRET for step in loc) else shown(first["input"])
    allowed = " or ".join(dict.fromkeys(_allowed(each) for each in errors))
    return f"cannot use {value}, allowed: {allowed}{_as_list(first['input'], value, allowed)}{where}"


def _as_list(found: object, value: str, allowed: str) -> str:
    """Show a single word as the list that it stands for."""
    plain = isinstance(found, str) and value == repr(found) and found.isprintable() and re.fullmatch(r"\S+", found)
    return f": [{found}]" if plain and allowed == "a list" else ""


def _known(keys: tuple[Key, ...], loc: Loc) -> tuple[str, ...]:
    """Return the keys allowed in the mapping at `loc`."""
    for step in loc:
        if isinstance(step, str):
            keys = next((inner_keys(key.annotation) for key in keys if key.key == step), ())
    return tuple(key.key for key in keys)


def unknown_key(key: str, known: Iterable[str], where: str) -> str:
    """Say that nobody knows this key, which ones are known, and which was probably meant."""
    names = sorted(known)
    near = difflib.get_close_matches(key, names, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    known_keys = f", known keys: {', '.join(names)}" if names else ""
    return f"cannot use the key {shown(key)}{hint}{known_keys}{where}"


def _allowed(error: dict[str, Any]) -> str:
    if error["type"] in {"literal_error", "enum"}:
        return str(error["ctx"]["expected"]).replace("'", "")
    return _ALLOWED.get(error["type"], str(error["msg"]))


def _where(loc: Loc, subject: str) -> str:
    path = ".".join(str(step) for step in loc if not isinstance(step, int))
    where = " of ".join(part for part in (path, subject) if part)
    return f" ({where})" if where else ""
