"""Run as a program of its own: reads an order from stdin, sends it by apprise, prints one JSON line per target.

Each target is sent in a process of its own: one that hangs holds up no other, and what apprise says about a
failure (it says it only to its log) belongs to that target for certain.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any


class LastWords(logging.Handler):
    """Keeps what apprise complained about."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one complaint."""
        self.said.append(record.getMessage())


def main() -> int:
    """Send the order on stdin; 0 when every target has been answered for."""
    order = json.load(sys.stdin)
    if order["ca_file"]:
        # requests reads the one, the ssl module the other.
        os.environ["REQUESTS_CA_BUNDLE"] = os.environ["SSL_CERT_FILE"] = order["ca_file"]
    import apprise  # noqa: F401, PLC0415 - once, before the processes part

    for target, url in order["targets"].items():
        if os.fork() == 0:
            answer = json.dumps({"target": target, **attempt(url, order)}) + "\n"
            # One write of less than a page: lines of several processes never mix.
            os.write(sys.stdout.fileno(), answer.encode("ascii"))
            os._exit(0)
    for _ in order["targets"]:
        os.wait()
    return 0


def attempt(url: str, order: dict[str, Any]) -> dict[str, Any]:
    """Send to one target; say whether it has it and, if not, why and whether trying again makes sense."""
    words = LastWords()
    logging.getLogger("apprise").addHandler(words)
    try:
        sent = send(url, order)
    except Exception as error:  # noqa: BLE001 - whatever a service's plugin does, the answer must be given
        return {"ok": False, "final": False, "said": f"{type(error).__name__}: {error}"[:1000]}
    said = (words.said or ["apprise says no more"])[-1][:1000]
    return {
        "ok": sent is True,
        "final": sent is None,
        "said": "apprise knows no such service" if sent is None else said,
    }


def send(url: str, order: dict[str, Any]) -> bool | None:
    """Return whether the service took it; None when the address cannot be understood."""
    import apprise  # noqa: PLC0415 - this file is read before it is known that apprise will be needed

    asset = apprise.AppriseAsset()
    # A redirect would carry the message to a host that nobody named; `?redirect=yes` in the address allows it.
    asset.http_redirects = False
    plugin = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if plugin is None:
        return None
    # It spaces messages 5.5 s apart by default; ours are few, and a page is in a hurry.
    plugin.request_rate_per_sec = 0
    headers = getattr(plugin, "headers", None)
    if isinstance(headers, dict):
        headers["Idempotency-Key"] = order["key"]
    sender = apprise.Apprise(asset=asset)
    sender.add(plugin)
    kind = apprise.NotifyType(order["type"])
    text = apprise.NotifyFormat.TEXT
    return bool(sender.notify(title=order["title"], body=order["body"], notify_type=kind, body_format=text))


if __name__ == "__main__":
    sys.exit(main())
