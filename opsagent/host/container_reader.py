"""Tells how some containers are, to whoever connects: the only thing of ours that speaks to an engine of root's.

systemd starts it for each connection to `opsagent-containers.socket`. The names stand in root's settings and come as
arguments; what the other side sends is never read, and the engine is asked nothing but how these containers are.
"""

from __future__ import annotations

import contextlib
import os
import sys
from datetime import timedelta
from pathlib import Path

from opsagent.core.container import is_container_name, text_of
from opsagent.host.engines import ask

TIMEOUT = timedelta(seconds=5)
OF_ROOT = (("docker", Path("/run/docker.sock")), ("podman", Path("/run/podman/podman.sock")))


def sockets_of(uid: int) -> tuple[tuple[str, Path], ...]:
    """Return where a user's engines listen: root's, or those that run without root."""
    if uid == 0:
        return OF_ROOT
    runtime = Path(f"/run/user/{uid}")
    return (("docker", runtime / "docker.sock"), ("podman", runtime / "podman" / "podman.sock"))


def main(names: list[str]) -> None:
    """Write what is known of these containers to the standard output, as JSON."""
    wanted = [name for name in names if is_container_name(name)]
    told = text_of(ask(sockets_of(os.getuid()), wanted, TIMEOUT)).encode()
    with contextlib.suppress(BrokenPipeError):  # who asked has gone meanwhile
        os.write(sys.stdout.fileno(), told)


if __name__ == "__main__":
    main(sys.argv[1:])
