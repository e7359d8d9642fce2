"""Checks and notifiers: items whose `kind` says which keys they may have."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from opsagent.core.policy import CheckPolicy, Criticality, NotifierPolicy
from opsagent.settings import source
from opsagent.settings.making import made
from opsagent.settings.model import Channel, Watched
from opsagent.settings.options import Audience
from opsagent.settings.problem import Problem, shown
from opsagent.settings.reading import Key, given, keys_of, twin
from opsagent.settings.relations import text_of
from opsagent.settings.tree import Mapping, plain
from opsagent.settings.wording import problems_of

if TYPE_CHECKING:
    from opsagent.core.job import Plan
    from opsagent.settings.options import Document
    from opsagent.settings.tree import Node

Kinds = abc.Mapping[str, type]
"""Classes by the name of their kind; their fields are the kind's keys."""
ARMED_HTTP_EVERY = timedelta(seconds=10)
_OF_KIND = {"hold": "HOLD", "every": "EVERY", "criticality": "CRITICALITY"}
"""Where a kind says its own default of a common key that it does not have itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a list with kinds, read: its common keys, its kind's own object and where it stands."""

    node: Mapping
    common: dict[str, Any]
    made: Any


@cache
def keys_of_kind(common: type, cls: type) -> tuple[Key, ...]:
    """Return a kind's keys together with the common ones; a common key the kind also has takes the kind's default."""
    own = {key.field: key for key in keys_of(cls)}
    shared = []
    for key in keys_of(common):
        mine = own.pop(key.field, None)
        if mine is not None and key.field in getattr(cls, "OWN", ()):
            shared.append(mine)  # the same word, and another meaning
        elif mine is not None and mine.required:
            shared.append(replace(key, annotation=mine.annotation, default=mine.default))
        elif mine is not None and not key.required and key.default is not None:
            shared.append(replace(key, default=mine.default))
        else:
            shared.append(replace(key, default=getattr(cls, _OF_KIND.get(key.field, ""), key.default)))
    return (*shared, *own.values())


def read_item(node: Node, what: str, common: type, kinds: Kinds) -> tuple[Item | None, list[Problem]]:
    """Read one check or notifier (`what` says which); without a known kind only its common keys are looked at."""
    if not isinstance(node, Mapping):
        text = f"cannot read {shown(plain(node))} as a {what}, allowed: a mapping with name and kind"
        return None, [Problem(place=node.place, text=text)]
    subject = f"{what} {shown(text_of(node, 'name'))}" if text_of(node, "name") else f"this {what}"
    cls = kinds.get(text_of(node, "kind"))
    if cls is not None:
        return _read_kind(node, subject, common, cls)
    known = f"known kinds: {', '.join(sorted(kinds))}"
    if "kind" not in node.items:
        problem = Problem(place=node.place, text=f"cannot do without the key 'kind', {known} ({subject})")
    else:
        text = f"cannot find {what} kind {shown(plain(node.items['kind']))}, {known} ({subject})"
        problem = Problem(place=node.keys["kind"], text=text)
    return None, [problem, *_common_problems(node, subject, common)]


@cache
def _adapter(common: type, cls: type | None) -> TypeAdapter[Any]:
    return TypeAdapter(twin("Item", keys_of_kind(common, cls) if cls else _common_keys(common)))


def _common_keys(common: type) -> tuple[Key, ...]:
    return tuple(key for key in keys_of(common) if key.field != "kind")


def _common_problems(node: Mapping, subject: str, common: type) -> list[Problem]:
    keys = _common_keys(common)
    values = {key.key: plain(node.items[key.key]) for key in keys if key.key in node.items}
    try:
        _adapter(common, None).validate_python(values)
    except ValidationError as error:
        return problems_of(error, node, subject, keys)
    return []


