from __future__ import annotations

import runpy
from pathlib import Path

from markdown_it import MarkdownIt

from opsagent.settings.options import CheckOptions, Document
from opsagent.settings.reading import keys_of
from tests.settings.conftest import KINDS, NOTIFIERS

FOLDER = Path(__file__).parent.parent.parent / "docs/reference"


def test_the_reference_says_what_the_code_does() -> None:
    written = (FOLDER / "settings.md").read_text(encoding="utf-8")

    fresh = runpy.run_path(str(FOLDER / "write_settings.py"))["text"]()

    assert written == fresh, (
        "docs/reference/settings.md is out of date: .venv/bin/python docs/reference/write_settings.py"
    )


def test_every_key_and_kind_has_its_line() -> None:
    written = (FOLDER / "settings.md").read_text(encoding="utf-8")

    for key in (*keys_of(Document), *keys_of(CheckOptions)):
        assert f"\n| `{key.key}` |" in written
    for what, kinds in (("check", KINDS), ("notifier", NOTIFIERS)):
        for name, cls in kinds.items():
            section = written.partition(f"\n### {what} `{name}`\n")[2].partition("\n### ")[0]
            assert section
            for key in keys_of(cls):
                assert key.key in section or key.field in {own.field for own in keys_of(CheckOptions)}


def test_no_key_is_left_without_its_meaning() -> None:
    written = (FOLDER / "settings.md").read_text(encoding="utf-8")

    assert [line for line in written.splitlines() if line.startswith("| `") and line.endswith("|  |")] == []


def test_its_tables_are_tables() -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse((FOLDER / "settings.md").read_text(encoding="utf-8"))

    rows = [token for token in tokens if token.type == "tr_open"]
    assert len(rows) > 100
    assert not [token for token in tokens if token.type == "inline" and token.content.startswith("|")]
