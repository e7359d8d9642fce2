"""Breaks a service on a host and watches from outside until it answers again: `witness.py UNIT PORT SIGNAL PAUSE`.

Prints JSON, in seconds since 1970: `broken`, `started` (by systemd's word, the new process), `healthy` (its first
answer). PAUSE are the seconds between two questions. Only the standard library, so that it runs on any host.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import datetime

LONGEST = 400.0  # seconds


def show(unit: str, name: str) -> str:
    argv = ["systemctl", "show", "--value", "--timestamp=us+utc", "-p", name, unit]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=0.3) as answer:
            return answer.status == 200
    except OSError:
        return False


def main(unit: str, port: int, name: str, pause: float) -> None:
    pid = int(show(unit, "MainPID"))
    broken = time.time()
    os.kill(pid, signal.Signals[name])
    while not answers(port):
        if time.time() > broken + LONGEST:
            sys.exit(f"{unit} is not healthy {LONGEST:.0f} s after {name}")
        time.sleep(pause)
    healthy = time.time()
    stamp = show(unit, "ExecMainStartTimestamp").split(" ", 1)[1].replace(" UTC", "+00:00")
    print(json.dumps({"broken": broken, "started": datetime.fromisoformat(stamp).timestamp(), "healthy": healthy}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
