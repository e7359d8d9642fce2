"""The one question that a playbook may ask over HTTP: a health page of this host itself, read and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opsagent.core.playbook.look import NotAllowedError, Question
from opsagent.core.playbook.words import NUMBER, split

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEALTH = frozenset(
    {"health", "healthz", "healthcheck", "healthy", "live", "livez", "ready", "readyz", "ping", "status", "up"}
)
_PATH = re.compile(r"(?:/[A-Za-z0-9_-]+){1,4}", re.ASCII)
_NO_HTTP = {
    **dict.fromkeys((3306, 33060), "MySQL"),
    **dict.fromkeys((5432, 6432), "PostgreSQL"),
    **dict.fromkeys((6379, 26379), "Redis"),
    **dict.fromkeys((5671, 5672), "RabbitMQ"),
    27017: "MongoDB",
    11211: "memcached",
    9092: "Kafka",
    2181: "ZooKeeper",
    1433: "SQL Server",
    1521: "Oracle",
    9042: "Cassandra",
    1883: "MQTT",
    4222: "NATS",
}
"""To Redis a GET looks like an attack, and MySQL shuts out who says it too often."""
_PORTS, _RESERVED = {"http": 80, "https": 443}, 1024
_URL = re.compile(
    r"(?P<scheme>https?)://(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::(?P<port>[0-9]{1,5}))?(?P<path>/[^?#@]*)?",
    re.ASCII,
)
_SILENT = re.compile(r"-[sSfivkL]+", re.ASCII)
_LONG = ("--silent", "--show-error", "--fail", "--include", "--verbose", "--insecure", "--location")
_GET = re.compile("GET")
_NOWHERE = re.compile("/dev/null")


def question(words: Sequence[str], urls: frozenset[str]) -> Question:
    """Return what `curl` with these words asks: a URL of the settings' own checks, a health page, or `/`.

    Of `/` only the status is told. Any other page may do something, or hold what is not for the memory.
    Raises `NotAllowedError`.
    """
    alone = {*_LONG, *filter(_SILENT.fullmatch, words)}
    valued = {"-m": NUMBER, "--max-time": NUMBER, "-X": _GET, "--request": _GET, "-o": _NOWHERE}
    _, left = split(words, alone, valued)
    if len(left) != 1:
        raise NotAllowedError("curl is only run for one URL")
    url = left[0] if "://" in left[0] else f"http://{left[0]}"
    found = _URL.fullmatch(url)
    if found is None:
        raise NotAllowedError("only this host itself is asked, as in http://localhost:8080/health, and without a query")
    port, path = int(found["port"] or _PORTS[found["scheme"]]), found["path"] or "/"
    if url in urls:
        return Question(url=url)
    if port in _NO_HTTP or (port < _RESERVED and port not in _PORTS.values()):
        raise NotAllowedError(f"a GET to port {port} ({_NO_HTTP.get(port, 'reserved')}) does harm or says nothing")
    if path == "/":
        return Question(url=url, body=False)
    if not _PATH.fullmatch(path) or path.rpartition("/")[2].lower() not in _HEALTH:
        raise NotAllowedError("only health pages are asked, and what a check of the settings asks")
    return Question(url=url)
