"""Writes settings.md beside this file from the code: `.venv/bin/python docs/reference/write_settings.py`."""  # noqa: INP001 - a program, not a module of a package

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from opsagent import checks, notifiers, remedies  # noqa: E402 - the tree this file stands in, not an installed one
from opsagent.settings.reference import reference  # noqa: E402 - as above


def text() -> str:
    """Return the reference of everything that can be set."""
    kinds = {name: checks.kind(name) for name in checks.KINDS}
    notifier_kinds = {name: notifiers.kind(name) for name in notifiers.KINDS}
    return reference(kinds, remedies.KINDS, notifier_kinds)


if __name__ == "__main__":
    (HERE / "settings.md").write_text(text(), encoding="utf-8")
