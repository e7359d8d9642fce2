"""Checks observe: one file per kind, the file name is the kind, the fields of its `Check` are its YAML keys."""

from __future__ import annotations

import importlib
import math
import pkgutil
from dataclasses import replace
from typing import Protocol

from opsagent.core.observation import Reading, unknown
from opsagent.core.text import visible

KINDS: tuple[str, ...] = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg))
"""Every kind of check there is, by name."""

MESSAGE_LIMIT = 500
"""Characters of a message that are kept: enough for one sentence, too few for a flood."""


class Check(Protocol):
    """What every kind offers: one look at the host."""

    def observe(self) -> Reading:
        """Look once, within the check's own bounds."""


def kind(name: str) -> type[Check]:
    """Return the options class of a kind, importing only that file; ValueError names the kinds there are."""
    if name not in KINDS:
        message = f"cannot find check kind {name!r}, known kinds: {', '.join(KINDS)}"
        raise ValueError(message)
    found: type[Check] = importlib.import_module(f"{__name__}.{name}").Check
    return found


def observe(check: Check) -> Reading:
    """Look once, and never raise: a look that goes wrong is `unknown`, and its text is safe to show."""
    try:
        reading = check.observe()
    except Exception as error:  # noqa: BLE001 - one bad check must never stop the others
        reading = unknown(f"cannot look: {type(error).__name__}: {error}", "error")
    measures = tuple(measure for measure in reading.measures if math.isfinite(measure.value))
    return replace(reading, message=visible(reading.message, MESSAGE_LIMIT), measures=measures)
