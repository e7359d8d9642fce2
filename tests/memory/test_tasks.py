from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.report.incident_file import BELOW
from opsagent.core.task import Task
from opsagent.memory import tasks

if TYPE_CHECKING:
    from pathlib import Path

LABEL = "OPS-20261118-002"
WHERE = f"incidents/2026/11/{LABEL}.md"


def written(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_what_people_left_to_be_done_is_read_below_our_part_of_a_record_and_redacted(tmp_path: Path) -> None:
    written(tmp_path, WHERE, f"# {LABEL}\n- [ ] a log said so\n{BELOW}\n- [ ] turn the key hunter2\n- [x] done\n")
    written(tmp_path, f"tickets/{LABEL}.md", "## api needs it\n- **Status**: open; …\n")
    written(tmp_path, f"ops/postmortems/{LABEL}.md", "- [ ] an alarm at 80 %\n")
    written(tmp_path, "incidents/2026/11/README.md", "- [ ] not a record\n")
    (tmp_path / "incidents/2026/11/OPS-20261118-003.md").symlink_to(tmp_path / WHERE)

    found, trouble = tasks.read(tmp_path, "standalone", lambda text: text.replace("hunter2", "***"))

    assert found == (
        Task(text="turn the key ***", where=WHERE, incident=LABEL),
        Task(text="ticket: api needs it", where=f"tickets/{LABEL}.md", incident=LABEL),
        Task(text="an alarm at 80 %", where=f"ops/postmortems/{LABEL}.md", incident=LABEL),
    )
    assert [one for one in trouble if "OPS-20261118-003.md" in one] == list(trouble) != []


def test_an_item_that_is_ticked_off_changes_the_stamp(tmp_path: Path) -> None:
    written(tmp_path, WHERE, "- [ ] one\n")
    before = tasks.stamp(tmp_path, "standalone")

    written(tmp_path, WHERE, "- [x] one, by ann\n")

    assert tasks.stamp(tmp_path, "standalone") != before
