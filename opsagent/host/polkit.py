"""The polkit rule that grants exactly the named units and verbs, and the copy that tells whether it is stale. Pure.

polkit's rules directory cannot be read by us, so the installer leaves a readable copy beside the settings. The rule
is ES5: Debian 12's polkit runs duktape.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import TYPE_CHECKING

from opsagent.core.acts import is_act
from opsagent.core.denied import denied

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RULES_FILE = "/etc/polkit-1/rules.d/50-opsagent.rules"
# The verb that polkit is asked about for each remedy. `start` is never among them: newer systemd asks it for transient
# units too, so it would let us run anything as root.
VERB_OF: Mapping[str, str] = {
    "restart": "restart",
    "reset_failed": "reset-failed",
    "reload": "reload",
    "restart_with_dependants": "restart",
    "act": "restart",
}

_RULE = """\
// Made by `opsagent install --refresh` from the settings; do not edit.
// What opsagent may ask systemd for: these units, these verbs, nothing else.
polkit.addRule(function (action, subject) {
    if (action.id !== "org.freedesktop.systemd1.manage-units" || subject.user !== %(user)s) {
        return polkit.Result.NOT_HANDLED;
    }
    var verbs = %(units)s;
    var unit = action.lookup("unit");
    var verb = action.lookup("verb");
    if (unit && verb && Object.prototype.hasOwnProperty.call(verbs, unit) && verbs[unit].indexOf(verb) >= 0) {
        return polkit.Result.YES;
    }
    return polkit.Result.NO;
});
"""


class Freshness(StrEnum):
    """Whether the installed rule fits the settings."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"


def verbs_of(remedies: Iterable[str]) -> frozenset[str]:
    """Return the verbs that these kinds of remedies need; `command` needs none."""
    return frozenset(VERB_OF[remedy] for remedy in remedies if remedy in VERB_OF)


def rule(granted: Mapping[str, Iterable[str]], user: str = "opsagent") -> str:
    """Return the text of the rule for primary unit name → verbs. ValueError for what is never granted."""
    return _RULE % {"user": json.dumps(user), "units": json.dumps(_checked(granted), indent=4).replace("\n", "\n    ")}


def copy(granted: Mapping[str, Iterable[str]], user: str = "opsagent") -> str:
    """Return the readable copy: what is granted, and the hash of the rule that grants it."""
    digest = hashlib.sha256(rule(granted, user).encode()).hexdigest()
    return json.dumps({"sha256": digest, "user": user, "units": _checked(granted)}, indent=2) + "\n"


def compare(found: str | None, granted: Mapping[str, Iterable[str]], user: str = "opsagent") -> Freshness:
    """Compare the copy that was found (None: there is none) with what the settings need now."""
    if found is None:
        return Freshness.MISSING
    return Freshness.FRESH if found == copy(granted, user) else Freshness.STALE


def lacking(found: str | None, granted: Mapping[str, Iterable[str]], user: str = "opsagent") -> str:
    """Return in words how the copy that was found does not fit what the settings need, "" when it does.

    Without a copy nothing is lacking as long as nothing is armed.
    """
    try:
        needed = _checked(granted)
    except ValueError as error:
        return str(error)
    if compare(found, granted, user) is Freshness.FRESH or (found is None and not needed):
        return ""
    allowed = _allowed(found or "")
    short = [f"{verb} {unit}" for unit, verbs in needed.items() for verb in verbs if verb not in allowed.get(unit, ())]
    return f"polkit does not allow: {', '.join(short)}" if short else "polkit allows more than the settings need"


def _allowed(found: str) -> dict[str, list[str]]:
    try:
        units = json.loads(found)["units"]
    except (ValueError, LookupError, TypeError):
        return {}
    return units if isinstance(units, dict) else {}


def _checked(granted: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Return units and verbs in a fixed order, each looked at once more: this is the last door before root."""
    checked = {unit: sorted(set(verbs)) for unit, verbs in sorted(granted.items())}
    for unit, verbs in checked.items():
        if not is_act(unit) and (refused := denied(unit)):
            raise ValueError(refused)
        grantable = {VERB_OF["act"]} if is_act(unit) else set(VERB_OF.values())
        if foreign := sorted(set(verbs) - grantable):
            allowed = ", ".join(sorted(grantable))
            raise ValueError(f"cannot grant {', '.join(map(repr, foreign))} on {unit!r}, allowed: {allowed}")
    return {unit: verbs for unit, verbs in checked.items() if verbs}
