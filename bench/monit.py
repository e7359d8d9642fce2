"""Monit as the peer: asked to do the same, when Debian's package is installed."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
set daemon {cycle}
set log {folder}/log
set pidfile {folder}/pid
set idfile {folder}/id
set statefile {folder}/state
set httpd unixsocket {folder}/socket allow bench:bench
"""


def program() -> str:
    """Return where monit is, "" when it is not installed."""
    return shutil.which("monit", path="/usr/sbin:/usr/bin:/usr/local/bin") or ""


def version() -> str:
    """Return what monit says of itself."""
    if not program():
        return "Monit is not installed: no peer was measured."
    said = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True).stdout
    return f"Peer: {said.splitlines()[0].removeprefix('This is ')}."


def configure(folder: Path, checks: str, cycle: int = 60) -> Path:
    """Write settings for monit, readable by their owner only, as it insists."""
    path = folder / "monitrc"
    path.write_text(CONFIG.format(folder=folder, cycle=cycle) + checks)
    path.chmod(0o600)
    return path


def swept(folder: Path, checks: str) -> float:
    """Return the seconds that one look at all checks takes (`monit validate`)."""
    path = configure(folder, checks)
    began = time.monotonic()
    done = subprocess.run([program(), "-c", path, "validate"], capture_output=True, text=True, check=False)
    took = time.monotonic() - began
    failed = [line for line in done.stdout.splitlines() if "failed" in line.lower()]
    if failed:
        raise RuntimeError(f"monit did not see what it should: {failed[0]}")
    return took
