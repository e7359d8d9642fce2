"""Whether a container of Docker or Podman runs, is healthy, and is not restarted again and again."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from opsagent.checks.wire.sharing import told_by
from opsagent.core.container import Told, counted, is_container_name, judge, named, recalled
from opsagent.core.observation import Reading, Status, unknown
from opsagent.host.container_reader import OF_ROOT, sockets_of
from opsagent.host.engines import EngineError, ask
from opsagent.host.unit_files import reader_socket

_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)
_ROOTS = {str(path) for _, path in OF_ROOT} | {"/var/run/docker.sock", "/var/run/podman/podman.sock"}
_REFRESH = "run as root: opsagent install --refresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A container that should run. One that is not there is critical too: whoever names it means it to run.

    The service of the host never touches the socket of Docker or Podman, for whoever may write to it is root: it asks
    a small program of root's, which `opsagent install --refresh` sets up. An instance of your own (`scope: user`) asks
    your own engine.

    container: its name.
    engine: docker or podman; default: whichever has it.
    user: whose containers, where an engine runs without root; default: root's.
    socket: path of another API socket that opsagent's own user may write to.
    scope: system, or user for the engine of the user the agent runs as.
    timeout: longest time for the whole look.
    """

    container: str
    engine: Literal["docker", "podman"] | None = None
    user: str = ""
    socket: str = ""
    scope: str = "system"
    timeout: timedelta = timedelta(seconds=8)

    def __post_init__(self) -> None:
        """Refuse at once what can never be asked, or must not (ValueError)."""
        if not is_container_name(self.container):
            raise ValueError(f"cannot use container {self.container!r}, allowed: letters, digits, hyphens, _ and .")
        if self.user and not _USER.fullmatch(self.user):
            raise ValueError(f"cannot use user {self.user!r}, allowed: the name of an account")
        if self.socket and not self.socket.startswith("/"):
            raise ValueError(f"cannot use socket {self.socket!r}: write the full path")
        if self.socket in _ROOTS:
            raise ValueError(f"cannot use socket {self.socket}: whoever may write to it is root; leave socket out")

    @property
    def is_through_root(self) -> bool:
        """Whether a program of root's has to be set up that asks for us."""
        return self.scope == "system" and not self.socket

    def observe_since(self, kept: str) -> tuple[Reading, str]:
        """Ask how the container is; how often it was restarted is counted from look to look."""
        try:
            told = self._told()
        except EngineError as error:
            return unknown(f"cannot ask about container {self.container}: {error}", error.failure_class), kept
        found = named(self.container, self.engine or "", told.containers)
        if found is None:
            return self._missing(told), kept
        now = datetime.fromtimestamp(time.time(), UTC)
        seen = counted(recalled(kept), found, now)
        return judge(found, seen, now), json.dumps(seen)

    def _told(self) -> Told:
        if self.socket:
            return ask(((self.engine or "docker", Path(self.socket)),), (self.container,), self.timeout)
        if not self.is_through_root:
            return ask(sockets_of(os.getuid()), (self.container,), self.timeout)
        path = Path(reader_socket(self.user))
        if not path.exists():
            raise EngineError(f"its reader is not set up, {_REFRESH}", "setup")
        return told_by(path, self.timeout)

    def _missing(self, told: Told) -> Reading:
        """Tell a container that is not there from one that nobody could be asked about."""
        name = f"container {self.container}"
        if told.errors:
            return unknown(f"cannot ask about {name}: {'; '.join(told.errors)}", "engine")
        if self.container not in told.asked:
            return unknown(f"cannot ask about {name}: its reader does not know it, {_REFRESH}", "setup")
        if not {self.engine or engine for engine in told.engines} & set(told.engines):
            which = f"{self.engine} is not here" if self.engine else "neither docker nor podman is here"
            return unknown(f"cannot ask about {name}: {which}, or its API is off", "engine")
        message = f"there is no {name} ({', '.join(told.engines)})"
        return Reading(status=Status.CRITICAL, message=message, failure_class="absent")
