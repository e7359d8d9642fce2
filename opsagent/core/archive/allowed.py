"""Which remedies of a pattern the settings allow: a pattern names, and frees nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.archive.matching import speaks_of
from opsagent.core.archive.pattern import TELL

if TYPE_CHECKING:
    from opsagent.core.archive.pattern import Pattern
    from opsagent.core.policy import CheckPolicy, Policy


def refused_remedies(pattern: Pattern, policy: Policy, key: str = "") -> tuple[str, ...]:
    """Return the remedies that a pattern names and no `repair:` of the checks allows that it speaks of.

    Of the checks of one open `key` (a unit, or the check itself) where it is given.
    """
    allowed = {TELL, *(rule.label for check in of_pattern(pattern, policy, key) for rule in check.repair)}
    return tuple(dict.fromkeys(one.do for one in pattern.remedies if one.do not in allowed))


def of_pattern(pattern: Pattern, policy: Policy, key: str = "") -> tuple[CheckPolicy, ...]:
    """Return the checks that a pattern speaks of, of one open key where it is given."""
    if key:
        return policy.checks_of(key)
    return tuple(check for check in policy.checks if speaks_of(pattern.match, check.key))


def allowed_words(pattern: Pattern, policy: Policy, key: str = "") -> str:
    """Say what a pattern may name instead."""
    labels = dict.fromkeys(rule.label for check in of_pattern(pattern, policy, key) for rule in check.repair)
    return ", ".join((*labels, TELL))
