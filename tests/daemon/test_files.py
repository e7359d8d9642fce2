"""What the daemon leaves for those who look after it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opsagent import remedies
from opsagent.daemon import files
from opsagent.interfaces import known
from opsagent.settings import load_text

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
checks:
  - {name: port, kind: tcp, port: 8080, unit: api.service}
  - {name: page, kind: http, url: "http://127.0.0.1:8080/health", unit: api.service}
  - {name: root-disk, kind: disk, path: /}
"""


def test_the_health_check_is_told_each_thing_once() -> None:
    checks, notifiers = known.kinds()

    watch = files.watch_list(load_text(SETTINGS, checks, remedies.KINDS, notifiers))

    assert (watch["units"], watch["ports"], watch["paths"]) == (["api.service"], [8080], ["/"])
    assert watch["urls"] == ["http://127.0.0.1:8080/health"]


def test_a_file_whose_name_is_no_utf_8_is_kept_and_read_back(tmp_path: Path) -> None:
    kept = {"files": {"/etc/app/b\udcff.conf": "as it was"}}

    assert files.write(tmp_path / "changes.json", kept)
    assert json.loads((tmp_path / "changes.json").read_bytes()) == kept
