"""What an act did, left for everybody to read in a directory that root alone writes: the daemon reads it back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def tell(name: str, body: Mapping[str, Any]) -> None:
    """Write it whole, in place of what the last run left. Nothing where systemd did not start us."""
    directory = os.environ.get("RUNTIME_DIRECTORY", "")
    if not directory:
        return
    beside = Path(directory) / f".{name}.new"
    beside.write_text(json.dumps(body), encoding="utf-8")  # in ASCII: a name that is no UTF-8 can be told only so
    beside.chmod(0o644)
    beside.replace(Path(directory) / f"{name}.json")
