"""opsagent: the on-call engineer that lives on the host."""

__version__ = "0.1.0"
