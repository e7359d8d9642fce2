"""What in the settings is secret, so that it can be struck out of every record; and the files that keep secrets."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from opsagent.settings.problem import LONGEST_PATH, Place, Problem, shown
from opsagent.settings.tree import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.settings.tree import Node

_FILES_BY_NAME = frozenset({"headers_from"})
_ROOTS_OWN = "password_file"
"""Read by restic as root, and never by us: neither whether it is there nor what it holds is ours to know."""
_HEADERS = "headers"
_URLS = frozenset({"url", "proxy"})
_KEYS = frozenset({"uuid"})
_SHORTEST = 8
"""Shorter words are struck out of innocent text more often than they are secrets."""
_TOKEN = 16
"""A piece of a path or a host without a dot is taken for a token from this length on."""
_MOST = 8192


def unreadable(root: Node, *, looks_only: bool) -> Iterator[Problem]:
    """Find files the settings name (`…_file`) that are not there, or that this account may not read.

    With `looks_only` this account is not the one that needs them, so that it need not be able to.
    """
    for key, name, place in _files(root):
        try:
            wrong = _unfit(name)
        except PermissionError as error:
            if not looks_only:
                yield _refusal(key, name, place, error.strerror or "refused")
        except (OSError, ValueError) as error:
            yield _refusal(key, name, place, getattr(error, "strerror", None) or str(error))
        else:
            if wrong:
                yield Problem(place=place, text=f"cannot use the file {shown(name, LONGEST_PATH)}: {wrong} ({key})")


def _unfit(name: str) -> str:
    """Say why a file that can be opened is of no use, "" if it is."""
    if not name.startswith("/"):
        return "the daemon runs in another directory, allowed: a path from /"
    descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return "allowed: a regular file"
    return "" if status.st_size else "it is empty, allowed: a file with a secret in it"


def _refusal(key: str, name: str, place: Place, why: str) -> Problem:
    text = f"cannot open the file {shown(name, LONGEST_PATH)}: {why}, allowed: a readable file ({key})"
    return Problem(place=place, text=text)


def secrets_of(root: Node) -> tuple[str, ...]:
    """Return every password and token of the settings and of the files they name, the longest first."""
    found = {secret for text in _texts(root) for secret in _parts(text)}
    for key, name, _ in _files(root):
        if key != "ca_file":
            found |= {secret for line in _lines(name) for secret in (line, *_parts(line))}
    for value in _header_values(root):
        found |= {value, value.rpartition(" ")[2]}
    found |= {str(node.value) for key, node in _walk(root) if key in _KEYS and isinstance(node, Scalar)}
    return tuple(sorted((each for each in found if len(each) >= _SHORTEST), key=lambda each: (-len(each), each)))


def _walk(node: Node, key: str = "") -> Iterator[tuple[str, Node]]:
    yield key, node
    if isinstance(node, Mapping):
        for name, item in node.items.items():
            yield from _walk(item, name)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _walk(item, key)


def _files(root: Node) -> Iterator[tuple[str, str, Place]]:
    for key, node in _walk(root):
        if key in _FILES_BY_NAME and isinstance(node, Mapping):
            yield from ((key, value, place) for value, place in _scalars(node))
        elif (
            key != _ROOTS_OWN
            and key.endswith("_file")
            and isinstance(node, Scalar)
            and isinstance(node.value, str)
            and node.value
        ):
            yield key, node.value, node.place


def _scalars(node: Mapping) -> Iterator[tuple[str, Place]]:
    for item in node.items.values():
        if isinstance(item, Scalar) and isinstance(item.value, str) and item.value:
            yield item.value, item.place


def _texts(root: Node) -> Iterator[str]:
    for key, node in _walk(root):
        if key in _URLS and isinstance(node, Scalar) and isinstance(node.value, str):
            yield node.value


def _header_values(root: Node) -> Iterator[str]:
    for key, node in _walk(root):
        if key == _HEADERS and isinstance(node, Mapping):
            yield from (value for value, _ in _scalars(node))


def _parts(url: str) -> Iterator[str]:
    """Find what is secret in an address: its password, and whatever is long enough to be a token."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    if not parts.scheme or not parts.netloc:
        return
    account, _, host = parts.netloc.rpartition("@")
    secrets = [account.partition(":")[2]]
    secrets += [host] if "." not in host and len(host) >= _TOKEN else []
    secrets += [piece for piece in parts.path.split("/") if len(piece) >= _TOKEN]
    secrets += [value for key, value in parse_qsl(parts.query) if key in {"pass", "password", "token", "key", "secret"}]
    for secret in secrets:
        yield secret
        yield unquote(secret)


def _lines(name: str) -> list[str]:
    """Read what a secret's file holds; one that cannot be read has been told of already."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return []
    try:
        text = os.read(descriptor, _MOST).decode(errors="replace")
    except OSError:
        return []
    finally:
        os.close(descriptor)
    return [line.strip() for line in text.splitlines()]
