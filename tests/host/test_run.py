"""`make run` for a person without root, from a fresh clone, on a host that opsagent has never seen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.host import installed

if TYPE_CHECKING:
    from tests.host.harness import Host

CLONE = "/home/joe/opsagent"
WHEELS = "/home/joe/wheels"


def test_a_first_run_shows_the_first_heartbeat_and_touches_nothing(host: Host) -> None:
    host.run(["sh", "-c", "useradd --create-home joe; systemctl start redis-server.service"])
    installed.copy_tree(host, CLONE)
    host.run(["cp", "-r", str(installed.wheels()), WHEELS])  # the work tree may lie in a home that is closed to joe
    host.run(["chown", "-R", "joe:", CLONE, WHEELS])
    made = ["env", "PIP_COMPILE=0", "make", "-s", "-C", CLONE, ".venv/bin/.run", f"WHEELS={WHEELS}"]
    host.run(made, user="joe", timeout=200)

    running = host.spawn(["make", "-s", "-C", CLONE, "run"], user="joe")
    assert running.stdout is not None
    said = ""
    while "open incidents" not in said and (line := running.stdout.readline()):
        said += line

    assert "only watching" in said
    assert re.search(r"redis-server-6379 +ok .*tcp port 6379 is held by redis-server\.service", said)
    for name in ("failed-units", "root-disk", "ram", "processor"):
        assert re.search(rf"{name} +ok ", said)
    assert host.run(["test", "-d", "/home/joe/.local/state/opsagent/memory"], check=False).returncode == 0
    assert host.run(["test", "-e", "/var/lib/opsagent"], check=False).returncode == 1

    host.run(["pkill", "-INT", "-f", f"[{CLONE[0]}]{CLONE[1:]}/.venv"])  # the brackets keep pkill from finding itself
    running.communicate(timeout=20)
