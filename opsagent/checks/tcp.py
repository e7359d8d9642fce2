"""Whether a TCP port answers. It really connects, so only use it where the service does not mind (else `listen`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.checks.wire.address import parse_host
from opsagent.checks.wire.dial import dial, shown
from opsagent.checks.wire.stage import StageError, Stages, broken, spoken
from opsagent.core.observation import Reading, Status, ok
from opsagent.core.text import visible

if TYPE_CHECKING:
    import socket

_READ_LIMIT = 65_536
_PORT_LIMIT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    r"""One TCP connection, with one line to say and one answer to wait for if that is wanted.

    port: the port to connect to.
    host: name or address.
    send: text to send once connected (`"PING\r\n"` in double quotes).
    expect: text that must come back; nothing is read without it.
    timeout: longest time for the whole look.
    """

    port: int
    host: str = "127.0.0.1"
    send: str = ""
    expect: str = ""
    timeout: timedelta = timedelta(seconds=3)

    def __post_init__(self) -> None:
        """Refuse at once what could never be asked (ValueError)."""
        parse_host(self.host)
        if not 1 <= self.port <= _PORT_LIMIT:
            raise ValueError(f"cannot use port {self.port}, allowed: 1 to {_PORT_LIMIT}")

    def observe(self) -> Reading:
        """Connect, say, listen, close."""
        stages, target = Stages(self.timeout), shown(self.host, self.port)
        try:
            with dial(self.host, self.port, stages) as sock:
                found = self._talked(sock, target, stages)
        except StageError as error:
            return replace(error.reading, measures=stages.measures())
        if found is None or self.expect.encode() in found:
            return ok(f"{target} answers in {spoken(stages.seconds())}", *stages.measures())
        said = visible(found.decode("utf-8", "surrogateescape"), 80)
        message = f"{target} closed the connection after {said!r}, expected {self.expect!r}"
        return Reading(status=Status.CRITICAL, message=message, failure_class="output", measures=stages.measures())

    def _talked(self, sock: socket.socket, target: str, stages: Stages) -> bytes | None:
        try:
            if self.send:
                sock.settimeout(stages.left())
                sock.sendall(self.send.encode())
            return _heard(sock, self.expect.encode(), stages) if self.expect else None
        except OSError as error:
            raise broken(error, f"cannot hear {self.expect!r} from {target}", stages, "connect") from error


def _heard(sock: socket.socket, wanted: bytes, stages: Stages) -> bytes:
    """Read until what is wanted has come, the other side has closed, or 64 KiB have."""
    found = b""
    while wanted not in found and len(found) < _READ_LIMIT:
        sock.settimeout(stages.left())
        chunk = sock.recv(_READ_LIMIT - len(found))
        if not chunk:
            break
        stages.done("first_byte")
        found += chunk
    return found
