"""Whether a TCP port answers. It really connects, so only use it where the service does not mind (else `listen`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.checks.wire.address import check_port, parse_host
from opsagent.checks.wire.dial import dial, shown
from opsagent.checks.wire.stage import StageError, Stages, broken, spoken
from opsagent.core.observation import Reading, Status, ok
from opsagent.core.text import visible

if TYPE_CHECKING:
    import socket

_READ_LIMIT = 65_536
_SHOWN = 80


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
        check_port(self.port)

    def observe(self) -> Reading:
        """Connect, say, listen, close."""
        stages, target = Stages(self.timeout), shown(self.host, self.port)
        try:
            with dial(self.host, self.port, stages) as sock:
                missed = self._talked(sock, target, stages)
        except StageError as error:
            return replace(error.reading, measures=stages.measures())
        if not missed:
            return ok(f"{target} answers in {spoken(stages.seconds())}", *stages.measures())
        return Reading(status=Status.CRITICAL, message=missed, failure_class="output", measures=stages.measures())

    def _talked(self, sock: socket.socket, target: str, stages: Stages) -> str:
        """Say what is to be said; return how the answer differs from what is expected, "" when it does not."""
        found = bytearray()
        try:
            if self.send:
                sock.settimeout(stages.left())
                sock.sendall(self.send.encode())
            if not self.expect or _heard(sock, self.expect.encode(), stages, found):
                return ""
        except OSError as error:
            only = f", only {_quoted(found)}," if found else ""
            raise broken(error, f"cannot hear {self.expect!r} from {target}{only}", stages, "connect") from error
        how = "said" if len(found) >= _READ_LIMIT else "closed the connection after"
        return f"{target} {how} {_quoted(found)}, expected {self.expect!r}"


def _heard(sock: socket.socket, wanted: bytes, stages: Stages, found: bytearray) -> bool:
    """Read into `found` until what is wanted has come, the other side has closed, or 64 KiB have; say if it came."""
    while wanted not in found and len(found) < _READ_LIMIT:
        sock.settimeout(stages.left())
        chunk = sock.recv(_READ_LIMIT - len(found))
        if not chunk:
            break
        stages.done("first_byte")
        found += chunk
    return wanted in found


def _quoted(found: bytearray) -> str:
    return repr(visible(found.decode("utf-8", "surrogateescape").strip(), _SHOWN))
