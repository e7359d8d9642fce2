import os
import subprocess
import sys

import pytest

from opsagent.memory.labels import taken


def test_labels_in_the_learnings_of_others_are_taken(tmp_path):
    folder = tmp_path / ".learnings" / "operations"
    folder.mkdir(parents=True)
    (folder / "OPERATIONS_ISSUES.md").write_text("## [OPS-20261118-007] api_down\nsee OPS-20261117-A0Z, OPS-1-2\n")

    assert taken(tmp_path) == {"OPS-20261118-007", "OPS-20261117-A0Z"}


def test_no_learnings_and_a_link_out_of_them_hold_no_labels(tmp_path):
    (tmp_path / "secret.md").write_text("OPS-20261118-001")
    (tmp_path / ".learnings").mkdir()
    (tmp_path / ".learnings" / "LEARNINGS.md").symlink_to(tmp_path / "secret.md")

    assert taken(tmp_path) == frozenset()
    assert taken(tmp_path / "nowhere") == frozenset()


def test_what_is_no_regular_file_holds_no_labels_and_keeps_nobody_waiting(tmp_path):
    folder = tmp_path / ".learnings"
    folder.mkdir()
    os.mkfifo(folder / "A.md")
    (folder / "B.md").mkdir()
    (folder / "B.md" / "C.md").write_text("OPS-20261118-003")

    assert taken(tmp_path) == {"OPS-20261118-003"}


SWAP = """
import os, pathlib, sys
from opsagent.memory.labels import taken
root = pathlib.Path(sys.argv[1])
def swap(event, arguments):
    if event == "open" and str(arguments[0]).endswith(sys.argv[2]):
        os.rename(root / sys.argv[3], root / "aside")
        os.symlink(root / sys.argv[4], root / sys.argv[3])
        sys.argv[2] = "done/"
sys.addaudithook(swap)
print(sorted(taken(root)), sys.argv[2])
"""
"""Puts a link in the place of a file or folder in the very moment in which it is opened."""


@pytest.mark.parametrize(
    ("opened", "swapped", "target"),
    [("A.md", ".learnings/sub/A.md", "secret/A.md"), ("sub", ".learnings/sub", "secret")],
)
def test_a_link_put_in_place_between_the_look_and_the_opening_is_not_followed(tmp_path, opened, swapped, target):
    for folder, number in ((".learnings/sub", "001"), ("secret", "002")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "A.md").write_text(f"OPS-20261118-{number}")

    argv = [sys.executable, "-c", SWAP, tmp_path, opened, swapped, target]
    told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    assert told == "[] done/\n"
