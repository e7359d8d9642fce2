"""What an Alertmanager's webhook says, as commands: one for each alert, bounded, and nothing of it believed."""

from __future__ import annotations

from typing import Any

from opsagent.core.asking import RequestError
from opsagent.core.commands import Alert
from opsagent.core.text import visible

LONGEST = 500
LONGEST_NAME = 63
_SAYS = ("summary", "description", "message", "title")
_WHERE = ("instance", "job", "namespace", "pod", "service")


def alerts(payload: dict[str, Any]) -> tuple[list[Alert], str]:
    """Read a payload (version 4): the alerts, and what is wrong with those that are none. RequestError for no payload.

    An Alertmanager does not send again what was refused: one that cannot be read must not keep the others out.
    """
    listed = payload.get("alerts")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise RequestError("cannot read this, allowed: an Alertmanager's webhook, with a list of alerts")
    found, wrong = list[Alert](), ""
    for one in listed:
        try:
            found.append(_alert(one))
        except RequestError as error:
            wrong = str(error)
    return found, wrong


def _alert(one: dict[str, Any]) -> Alert:
    labels, notes = _texts(one.get("labels")), _texts(one.get("annotations"))
    fingerprint, status = one.get("fingerprint"), one.get("status")
    if not isinstance(fingerprint, str) or not fingerprint.isalnum() or status not in ("firing", "resolved"):
        raise RequestError("cannot read an alert, needed: a fingerprint, and the status firing or resolved")
    name = labels.get("alertname") or "alert"
    said = next((notes[key] for key in _SAYS if notes.get(key)), f"{name} is firing")
    where = ", ".join(f"{key} {labels[key]}" for key in _WHERE if labels.get(key))
    begun = one.get("startsAt")
    return Alert(
        by="alertmanager",
        fingerprint=visible(fingerprint, LONGEST_NAME),
        name=visible(name, LONGEST_NAME),
        text=visible(f"{said} ({where})" if where else said, LONGEST),
        severity=visible(labels.get("severity", ""), LONGEST_NAME),
        begun=begun if isinstance(begun, str) and len(begun) <= LONGEST_NAME else "",
        over=status == "resolved",
    )


def _texts(found: object) -> dict[str, str]:
    return (
        {str(key): value for key, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}
    )
