"""A message for a public audience: every name of this host replaced by an alias that stays the same."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from opsagent.core.wording import NOT_FOR_STRANGERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from opsagent.core.message import Message
    from opsagent.core.policy import Policy

# What tells strangers about a host without being a name in the settings; each run of it is masked whole.
# Each begins where no run of its own signs is under way: else a long run would be tried from every sign of it.
_MASKS = (
    (re.compile(r"(?<![\w+.-])[a-z][a-z0-9+.-]*://[^\s\"'<>]+", re.IGNORECASE), "[url]"),
    (
        re.compile(r"(?<![\w@:\\.-])[\w@:\\-]+\.(?:service|socket|timer|mount|target|slice|scope|path|device|swap)\b"),
        "[unit]",
    ),
    (re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*"), "[address]"),
    (re.compile(r"(?<![\w/.])/[\w.@+%~-]+(?:/[\w.@+%~-]*)*"), "[path]"),
    (re.compile(r"(?<![\w.-])(?:[a-z0-9_-]+\.)+[a-z]{2,}(?![\w-])", re.IGNORECASE), "[name]"),
    (re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?!\.?\w)"), "[address]"),
)
_NAME = r"(?!(?:opsagent|a|an|the|its|itself|custom|systemd)\b)\w(?:[\w.@-]*\w)?"
_DID = "approved|asked|closed|lowered to suggest|paused|reported|resolved|stopped|taken|trusted"
# How our sentences name a person: what was done by whom, who is at it.
_PEOPLE = (
    re.compile(rf"(?P<before>(?:\b(?:{_DID})|,) by ){_NAME}", re.IGNORECASE),
    re.compile(rf"(?P<before>\bthe hold of ){_NAME}(?= end)"),
    re.compile(rf"(?P<before>(?<![\w.@-])){_NAME}(?= has held it until now|, who said so| says that )"),
)
_INSIDE = ("changes", "after_change", "playbook", "because", "other_causes")
WHO = ("by", "raised_by")
"""The keys of a person's name."""
_INSIDE_BEFORE = ("fixed_by", "action_items", "pattern", "entry")
_IPV6 = re.compile(r"(?<![\w.:])[0-9a-f:]*:[0-9a-f:.]*[0-9a-f:](?!\w)", re.IGNORECASE)


def public(message: Message, policy: Policy) -> Message:
    """Return the message as strangers may read it.

    People become "a person". Hosts, checks, units, notifiers and levels become `host-01`, `check-01` …, numbered as
    the settings list them; addresses, paths and names of other machines are masked. The key stays one key per message
    but tells nothing.
    """
    hide = _hiding(_names(policy))
    return replace(
        message,
        key=hashlib.sha256(message.key.encode()).hexdigest()[:32],
        host=hide(message.host),
        title=hide(message.title),
        body=hide(_for_strangers(message.body)),
        reason=hide(message.reason),
        incident_json=_hide_json(message.incident_json, hide),
    )


def _names(policy: Policy) -> Mapping[str, str]:
    levels = [*policy.escalation.levels, *(one for _, levels in policy.escalation.by_severity for one in levels)]
    units = [check.unit for check in policy.checks if check.unit]
    names = {
        **_numbered("level", (level.name for level in levels)),
        **_numbered("notifier", (notifier.name for notifier in policy.notifiers)),
        **_numbered("unit", units),
    }
    # "api" in a sentence means the unit api.service too, unless a check is called so.
    names |= {unit.rpartition(".")[0].casefold(): names[unit.casefold()] for unit in units}
    return names | _numbered("check", (check.name for check in policy.checks)) | _numbered("host", [policy.host])


def _numbered(word: str, names: Iterable[str]) -> dict[str, str]:
    return {name: f"{word}-{number:02d}" for number, name in enumerate(dict.fromkeys(map(str.casefold, names)), 1)}


def _hiding(names: Mapping[str, str]) -> Callable[[str], str]:
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    known = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w-])", re.IGNORECASE)

    def hide(text: str) -> str:
        for somebody in _PEOPLE:
            text = somebody.sub(r"\g<before>a person", text)
        text = known.sub(lambda found: names[found.group().casefold()], text)
        for pattern, mask in _MASKS:
            text = pattern.sub(mask, text)
        return _IPV6.sub(_mask_address, text)

    return hide


def _mask_address(found: re.Match[str]) -> str:
    # 03:41 looks like one, and a sentence may put a colon after one; only what is an address is masked.
    text = found.group()
    for candidate in (text, text.rstrip(":")):
        try:
            ipaddress.ip_address(candidate)
        except ValueError:
            continue
        return "[address]" + text[len(candidate) :]
    return text


def _for_strangers(body: str) -> str:
    """Leave out what people call their problems, what a log said of the cause, and who changed what."""
    return "\n".join(line for line in body.splitlines() if not line.startswith(NOT_FOR_STRANGERS))


def _hide_json(text: str, hide: Callable[[str], str]) -> str:
    """Leave out the same of the incident; of its cause the slug stays."""
    if not text:
        return ""
    told = _without(json.loads(text), _INSIDE)
    if isinstance(seen := told.get("seen_before"), dict):
        told["seen_before"] = _without(seen, _INSIDE_BEFORE)
    return json.dumps(_hide_value(told, hide))


def _without(told: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in names}


def _hide_value(value: Any, hide: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, list):
        return [_hide_value(item, hide) for item in value]
    if isinstance(value, dict):
        return {name: None if name in WHO else _hide_value(item, hide) for name, item in value.items()}
    return value