def _read_kind(node: Mapping, subject: str, common: type, cls: type) -> tuple[Item | None, list[Problem]]:
    read, refused, problems = _values(node, subject, common, cls)
    if read is None:
        return None, problems
    hands_off = (
        [key for key in ("repair", "playbook", "unit") if read.get(key)] if getattr(cls, "SECURITY", False) else []
    )
    if hands_off:
        text = f"cannot use {hands_off[0]!r} here: what is about security is for people alone ({subject})"
        problems.append(Problem(place=node.keys[hands_off[0]], text=text))
    own = {key.field: read[key.field] for key in keys_of(cls) if read[key.field] is not None}
    one, said = made(cls, own, refused)
    problems += [Problem(place=_blamed(node, text), text=f"{text} ({subject})") for text in said]
    if problems:
        return None, problems
    return Item(node=node, common={key.field: read[key.field] for key in keys_of(common)}, made=one), []


def _values(
    node: Mapping, subject: str, common: type, cls: type
) -> tuple[dict[str, Any] | None, set[str], list[Problem]]:
    """Return the typed values, the keys that were refused, and why; None where too little is left without them."""
    keys, adapter = keys_of_kind(common, cls), _adapter(common, cls)
    written = {key: plain(value) for key, value in node.items.items()}
    try:
        return given(adapter.validate_python(written)), set(), []
    except ValidationError as error:
        problems = problems_of(error, node, subject, keys)
        refused = {str(each["loc"][0]) for each in error.errors() if each["loc"]}
    try:
        rest = {key: value for key, value in written.items() if key not in refused}
        return given(adapter.validate_python(rest)), refused, problems
    except ValidationError:
        return None, refused, problems


def _blamed(node: Mapping, text: str) -> Any:
    """A kind's own refusal names its key; show that line rather than the item's first."""
    words = text.replace("'", " ").replace(",", " ").split()
    return next((node.keys[word] for word in words if word in node.keys), node.place)


def watched(item: Item, document: Document) -> Watched:
    """Build a check with the defaults that depend on other settings."""
    common = item.common
    scope = common["scope"] or document.scope
    policy = CheckPolicy(
        name=common["name"],
        kind=common["kind"],
        unit=common["unit"],
        scope=scope.value,
        every=_every(item, document),
        timeout=common["timeout"],
        hold=common["hold"],
        confirm=common["confirm"],
        repair=common["repair"] or common["playbook"],
        ordered=bool(common["playbook"]),
        criticality=common["criticality"] or (Criticality.IMPORTANT if common["unit"] else Criticality.LOW),
        depends_on=common["depends_on"],
        security=getattr(type(item.made), "SECURITY", False),
        job=_plan(item.made, document),
    )
    return Watched(policy=policy, check=zoned(scoped(item.made, scope.value), document))


def paces(item: Item, document: Document) -> abc.Iterator[Problem]:
    """Find a check that could never judge at its own pace, if its kind can tell."""
    why = item.made.unfit_for(_every(item, document)) if hasattr(item.made, "unfit_for") else ""
    if why:
        text = f"{why} (check {shown(item.common['name'])})"
        yield Problem(place=_blamed(item.node, why), text=text)


def scoped(check: Any, scope: str) -> Any:
    """Tell a check whose manager is meant, if its kind asks for it."""
    return replace(check, scope=scope) if _asks(check, "scope") else check


def zoned(check: Any, document: Document) -> Any:
    """Tell a check in which time zone it counts, if its kind asks for it and it says none of its own."""
    if not _asks(check, "zone") or check.zone:
        return check
    return replace(check, zone=document.zone or source.host_zone())


def _asks(check: Any, key: str) -> bool:
    return any(own.field == key for own in keys_of(type(check)))


def _every(item: Item, document: Document) -> timedelta:
    """An armed http check is looked at every 10 s: a hung service has no other sign."""
    common = item.common
    if common["every"] is not None and "every" not in getattr(item.made, "OWN", ()):
        every: timedelta = common["every"]
        return every
    armed_http = common["kind"] == "http" and (common["repair"] or common["playbook"])
    return min(ARMED_HTTP_EVERY, document.fast_loop) if armed_http else document.fast_loop


def _plan(check: Any, document: Document) -> Plan | None:
    plan: Plan | None = check.plan(document.zone or source.host_zone()) if hasattr(check, "plan") else None
    return plan


def channel(item: Item) -> Channel:
    """Build a notifier."""
    common = item.common
    public = common["audience"] is Audience.PUBLIC
    policy = NotifierPolicy(name=common["name"], kind=common["kind"], public=public)
    return Channel(policy=policy, notifier=item.made)
