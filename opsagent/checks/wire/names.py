"""Names to addresses within a deadline. `getaddrinfo` cannot be interrupted, so it runs beside us, bounded."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from threading import Thread
from typing import TYPE_CHECKING

from opsagent.checks.wire.address import Address, parse_host, refusal
from opsagent.checks.wire.stage import BlindError, StageError

if TYPE_CHECKING:
    from opsagent.checks.wire.stage import Stages

MOST = 32
"""Names that may be looked up at once; a resolver that hangs holds no more threads than this."""

_running: dict[str, Future[tuple[str, ...]]] = {}
_NO_ANSWER = {socket.EAI_AGAIN, socket.EAI_SYSTEM, socket.EAI_MEMORY}


def addresses(host: str, stages: Stages, *, named: bool = True) -> tuple[Address, ...]:
    """Return every address of `host`, all of them allowed; StageError says why there is none.

    `named` says that the settings name this host (see `address.refusal`). One refused address refuses the
    name: an answer that mixes a public and a private address is how a name is turned against us.
    """
    literal = parse_host(host)
    found = (literal,) if literal is not None else looked_up(host, stages)
    for address in found:
        if why := refusal(address, named=named):
            raise BlindError(f"cannot ask {host}: {address} is refused, it is {why}", "refused-address")
    stages.done("resolve")
    return found


def looked_up(host: str, stages: Stages) -> tuple[Address, ...]:
    """Return every address of a name, refused or not; StageError when it does not resolve in time."""
    lookup = _running.get(host) or _begin(host)
    try:
        found = lookup.result(stages.left())
    except (TimeoutError, FutureTimeoutError) as error:
        message = f"cannot resolve {host} within {stages.allowed:g} s"
        raise StageError(message, "dns", timed_out=True) from error
    except socket.gaierror as error:
        reason = (error.strerror or "no answer").lower()
        raise StageError(f"cannot resolve {host}: {reason}", "dns", timed_out=error.errno in _NO_ANSWER) from error
    except OSError as error:
        raise BlindError(f"cannot resolve {host}: {(error.strerror or str(error)).lower()}") from error
    return tuple(dict.fromkeys(ipaddress.ip_address(text.partition("%")[0]) for text in found))


def _begin(host: str) -> Future[tuple[str, ...]]:
    """Start a look-up that everyone who asks for the same name meanwhile shares."""
    if len(_running) >= MOST:
        raise BlindError(f"cannot resolve {host}: {MOST} names are being looked up and none answers", "dns")
    lookup: Future[tuple[str, ...]] = Future()
    mine = _running.setdefault(host, lookup)
    if mine is not lookup:
        return mine
    try:
        Thread(target=_look_up, args=(host, lookup), name=f"resolve {host}", daemon=True).start()
    except RuntimeError as error:  # the limit of tasks is reached; whoever waits already must not wait for ever
        _running.pop(host, None)
        lookup.set_exception(OSError(errno.EAGAIN, str(error)))
    return mine


def _look_up(host: str, lookup: Future[tuple[str, ...]]) -> None:
    """Answer everyone who waits. The next look must ask anew, so the name is struck off before the answer is out."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        _running.pop(host, None)
        said = error if isinstance(error, socket.gaierror) else socket.gaierror(0, str(error))
        lookup.set_exception(_shortage() or said)
    else:
        _running.pop(host, None)
        lookup.set_result(tuple(str(entry[4][0]) for entry in found))


def _shortage() -> OSError | None:
    """Say whether we ran out of descriptors: to the C library a resolver it cannot open is a name that is not there."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error
    return None
