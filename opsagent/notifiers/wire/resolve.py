"""Name to addresses within a deadline, and the addresses nobody may be sent to."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from opsagent.host import process

if TYPE_CHECKING:
    from datetime import timedelta

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,252})", re.ASCII)


class CannotResolveError(Exception):
    """The name has no usable address; the text says why. `forbidden`: asking again changes nothing."""

    def __init__(self, said: str, *, forbidden: bool = False) -> None:
        super().__init__(said)
        self.forbidden = forbidden


def addresses(host: str, timeout: timedelta) -> tuple[str, ...]:
    """Return the addresses of a name (or of an address) in the resolver's order; raises CannotResolveError.

    The C library's resolver knows no deadline (a dead name server costs it 10 s and more), so it is asked in a
    program of its own that can be ended.
    """
    found = (host,) if _is_address(host) else _ask(host, timeout)
    for address in found:
        if reason := forbidden(address):
            raise CannotResolveError(f"cannot send to {host} ({address}): {reason}", forbidden=True)
    return found


def forbidden(address: str) -> str:
    """Say why nothing is ever sent to this address, or "". Metadata services answer on link-local ones."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    # ::ffff:169.254.169.254 is not link-local by its own account; the address inside it is.
    inner = getattr(parsed, "ipv4_mapped", None) or parsed
    for name in ("is_link_local", "is_multicast", "is_unspecified"):
        if getattr(inner, name):
            return f"{name.removeprefix('is_').replace('_', '-')} address"
    return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _ask(host: str, timeout: timedelta) -> tuple[str, ...]:
    if not _NAME.fullmatch(host):
        raise CannotResolveError(f"cannot resolve {host!r}: not a host name", forbidden=True)
    try:
        finished = process.run(("getent", "ahosts", host), timeout=timeout)
    except process.CannotRunError as error:
        raise CannotResolveError(f"cannot resolve {host}: {error}") from error
    if finished.timed_out:
        raise CannotResolveError(f"cannot resolve {host}: no answer within {timeout.total_seconds():.1f} s")
    lines = [line.split() for line in finished.output.decode("ascii", "replace").splitlines()]
    found = tuple(dict.fromkeys(words[0] for words in lines if words[1:2] == ["STREAM"]))
    if not found:
        raise CannotResolveError(f"cannot resolve {host}: no such name")
    return found
