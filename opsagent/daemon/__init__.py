"""The composition root: clocks, threads, signals, and everything wired to everything."""

from opsagent.daemon.service import run

__all__ = ["run"]
