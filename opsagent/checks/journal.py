"""Errors in the journal or in a log file: more than usual, or lines that match an expression."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from opsagent.checks.logs import kept as keeping
from opsagent.checks.logs import source
from opsagent.checks.logs.expression import refusal
from opsagent.core import tally as tallying
from opsagent.core.observation import Measure, Reading, Status, unknown
from opsagent.core.policy import Confirm
from opsagent.core.quantity import spell, within
from opsagent.core.tally import Limit, Tally
from opsagent.core.text import visible
from opsagent.core.timing import spoken
from opsagent.host.journal import JournalError
from opsagent.host.systemd import utc_now

if TYPE_CHECKING:
    from opsagent.checks.logs.kept import Kept

_SHOWN = 80
_SHORTEST, _LONGEST = timedelta(seconds=5), timedelta(days=1)
_MANY, _ONE = 20, 1
_EVIDENCE = 20
_LINE = 500


def _one_look() -> Confirm:
    return Confirm(failures=1, retry=timedelta(seconds=30))


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Log lines that are too many: of the check's `unit`, of an identifier, of everybody, or of a file.

    Without `expression` errors are counted: bad is `count` of them `within` that time if it is also more than `times`
    what is usual at this hour. With one, bad is that so many lines matched. It is good again when the count has fallen
    to half, so one burst is one incident. What was logged while nobody looked is read, and never bad once it is old.

    unit: count only this unit's lines; with `file` it only says whose failure it is.
    scope: system, or user for the journal of the user the agent runs as.
    identifier: count only lines of this syslog identifier, such as sshd.
    file: a log file instead of the journal, or a pattern such as `/var/log/nginx/*error.log`; rotation is followed.
    priority: how bad a line must be; default err, and with an expression any.
    expression: RE2 syntax, searched in each line; `(?i)` at its beginning ignores case.
    count: how many are too many; default 20, and with an expression 1.
    times: an error rate must also be over so many times its usual; usual is known after three days.
    within: the time in which they are counted.
    confirm: one look is enough, for it counts over a time; while it is bad, look again every 30s.
    timeout: longest time that reading the journal may take.
    """

    unit: str = ""
    scope: str = "system"
    identifier: str = ""
    file: str = ""
    priority: Literal["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"] | None = None
    expression: str = ""
    count: int | None = None
    times: float = 5.0
    within: timedelta = timedelta(minutes=10)
    confirm: Confirm = field(default_factory=_one_look)
    timeout: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        """Refuse at once what could never be read or met (ValueError)."""
        if self.file and not self.file.startswith("/"):
            raise ValueError(f"cannot look at file {self.file!r}: write the full path")
        if self.file and self.identifier:
            raise ValueError("cannot use identifier with file: the lines of a file have none")
        if why := refusal(self.expression):
            raise ValueError(why)
        within("count", self.count, 1, 1000)
        within("times", self.times, 0, 1000)
        if not _SHORTEST <= self.within <= _LONGEST:
            raise ValueError(f"cannot use within {spell(self.within)}, allowed: 5s to 1d")

    def observe_since(self, kept: str) -> tuple[Reading, str]:
        """Read what came since the last look, and count."""
        now, before = utc_now(), keeping.read(kept, repr(self._asked()))
        try:
            heard = self._heard(before, now)
        except (JournalError, OSError) as error:
            why = str(error) if isinstance(error, JournalError) else _cannot_read(error, self.file)
            return unknown(why, "rights" if isinstance(error, PermissionError) else "unread"), kept
        tally = before.tally if before is not None else tallying.begun(heard.since or now)
        tally = tallying.counted(tally, heard.stamps, now, self.within)
        tally = tallying.judged(tally, self._limit(), now)
        after = keeping.Kept(question=repr(self._asked()), at=now, tally=tally, cursor=heard.cursor, files=heard.files)
        return self._judged(tally, now, heard.missed), keeping.written(after)

    def evidence(self) -> tuple[str, ...]:
        """Return the last lines that count, as they are: other people's words. Raises JournalError, OSError."""
        now = utc_now()
        blank = keeping.Kept(question="", at=now - self.within, tally=Tally(since=0))
        if self.file:
            return source.last_lines(self._asked(), _EVIDENCE)
        asked = replace(self._asked(), expression=self.expression or ".")
        heard = source.from_journal(asked, blank, now, self.timeout)
        return tuple(text[:_LINE] for text in heard.texts[-_EVIDENCE:])

    def _heard(self, before: Kept | None, now: datetime) -> source.Heard:
        if self.file:
            return source.from_files(self._asked(), before, now)
        return source.from_journal(self._asked(), before, now, self.timeout)

    def _asked(self) -> source.Question:
        return source.Question(
            unit="" if self.file else self.unit,
            scope=self.scope,
            identifier=self.identifier,
            file=self.file,
            priority=self.priority or ("" if self.expression else "err"),
            expression=self.expression,
            within=self.within,
        )

    def _limit(self) -> Limit:
        least = self.count or (_ONE if self.expression else _MANY)
        return Limit(within=self.within, least=least, times=None if self.expression else self.times)

    def _judged(self, tally: Tally, now: datetime, missed: tuple[str, ...]) -> Reading:
        count, most = tallying.current(tally, now, self.within), tallying.allowed(tally, self._limit(), now)
        usual = tallying.usual(tally, now) if not self.expression else None
        told = f"{count} {self._what(count)} of {self._whose()} in {spoken(self.within)}"
        told += f", {usual} are usual" if usual is not None else ""
        told += f", {most + 1} are too many" if count <= most else ""
        told += "".join(f"; {one}" for one in missed)
        return Reading(
            status=Status.CRITICAL if tally.high else Status.OK,
            message=told,
            failure_class=("match" if self.expression else "errors") if tally.high else None,
            measures=(Measure(name="lines", value=count, limit=most + 1),),
        )

    def _what(self, count: int) -> str:
        lines = "line" if count == 1 else "lines"
        if self.expression:
            return f"{lines} that match{'es' * (count == 1)} {visible(self.expression, _SHOWN)!r}"
        if self.priority in (None, "err"):
            return "error" if count == 1 else "errors"
        return f"{lines} of priority {self.priority} or worse"

    def _whose(self) -> str:
        return self.file or self.identifier or self.unit or "this host"


def _cannot_read(error: OSError, file: str) -> str:
    return f"cannot read {error.filename or file}: {(error.strerror or str(error)).lower()}"
