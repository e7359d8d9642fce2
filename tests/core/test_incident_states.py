"""The page of the incident's states is made from its table, and is never older than it."""

from __future__ import annotations

from pathlib import Path

from markdown_it import MarkdownIt

from opsagent.core.incident import TRANSITIONS
from opsagent.core.phase import Phase
from opsagent.core.report import diagram

PAGE = Path(__file__).parents[2] / "docs/explanation/incident-states.md"


def test_the_page_is_as_new_as_the_table() -> None:
    written = PAGE.read_text(encoding="utf-8")

    assert written == diagram.text(), "run: .venv/bin/python docs/explanation/write_incident_states.py"


def test_every_state_and_every_move_is_on_it() -> None:
    text = diagram.text()

    assert all(f"| `{phase}` | " in text for phase in Phase)
    for kind, row in TRANSITIONS.items():
        for here, goals in row.items():
            arrows = [line for line in text.splitlines() if line.startswith(f"    {here} --> ") and kind in line]
            assert {line.split()[2].rstrip(":") for line in arrows} == set(goals) - {here}, (kind, here)


def test_it_is_one_diagram_and_two_tables() -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(diagram.text())

    assert [token.info for token in tokens if token.type == "fence"] == ["mermaid"]
    assert sum(token.type == "table_open" for token in tokens) == 2
