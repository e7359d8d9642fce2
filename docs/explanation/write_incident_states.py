"""Writes incident-states.md beside this file from the code: `.venv/bin/python docs/explanation/write_incident_states.py`."""  # noqa: INP001, E501 - a program, not a module of a package

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from opsagent.core.report.diagram import text  # noqa: E402 - the tree this file stands in, not an installed one

if __name__ == "__main__":
    (HERE / "incident-states.md").write_text(text(), encoding="utf-8")
