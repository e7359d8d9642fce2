"""URLs and headers as the settings give them: refused at once where they could never be asked, secrets read late."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from opsagent.checks.wire.address import PORT_LIMIT, parse_host, refusal
from opsagent.checks.wire.stage import BlindError

_SECRET_LIMIT = 8192


def check_url(url: str, key: str, schemes: tuple[str, ...]) -> None:
    """Raise ValueError for what can never be asked, or must not; `key` is where the settings say it."""
    if not url.isprintable() or " " in url:
        raise ValueError(f"cannot use {key} {url!r}: it contains a space or a control character")
    parts = _parted(url, key)
    if parts.scheme not in schemes:
        raise ValueError(f"cannot use {key} {url!r}: it must begin with {' or '.join(f'{s}://' for s in schemes)}")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"cannot use {key} of {parts.hostname!r} with a user in it: send a header instead")
    if not parts.hostname:
        raise ValueError(f"cannot use {key} {url!r}: it names no host, allowed: http://host:port/path")
    address = parse_host(parts.hostname)
    if address is not None and (why := refusal(address, named=True)):
        raise ValueError(f"cannot use {key} {url!r}: {address} is refused, it is {why}")


def _parted(url: str, key: str) -> SplitResult:
    """Take a URL apart; the library's own refusals name neither the key nor what is allowed."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(
            f"cannot use {key}: {error}, allowed: http://host:port/path, port 1 to {PORT_LIMIT}"
        ) from error
    if port == 0:
        raise ValueError(f"cannot use {key} with port 0, allowed: 1 to {PORT_LIMIT}")
    return parts


def secret_headers(files: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Read the headers that are kept in files, anew for each look, so that a changed token is used; or BlindError."""
    found = []
    for name, file in files.items():
        try:
            with Path(file).open(encoding="latin-1") as opened:
                found.append((name, opened.readline(_SECRET_LIMIT).strip()))
        except OSError as error:
            raise BlindError(f"cannot read {file} for header {name}: {error.strerror}") from error
    return tuple(found)
