"""YAML → frozen settings, or everything that is wrong with it, each at its file and line."""

from opsagent.settings.loading import default_settings, load, load_text
from opsagent.settings.model import Channel, Settings, Watched
from opsagent.settings.problem import Place, Problem, SettingsError
from opsagent.settings.source import Account, Source, find, this_account

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
    "this_account",
]
