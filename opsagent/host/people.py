"""What the journal says of people who come in or act as somebody else, since the last reading."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core.sign_ins import SignIn, understood
from opsagent.host import journal
from opsagent.host.journal import JournalError

if TYPE_CHECKING:
    from typing import Any

__all__ = ["JournalError", "sign_ins"]

MOST = 20_000
"""Lines that are read at once: of a flood the newest."""
LONGEST_LINE = 1000
_DEADLINE = timedelta(seconds=5)
_A_DAY = timedelta(days=1)
# LOG_AUTH and LOG_AUTHPRIV of root's own programs: what a user writes under their names is not asked for. sudo is
# started by users and stands there by its program.
_CHOSEN = ("SYSLOG_FACILITY=4", "SYSLOG_FACILITY=10", "_UID=0", "+", "_EXE=/usr/bin/sudo")


def sign_ins(since: datetime | str, now: datetime) -> tuple[tuple[SignIn, ...], str]:
    """Return who came in, tried, or acted as another after `since`, oldest first, and the cursor to go on from.

    `since` is a time or the cursor of the reading before; without any line since then the cursor is "" or the old one.
    Raises JournalError.
    """
    cursor = since if isinstance(since, str) else ""
    begin = _begin(cursor, now) if isinstance(since, str) else since
    fields = "--output-fields=MESSAGE,SYSLOG_IDENTIFIER"
    bounds = ("--reverse", fields, f"--since=@{begin.timestamp():.6f}", f"--lines={MOST}")
    found: list[SignIn | None] = []
    newest = ""
    for entry in journal.answered((*bounds, *_CHOSEN), _DEADLINE):
        if entry["__CURSOR"] == cursor:
            break
        newest = newest or str(entry["__CURSOR"])
        found.append(_understood(entry))
    return tuple(one for one in reversed(found) if one is not None), newest or cursor


def _begin(cursor: str, now: datetime) -> datetime:
    """A cursor from the future means that the clock was set back: then what is new has an older stamp."""
    at = journal.moment_of(cursor)
    return at if at <= now else now - _A_DAY


def _understood(entry: dict[str, Any]) -> SignIn | None:
    at = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
    return understood(str(entry.get("SYSLOG_IDENTIFIER", "")), journal.text_of(entry)[:LONGEST_LINE], at)
