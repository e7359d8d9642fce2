"""The reference of the events is made from the events, and is never older than they are."""

from __future__ import annotations

import runpy
from dataclasses import fields
from pathlib import Path

from markdown_it import MarkdownIt

from opsagent.core.events import EVENTS, UnknownEvent
from opsagent.store.schema import STEPS

FOLDER = Path(__file__).parents[2] / "docs/reference"
WRITTEN = (FOLDER / "events.md").read_text(encoding="utf-8")


def test_the_reference_is_as_new_as_the_events() -> None:
    fresh = runpy.run_path(str(FOLDER / "write_events.py"))["text"]()

    assert fresh == WRITTEN, "run: .venv/bin/python docs/reference/write_events.py"


def test_every_event_stands_in_it_with_each_of_its_fields() -> None:
    for name, event in EVENTS.items():
        section = WRITTEN.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
        assert bool(section) is (event is not UnknownEvent), name
        assert all(f"\n| `{field.name}` | " in section for field in fields(event) if section), name


def test_every_column_of_the_log_stands_in_it() -> None:
    columns = STEPS[1].partition("CREATE TABLE events(")[2].partition(");")[0].split(",")

    assert [name for column in columns if f"`{(name := column.split()[0])}`" not in WRITTEN] == []


def test_every_link_leads_somewhere() -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(WRITTEN)
    places = {f"#{tokens[at + 1].content.lower()}" for at, one in enumerate(tokens) if one.type == "heading_open"}
    links = {str(inner.attrs["href"]) for one in tokens for inner in one.children or () if inner.type == "link_open"}

    assert links
    assert links <= places
