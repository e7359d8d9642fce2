"""The playbook and the runbooks are read as they lie there: small plain files, redacted; a trap is named."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from opsagent.core.playbook.parsing import LARGEST
from opsagent.memory import guides
from opsagent.redact import redact

if TYPE_CHECKING:
    from pathlib import Path

PLAYBOOK = "failures/debugging-notes.md"


def write(root: Path, path: str, text: str) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_what_is_there_is_read_and_its_secrets_are_not(tmp_path: Path) -> None:
    write(tmp_path, PLAYBOOK, "## API\n1. `uptime`\n2. export PASSWORD=correct-horse-battery\n")
    write(tmp_path, "ops/runbooks/b.md", "# Runbook: B\n- **Status**: draft\n")
    write(tmp_path, "ops/runbooks/a.md", "# A\n")
    write(tmp_path, "ops/runbooks/notes.txt", "# no runbook\n")

    found, trouble = guides.read(tmp_path, "standalone", redact)
    assert trouble == ()
    assert [(one.name, one.is_draft) for one in found.runbooks] == [("a.md", False), ("b.md", True)]
    assert "uptime" in str(found.sections)
    assert "correct-horse" not in str(found.sections)


def test_entries_of_people_are_read_from_the_index_and_beside_it_and_ours_are_not(tmp_path: Path) -> None:
    ours = "<!-- opsagent:pattern 0123456789ab -->\n## Failure: ours\n<!-- /opsagent:pattern 0123456789ab -->\n"
    write(tmp_path, "failures/failure-archive.md", f"{ours}Failure: mine\nCause: PASSWORD=correct-horse-battery\n")
    write(tmp_path, "failures/bug-patterns.md", "## Pattern: theirs\n")

    found, _ = guides.read(tmp_path, "standalone", redact)

    assert [(one.title, one.line) for one in found.entries] == [("mine", 4), ("theirs", 1)]
    assert "correct-horse" not in str(found.entries)


@pytest.mark.parametrize(
    ("layout", "path"), [("ai-memory", f"ai-memory/{PLAYBOOK}"), ("openclaw", "memory/ops-debugging-notes.md")]
)
def test_each_layout_has_its_place(tmp_path: Path, layout: str, path: str) -> None:
    write(tmp_path, path, "## API\n1. uptime\n")

    assert [one.title for one in guides.read(tmp_path, layout, str)[0].sections] == ["API"]


def test_nothing_is_made_where_nothing_is(tmp_path: Path) -> None:
    assert guides.read(tmp_path / "memory", "standalone", str)[0].sections == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("trap", ["link", "pipe", "large", "hard link", "folder"])
def test_a_trap_is_named_and_gives_nothing(tmp_path: Path, trap: str) -> None:
    elsewhere = write(tmp_path, "elsewhere.md", "## API\n1. uptime\n")
    file = tmp_path / PLAYBOOK
    file.parent.mkdir()
    makers = {
        "link": lambda: file.symlink_to(elsewhere),
        "pipe": lambda: os.mkfifo(file),
        "large": lambda: file.write_text("## API\n1. uptime\n" + "x" * LARGEST),
        "hard link": lambda: file.hardlink_to(elsewhere),
        "folder": file.mkdir,
    }
    makers[trap]()

    found, (said,) = guides.read(tmp_path, "standalone", str)
    assert found.sections == ()
    assert said.startswith(f"cannot read {PLAYBOOK}: ")


def test_a_change_changes_the_stamp(tmp_path: Path) -> None:
    before = guides.stamp(tmp_path, "standalone")
    file = write(tmp_path, PLAYBOOK, "## A\n")
    written = guides.stamp(tmp_path, "standalone")
    file.write_text("## AB\n")
    write(tmp_path, "ops/runbooks/a.md", "# A\n")

    assert len({before, written, guides.stamp(tmp_path, "standalone")}) == 3
