"""The composition root: clocks, threads, signals, and everything wired to everything."""

from opsagent.daemon.service import Doors, run

__all__ = ["Doors", "run"]
