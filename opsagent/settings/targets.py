"""What the checks of some settings look at: units, ports, pages. By the names of their YAML keys, whatever the kind."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opsagent.core.environment import Target

if TYPE_CHECKING:
    from opsagent.settings.model import Settings, Watched

_PORTS = {"http": 80, "https": 443}


def targets(settings: Settings) -> tuple[Target, ...]:
    """Return one target for each check, in their order, and one for each listener that is to be ignored."""
    ignored = (Target(check="", name=name) for name in settings.policy.listeners.ignore)
    return (*map(_target, settings.watched), *ignored)


def _target(watched: Watched) -> Target:
    host, port, protocol = _endpoint(watched)
    url = getattr(watched.check, "url", "")
    return Target(
        check=watched.policy.name,
        unit=watched.policy.unit,
        protocol=protocol,
        host=host,
        port=port,
        url=_without_query(url) if isinstance(url, str) else "",
    )


def _endpoint(watched: Watched) -> tuple[str, int | None, str]:
    """Return host, port and protocol; no port where the check asks nobody in particular."""
    check = watched.check
    if isinstance(url := getattr(check, "url", None), str) and url:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port or _PORTS.get(parts.scheme), "tcp"
    port = getattr(check, "port", None)
    if watched.policy.kind == "listen":
        return str(getattr(check, "address", "")), port, str(getattr(check, "protocol", "tcp"))
    server = getattr(check, "server", "")
    host = str(getattr(check, "host", "") or server)
    return host, port if host else None, "udp" if server else "tcp"


def _without_query(url: str) -> str:
    """A query may hold a token, and the path says enough."""
    return urlsplit(url)._replace(query="", fragment="").geturl()
