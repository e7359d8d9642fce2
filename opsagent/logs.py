"""What the daemon says of itself: one JSON object a line for the journal, plain words on a terminal."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog


def configure(stream: TextIO | None = None) -> None:
    """Set up logging once, at start. The journal adds the time, so a line carries none for it."""
    out = stream or sys.stderr
    is_terminal = out.isatty()
    shape: list[structlog.typing.Processor] = [structlog.processors.add_log_level]
    if is_terminal:
        shape += [structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False), structlog.dev.ConsoleRenderer()]
    else:
        shape += [structlog.processors.EventRenamer("message"), structlog.processors.JSONRenderer(ensure_ascii=False)]
    structlog.configure(
        processors=shape,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
