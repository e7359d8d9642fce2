"""What an operator (or an agent on an operator's behalf) asks of the daemon. They become events, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from opsagent.core.quantity import Bytes

NOTHING = Bytes(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The mark of a command: who asked (a user's name, from the socket's credentials), and since when it waits.

    `uuid` is set when it comes from the spool, so that it is carried out once.
    """

    by: str
    uuid: str = ""
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge(Command):
    """`ack ID [--for 5h] [--keep-repairing] [--note …]`: a lease; hands off unless `keep_repairing`."""

    incident: str
    lasts: timedelta | None = None
    keep_repairing: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve(Command):
    """`resolve ID [--because "…"] [--force]`: refused while the check fails, unless forced, which needs a reason."""

    incident: str
    because: str = ""
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Command):
    """`pause TARGET --for 2h [--pages|--repairs] --because "…"`: a check, a unit, an incident's id, or `all`.

    Neither flag means both. Pausing the pages of an incident's id snoozes it.
    """

    target: str
    lasts: timedelta
    because: str
    pages: bool = True
    repairs: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Command):
    """`pause TARGET --end`: lift a pause before its time."""

    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairNow(Command):
    """`repair CHECK [--with REMEDY]`: the first allowed remedy now; every guard but the budget's wait still speaks."""

    check: str
    remedy: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve(Command):
    """`approve ID [REMEDY]`: lets the suggested repair go out; every guard but the wait is asked once more."""

    incident: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust(Command):
    """`trust CHECK REMEDY [--revoke]`: lets a remedy go out without a question, where `suggest` asks one."""

    check: str
    remedy: str
    because: str = ""
    revoke: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Command):
    """`note ID "text"`: a person's words, kept with the incident."""

    incident: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise(Command):
    """`raise "text" [--service S] [--sev SEV2] [--paying] [--data] [--security]`: trouble that no check has seen.

    `service` is a check, a unit or any word; `sev` "" means: by what it is about and the flags.
    """

    text: str
    service: str = ""
    sev: str = ""
    paying: bool = False
    data: bool = False
    security: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportChange(Command):
    """`change "text" [--unit U] [--kind deploy|…]`: what somebody is about to change, or just did."""

    text: str
    unit: str = ""
    change: str = "deploy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping(Command):
    """`ping JOB start|ok|fail`: what a job tells of its own runs.

    `lines` are its last words; `lasted` and `exit_code` are known to whoever ran it; `run` tells runs apart.
    """

    job: str
    state: str
    lines: tuple[str, ...] = ()
    lasted: timedelta | None = None
    exit_code: int | None = None
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Command):
    """What another monitor says of one alert: that it fires, or is `over`.

    `fingerprint` tells alerts apart, `name` is shown; `severity` is its word for it, `begun` an ISO 8601 time.
    """

    fingerprint: str
    name: str
    text: str
    severity: str = ""
    begun: str = ""
    over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TestNotifier(Command):
    """`notify test [NAME]`: one message to one notifier, or to all."""

    __test__ = False

    notifier: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewNow(Command):
    """`review --now`: read the logs since the last review, whatever the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Command):
    """What the health check found while the daemon was down (from the spool)."""

    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBackup(Command):
    """What became of a backup, of a drill (`what` is run, drill or restore), told by the program that did it as root.

    `text` is the proof, or why it is not `good`; `size` and `added` are bytes.
    """

    job: str
    what: str
    good: bool
    text: str = ""
    snapshot: str = ""
    size: Bytes = NOTHING
    files: Bytes = NOTHING
    added: Bytes = NOTHING
    sha256: str = ""
    to: str = ""
    lasted: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a command: accepted or refused, and one sentence that says what happens now."""

    accepted: bool
    text: str
