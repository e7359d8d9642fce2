"""Docker's and Podman's API, as far as it is needed: how the container of a name is, and to restart it.

Whoever may write to such a socket of root's is root. So the daemon never does: `container_reader` and
`container_restart` do, programs of root's.
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from typing import TYPE_CHECKING

from opsagent.core.container import Container, Told, named, of_engine, told_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta
    from pathlib import Path

_LARGEST = 1024 * 1024
_CHUNK = 65_536
_LONGEST_MESSAGE = 300
# Not http.client, which would double the time that the reader of containers takes to start. To a question in HTTP/1.0
# nobody answers in chunks.
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})")
_OK, _DONE, _NOT_FOUND = 200, 204, 404


class EngineError(Exception):
    """An engine, or who asks it for us, could not be asked; the text says which and why."""

    def __init__(self, message: str, failure_class: str = "engine") -> None:
        super().__init__(message)
        self.failure_class = failure_class


def ask(sockets: Iterable[tuple[str, Path]], names: Iterable[str], timeout: timedelta) -> Told:
    """Ask every engine that is there (its name and its socket) for these containers; never raises."""
    deadline = time.monotonic() + timeout.total_seconds()
    wanted = tuple(names)
    engines: list[str] = []
    containers: list[Container] = []
    errors: list[str] = []
    for engine, path in sockets:
        if not os.path.exists(path):  # noqa: PTH110 - a Path would raise where we may not look
            continue
        engines.append(engine)
        try:
            containers += [found for name in wanted if (found := _inspected(engine, path, name, deadline))]
        except EngineError as error:
            errors.append(str(error))
    return Told(engines=tuple(engines), asked=wanted, containers=tuple(containers), errors=tuple(errors))


def read(path: Path, timeout: timedelta) -> Told:
    """Ask the reader of root's (or of another user's) containers at its socket; EngineError when it does not answer."""
    said = _exchanged(path, b"", time.monotonic() + timeout.total_seconds())
    try:
        return told_in(said.decode("utf-8", "replace"))
    except ValueError as error:
        raise EngineError(f"cannot read what {path} says: {error}") from error


def restart(sockets: Iterable[tuple[str, Path]], name: str, timeout: timedelta) -> str:
    """Have the engine that has this container restart it, and return which; EngineError says why it was not done."""
    deadline = time.monotonic() + timeout.total_seconds()
    paths = dict(sockets)
    told = ask(paths.items(), (name,), timeout)
    found = named(name, "", told.containers)
    if found is None:
        raise EngineError(_missing(name, told, paths))
    status, body = _answer(paths[found.engine], f"POST /containers/{name}/restart", deadline)
    if status != _DONE:
        raise EngineError(f"{found.engine} did not restart container {name}: {_message(status, body)}")
    return found.engine


def _missing(name: str, told: Told, paths: Mapping[str, Path]) -> str:
    if told.errors:
        return "; ".join(told.errors)
    if told.engines:
        return f"there is no container {name} ({', '.join(told.engines)})"
    return f"cannot restart container {name}: no engine listens at {' or '.join(map(str, paths.values()))}"


def _message(status: int, body: bytes) -> str:
    """Return an engine's own words, which are JSON."""
    try:
        said = json.loads(body)["message"]
    except (ValueError, LookupError, TypeError, RecursionError):
        said = ""
    return f"{' '.join(str(said).split())[:_LONGEST_MESSAGE]} (status {status})".lstrip()


def _answer(path: Path, asked: str, deadline: float) -> tuple[int, bytes]:
    """Ask with this method and path; return the status, 0 for what is no HTTP, and the body."""
    request = f"{asked} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\nContent-Length: 0\r\n\r\n"
    said = _exchanged(path, request.encode("ascii"), deadline)
    head, _, body = said.partition(b"\r\n\r\n")
    status = _STATUS.match(head)
    return int(status[1]) if status is not None else 0, body


def _inspected(engine: str, path: Path, name: str, deadline: float) -> Container | None:
    """Ask one engine for one container, None if it has none of that name."""
    status, body = _answer(path, f"GET /containers/{name}/json", deadline)
    if status == _NOT_FOUND:
        return None
    if status != _OK:
        raise EngineError(f"{engine} at {path} answered {status or 'in other words than HTTP'}")
    try:
        found = of_engine(engine, json.loads(body))
    except (ValueError, RecursionError) as error:
        raise EngineError(f"cannot understand {engine} at {path}: {error}") from error
    return found if found.name == name else None  # engines take the beginning of an id for a name


def _exchanged(path: Path, request: bytes, deadline: float) -> bytes:
    """Say this and read to the end, within the deadline (monotonic seconds) and a megabyte."""
    found = bytearray()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(_left(deadline))
            sock.connect(str(path))
            sock.sendall(request)
            while len(found) <= _LARGEST:
                sock.settimeout(_left(deadline))
                chunk = sock.recv(_CHUNK)
                if not chunk:
                    return bytes(found)
                found += chunk
    except TimeoutError as error:
        raise EngineError(f"no answer from {path} in time", "timeout") from error
    except OSError as error:
        raise EngineError(f"cannot ask {path}: {(error.strerror or str(error)).lower()}") from error
    raise EngineError(f"{path} says more than {_LARGEST >> 20} MiB")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
