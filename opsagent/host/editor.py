"""The editor of whoever sits at this terminal."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

USUAL = "vi"


def edit(path: Path) -> None:
    """Let the person edit a file with $VISUAL or $EDITOR. OSError says why that cannot be done, or that it failed."""
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR") or USUAL
    try:
        argv = [*shlex.split(chosen), str(path)]
        done = subprocess.run(argv, check=False)
    except ValueError as error:
        raise OSError(f"cannot read $EDITOR ({chosen}): {error}") from error
    if done.returncode:
        raise OSError(f"{chosen} ended with status {done.returncode}")
