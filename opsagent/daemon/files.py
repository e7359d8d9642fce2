"""Small files beside the log that others read when the daemon does not answer: how it stood, and what to look at."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any

from opsagent.store import draft

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from opsagent.settings import Settings


def write(path: Path, content: Mapping[str, Any]) -> bool:
    """Replace a file whole; False when the disk does not let us, for this is never worth stopping for."""
    beside = path.with_name(f".{path.name}.new")
    try:
        with os.fdopen(draft.opened(beside), "w", encoding="utf-8") as file:
            json.dump(content, file)  # in ASCII: a name that is no UTF-8 can be written only so
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        return False
    return True


def watch_list(settings: Settings) -> dict[str, Any]:
    """Return what the health check looks at when the daemon is silent, and whom it tells."""
    checks = [one.check for one in settings.watched]
    return {
        "v": 1,
        "host": settings.host,
        "heartbeat_seconds": settings.policy.heartbeat.total_seconds(),
        "fast_loop_seconds": settings.policy.fast_loop.total_seconds(),
        "units": sorted({one.unit for one in settings.policy.checks if one.unit}),
        "ports": sorted({port for check in checks if isinstance(port := getattr(check, "port", None), int)}),
        "urls": [url for check in checks if isinstance(url := getattr(check, "url", None), str)],
        "paths": [path for check in checks if (path := _path(check))],
        "tell": _tell(settings),
    }


def _path(check: object) -> str:
    path = getattr(check, "path", None)
    return str(path) if path and type(check).__module__.endswith(".disk") else ""


def _tell(settings: Settings) -> dict[str, Any]:
    """Return the way to people that needs no library: the first webhook."""
    hook = next((one.notifier for one in settings.channels if one.policy.kind == "webhook"), None)
    return {"webhook": getattr(hook, "url", None), "secret_file": getattr(hook, "secret_file", ""), "smtp": None}
