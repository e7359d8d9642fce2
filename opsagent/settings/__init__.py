"""YAML → frozen settings, or everything that is wrong with it, each at its file and line.

What reads YAML is imported when it is first asked for: the daemon gets its settings from a child process, and never
carries the 12 MiB that reading them costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsagent.settings.model import Channel, Settings, Watched
from opsagent.settings.problem import Place, Problem, SettingsError
from opsagent.settings.source import Account, Source, find, this_account

if TYPE_CHECKING:
    from opsagent.settings.loading import default_settings, load, load_text, load_texts

_READERS = ("default_settings", "load", "load_text", "load_texts")

__all__ = [
    "Account",
    "Channel",
    "Place",
    "Problem",
    "Settings",
    "SettingsError",
    "Source",
    "Watched",
    "default_settings",
    "find",
    "load",
    "load_text",
    "load_texts",
    "this_account",
]


def __getattr__(name: str) -> Any:
    """Import the reader when it is asked for."""
    if name not in _READERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from opsagent.settings import loading  # noqa: PLC0415 - the reason stands above

    return getattr(loading, name)
