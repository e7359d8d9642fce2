"""What is remembered of the environment between two looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from opsagent.core.environment import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentKnown:
    """How it was last recorded, and since when (UTC).

    `public` are the keys of listeners on the network that are known, with the time since when: each is told of once.
    One that has closed may come back within 30 days; its service is at rest, or being worked at.
    """

    now: Environment | None = None
    at: datetime | None = None
    public: Mapping[str, datetime] = field(default_factory=dict)
