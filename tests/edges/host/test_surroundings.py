"""What is around a failure, read from a real /proc."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

from opsagent.core.unit import UnitSnapshot
from opsagent.host.surroundings import around

STOPS_ITSELF = r"""
import os, signal
open("/proc/self/comm", "wb").write(b"\xffapi")
os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_a_stopped_process_is_seen_though_its_name_is_no_utf_8() -> None:
    child = subprocess.Popen([sys.executable, "-c", STOPS_ITSELF])
    try:
        os.waitpid(child.pid, os.WUNTRACED)
        unit = UnitSnapshot(name="api.service", read_at=datetime(2026, 11, 27, tzinfo=UTC), main_pid=child.pid)
        assert f"\ufffdapi (pid {child.pid})" in around(unit, (), (), (), "system").stopped
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
