"""What the daemon says of itself: one JSON object a line for the journal, plain words on a terminal."""

from __future__ import annotations

import logging
import re
import sys
import time
from typing import TextIO

import structlog


def configure(stream: TextIO | None = None) -> None:
    """Set up logging once, at start. The journal adds the time, so a line carries none for it."""
    out = stream or sys.stderr
    is_terminal = out.isatty()
    shape: list[structlog.typing.Processor] = [structlog.processors.add_log_level]
    if is_terminal:
        shape += [_with_time, _in_words, structlog.dev.ConsoleRenderer(pad_event_to=0)]
    else:
        shape += [
            structlog.processors.format_exc_info,  # else a mistake of ours is told without where it was made
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    structlog.configure(
        processors=shape,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=True,
    )


def _with_time(_logger: object, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Say the time of this terminal with its zone: what a line quotes is told in that of the settings."""
    return {**line, "timestamp": time.strftime("%H:%M:%S %Z")}


def _in_words(_logger: object, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Say `HealthChanged` as `Health changed`."""
    return {**line, "event": re.sub(r"(?<=[a-z])([A-Z])", lambda found: f" {found[1].lower()}", str(line["event"]))}
