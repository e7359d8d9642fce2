"""Connecting, and TLS on top, to the very address that was checked."""

from __future__ import annotations

import functools
import socket
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.checks.wire.names import addresses
from opsagent.checks.wire.stage import BlindError, StageError, Stages, broken, spoken

if TYPE_CHECKING:
    from opsagent.checks.wire.address import Address

_EXPIRED, _WRONG_HOST = 10, (62, 63, 64)
"""OpenSSL's verify codes for a certificate that has expired, and for one of another name or address."""
_HOUR = 3600


def dial(host: str, port: int, stages: Stages, *, named: bool = True) -> socket.socket:
    """Resolve, check every address, connect to the first that answers; StageError names what failed."""
    found = addresses(host, stages, named=named)
    for position, address in enumerate(found):
        try:
            # each address gets its share, so that one that swallows packets leaves time for the next
            sock = _connect(address, port, stages.left() / (len(found) - position))
        except OSError as error:
            if position == len(found) - 1:
                raise broken(error, f"cannot connect to {shown(host, port)}", stages, "connect") from error
        else:
            stages.done("connect")
            return sock
    raise StageError(f"cannot resolve {host}: no address", "dns")


def secure(sock: socket.socket, host: str, port: int, context: ssl.SSLContext, stages: Stages) -> ssl.SSLSocket:
    """Shake hands as a client of the name `host`; on failure the socket is closed and StageError says why."""
    target = shown(host, port)
    try:
        sock.settimeout(stages.left())
        secured = context.wrap_socket(sock, server_hostname=host.removesuffix("."))
    except ssl.SSLCertVerificationError as error:
        sock.close()
        raise StageError(f"cannot trust {target}: {error.verify_message.lower()}", _distrust(error)) from error
    except TimeoutError as error:
        sock.close()
        done = f"(connected in {spoken(stages.at('connect'))})"
        message = f"no TLS handshake with {target} within {stages.allowed:g} s {done}"
        raise StageError(message, "timeout", timed_out=True) from error
    except ssl.SSLError as error:
        sock.close()
        reason = (error.reason or str(error)).lower().replace("_", " ")
        raise StageError(f"cannot speak TLS with {target}: {reason}", "tls") from error
    except OSError as error:
        sock.close()
        raise broken(error, f"cannot speak TLS with {target}", stages, "tls") from error
    stages.done("tls")
    return secured


def trust(ca_file: str = "", *, insecure: bool = False) -> ssl.SSLContext:
    """Return the rules of trust: TLS 1.2 or newer, verified against `ca_file` or the host's own authorities."""
    try:
        changed = Path(ca_file).stat().st_mtime_ns if ca_file else 0
        return _trust(ca_file, insecure, changed, int(time.monotonic() // _HOUR))
    except (OSError, ssl.SSLError) as error:
        raise BlindError(f"cannot read CA file {ca_file}: {error.strerror or error}") from error


@functools.lru_cache(maxsize=64)
def _trust(ca_file: str, insecure: bool, changed: int, hour: int) -> ssl.SSLContext:  # noqa: ARG001, FBT001
    """Build a context, which reads a hundred certificates: anew when the file changed, and once an hour."""
    context = ssl.create_default_context(cafile=ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def shown(host: str, port: int) -> str:
    """Write host and port as people read them, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _connect(address: Address, port: int, seconds: float) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 - IP's own number
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.connect((str(address), port))
    except BaseException:
        sock.close()
        raise
    return sock


def _distrust(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code == _EXPIRED:
        return "expired"
    return "wrong" if error.verify_code in _WRONG_HOST else "tls"
