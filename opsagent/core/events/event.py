"""The mark that every recorded fact bears."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The mark of a recorded fact; it holds nothing."""
