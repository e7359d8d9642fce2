"""What the daemon says of itself: for the journal, and to a person at a terminal."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
import structlog

from opsagent import logs

if TYPE_CHECKING:
    from collections.abc import Iterator


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_the_journal_gets_one_json_object_a_line() -> None:
    journal = io.StringIO()
    logs.configure(journal)

    structlog.get_logger().info("HealthChanged", check="api", reason="prüft")

    line = journal.getvalue()
    assert json.loads(line) == {"message": "HealthChanged", "level": "info", "check": "api", "reason": "prüft"}
    assert line.count("\n") == 1


def test_a_mistake_of_ours_is_told_to_the_journal_with_the_place_where_it_was_made() -> None:
    journal = io.StringIO()
    logs.configure(journal)

    try:
        _ = 1 // 0
    except ZeroDivisionError:
        structlog.get_logger().exception("an errand failed")

    told = json.loads(journal.getvalue())["exception"]
    assert __file__ in told
    assert told.endswith("ZeroDivisionError: integer division or modulo by zero")


def test_a_person_gets_words() -> None:
    terminal = Terminal()
    logs.configure(terminal)

    structlog.get_logger().info("HealthChanged", check="api")

    assert "Health changed" in terminal.getvalue()
    assert "HealthChanged" not in terminal.getvalue()
