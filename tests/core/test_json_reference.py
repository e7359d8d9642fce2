"""The reference of the JSON says what the code does: every example, every word, every request."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from opsagent.core import asking
from opsagent.core.observation import Severity, Status
from opsagent.core.phase import SILENT, Outcome, Phase, Repair
from tests.core.test_contract import GOLDEN_INCIDENT, GOLDEN_STATUS

TEXT = (Path(__file__).parents[2] / "docs/reference/json.md").read_text()
EXAMPLES: list[Any] = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]


def example(key: str) -> Any:
    """Return the first example that is an object with this key."""
    return next(one for one in EXAMPLES if isinstance(one, dict) and key in one)


def shape(value: Any) -> Any:
    """Return only the keys, however deep; of a list the shape of its first item."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else None


def test_the_example_of_an_incident_has_the_keys_of_an_incident() -> None:
    assert shape(EXAMPLES[0][0]) == shape({**GOLDEN_INCIDENT, "actions": GOLDEN_INCIDENT["actions"][:1]})


def test_the_example_of_a_status_has_the_keys_of_a_status() -> None:
    example = {**EXAMPLES[1], "pending_commands": [], "troubles": []}

    assert shape(example) == shape(GOLDEN_STATUS)


def test_the_example_of_a_request_can_be_read() -> None:
    assert isinstance(asking.read(example("kind"), by="ann"), asking.COMMANDS["pause"])


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("`state`", [*Phase]),
        ("`repair`", [*Repair]),
        ("`actions[].outcome`", [*Outcome]),
        ("`checks[].status`", [*Status]),
        ("`suppressed_by`", [*SILENT, "hold", "null"]),
        ("`notifications[].state`", ["pending", "sent", "failed", "expired"]),
        ("`severity`", [Severity.SEV1, Severity.SEV4]),
    ],
)
def test_every_word_is_listed_and_no_other(key: str, words: list[str]) -> None:
    answers, _, _ = TEXT.partition("## The control socket")
    (line,) = re.findall(rf"^\| {re.escape(key)} \| (.*) \|$", answers, re.MULTILINE)

    assert set(re.findall(r"`([\w]+)`", line)) == set(words)


@pytest.mark.parametrize("key", [*GOLDEN_INCIDENT])
def test_every_key_of_an_incident_is_explained(key: str) -> None:
    assert re.search(rf"^\|.*`{key}(\[\]\.\w+)?`.*\|", TEXT, re.MULTILINE), key


@pytest.mark.parametrize("kind", [*asking.KINDS])
def test_every_request_is_listed_with_its_fields(kind: str) -> None:
    (line,) = re.findall(rf"^\| `{kind}` \| (.*?) ?\| ", TEXT, re.MULTILINE)

    known = [field.name for field in fields(asking.KINDS[kind]) if field.name not in {"by", "uuid", "asked_at"}]
    assert re.findall(r"`(\w+)`", line) == known
