"""Facts about what a host is like beside its health."""

from __future__ import annotations

from dataclasses import dataclass

from opsagent.core.environment import Environment
from opsagent.core.events.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentLearned(Event):
    """The environment as it is, for the first time, or after a change that nobody need be told of."""

    environment: Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentDrifted(Event):
    """The environment is another than before: `lines` say what changed, a sentence each."""

    lines: tuple[str, ...]
    environment: Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenersOpened(Event):
    """Ports were opened to the network, and were there at two looks in a row. `keys` are theirs.

    `expected` is the change that explains them (a package manager at work, a deploy), or "".
    """

    lines: tuple[str, ...]
    keys: tuple[str, ...]
    expected: str = ""
