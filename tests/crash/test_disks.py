"""Disks that are really full, out of inodes, or read-only: small file systems in a mount name space of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[2]


def on_a_disk(options: str, scenario: str, place: Path) -> dict[str, Any]:
    """Run a scenario on a fresh tmpfs that nobody else sees."""
    script = 'mount -t tmpfs -o "$1" none "$2" && exec "$3" -m tests.crash.disks "$4" "$2"'
    rights = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    argv = ["unshare", "--mount", *rights, "sh", "-c", script, "sh", options, str(place), sys.executable, scenario]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=HERE)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_a_full_disk_costs_nothing_but_time(tmp_path: Path) -> None:
    found = on_a_disk("size=14m", "full", tmp_path)

    assert found["had_ballast"]
    assert found["recorded_on_ballast"] >= 50, "the ballast was not worth its mebibyte"
    assert found["trouble"] == "full", "the disk was never full: this proved nothing"
    assert found["held"] == 1000
    assert found["dropped"] == 1499 - 1000 - found["recorded_on_ballast"]
    assert found["markdown"] == "refused"
    assert found["spooled"] == "full"
    assert found["flushed"] == 1000
    assert found["same"], "what was given is not what is in the log"
    assert found["restored"]
    assert (found["entries"], found["whole"]) == (2, True)


def test_without_inodes_events_go_on_and_files_are_made_later(tmp_path: Path) -> None:
    found = on_a_disk("size=16m,nr_inodes=30", "inodes", tmp_path)

    assert found == {"struck": True, "held": 0, "same": True, "markdown": "refused", "spooled": "full"}


def test_a_read_only_state_directory_is_read_and_says_what_is_wrong(tmp_path: Path) -> None:
    found = on_a_disk("size=16m", "readonly", tmp_path)

    assert found == {"written": "readonly", "samples": "readonly", "spooled": "readonly", "read": True, "same": True}
