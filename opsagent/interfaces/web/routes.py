"""What may be asked over HTTP: pings as healthchecks.io has them, reports, an Alertmanager's alerts, our figures."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from opsagent.core.asking import MOST_FINDINGS, Question, RequestError, read
from opsagent.core.commands import Answer, Command, Ping
from opsagent.core.metrics.text import CONTENT_TYPE, text
from opsagent.core.text import readable, visible
from opsagent.interfaces.web.alerts import alerts
from opsagent.interfaces.web.message import Reply, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opsagent.core.metrics import Family
    from opsagent.core.policy import CheckPolicy

MOST_LINES = 20
LONGEST_LINE = 2000
HIGHEST_STATUS = 255
_PING_METHODS = ("GET", "HEAD", "POST")
_NOT_FOUND = Reply(status=HTTPStatus.NOT_FOUND, body="not found")


class Daemon(Protocol):
    """What is needed of the daemon (`daemon.answers.Answers`)."""

    def __call__(self, request: Command | Question) -> Any:
        """Carry out a command, or answer a question; TimeoutError when that takes too long."""

    def jobs(self) -> Sequence[CheckPolicy]:
        """Return the checks that are jobs."""

    def figures(self) -> Sequence[Family]:
        """Return what is measured of ourselves."""


@dataclass(frozen=True, slots=True)
class Routes:
    """Answers requests for a daemon. Whoever shows `token` may do all that is possible here."""

    daemon: Daemon
    token: str

    def __call__(self, request: Request) -> Reply:
        """Return the answer to one request."""
        try:
            handler = self._table().get((request.method, "/".join(request.path)))
            if handler is None:
                found = self._job(request.path[1:] if request.path[:1] == ("ping",) else request.path)
                return self._ping(request, *found) if found is not None else self._nowhere(request)
            if not _same(request.bearer, self.token):
                return Reply(status=HTTPStatus.UNAUTHORIZED, body="cannot do this without the right bearer token")
            return handler(request)
        except TimeoutError:
            return Reply(status=HTTPStatus.SERVICE_UNAVAILABLE, body="the daemon is busy, it may still carry this out")

    def _table(self) -> dict[tuple[str, str], Callable[[Request], Reply]]:
        """Return what is served to whoever shows the token, by method and path."""
        return {
            ("POST", "api/raise"): self._raise,
            ("POST", "api/alertmanager"): self._alerts,
            ("GET", "metrics"): self._metrics,
        }

    def _nowhere(self, request: Request) -> Reply:
        known = any(path == "/".join(request.path) for _, path in self._table())
        return Reply(status=HTTPStatus.METHOD_NOT_ALLOWED, body="method not allowed") if known else _NOT_FOUND

    def _ping(self, request: Request, job: str, rest: tuple[str, ...]) -> Reply:
        """Answer `/UUID[/…]` of one job, and `/TOKEN/JOB[/…]` of any; `…` is start, fail or a status.

        `/ping` may stand before it: hc-ping.com has no such word, a Healthchecks of one's own has.
        """
        if request.method not in _PING_METHODS:
            return Reply(status=HTTPStatus.METHOD_NOT_ALLOWED, body="method not allowed")
        if rest == ("log",):
            return Reply()  # their word for what says nothing of how it stands
        told = _told(rest)
        if told is None:
            return Reply(status=HTTPStatus.BAD_REQUEST, body="invalid url format")
        state, code = told
        ping = Ping(
            by="http",
            job=job,
            state=state,
            lines=_lines(request.body),
            exit_code=code,
            run=visible(request.query.get("rid", ""), 64),
        )
        answer = self.daemon(ping)
        if isinstance(answer, Answer) and answer.accepted:
            return Reply()
        return Reply(status=HTTPStatus.TOO_MANY_REQUESTS, body=_text(answer))

    def _job(self, path: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
        """Return the job's name and what comes behind it. Every key is compared, so that time tells nothing."""
        key, *rest = path or ("",)
        jobs = self.daemon.jobs()
        own = [check.name for check in jobs if check.job and check.job.uuid and _same(key, check.job.uuid)]
        if _same(key, self.token):
            named = [check.name for check in jobs if rest and check.name == rest[0]]
            return (named[0], tuple(rest[1:])) if named else None
        return (own[0], tuple(rest)) if own else None

    def _raise(self, request: Request) -> Reply:
        try:
            asked = read({**_object(request.body), "kind": "raise"}, by="http")
        except RequestError as error:
            return Reply(status=HTTPStatus.BAD_REQUEST, body=str(error))
        return _shown(self.daemon(asked))

    def _metrics(self, _: Request) -> Reply:
        return Reply(body=text(self.daemon.figures()), kind=CONTENT_TYPE)

    def _alerts(self, request: Request) -> Reply:
        """Take a webhook of an Alertmanager. It comes again with what was not taken: nothing is taken twice."""
        try:
            found, wrong = alerts(_object(request.body))
        except RequestError as error:
            return Reply(status=HTTPStatus.BAD_REQUEST, body=str(error))
        answers = [self.daemon(one) for one in found]
        refused = [answer for answer in answers if not (isinstance(answer, Answer) and answer.accepted)]
        if refused:
            return Reply(status=HTTPStatus.SERVICE_UNAVAILABLE, body=_text(refused[0]))
        if wrong:
            return Reply(status=HTTPStatus.BAD_REQUEST, body=wrong)
        return Reply(body="\n".join(_text(answer) for answer in answers) or "no alerts")


def _same(given: str, known: str) -> bool:
    return bool(known) and hmac.compare_digest(given.encode(errors="replace"), known.encode(errors="replace"))


def _told(rest: tuple[str, ...]) -> tuple[str, int | None] | None:
    """Return the state and the exit status that the end of a ping URL says; None for what is none."""
    if not rest:
        return "ok", None
    word = rest[0]
    if len(rest) > 1:
        return None
    if word in {"start", "fail"}:
        return word, None
    if not (
        word.isascii() and word.isdigit() and len(word) <= len(str(HIGHEST_STATUS)) and int(word) <= HIGHEST_STATUS
    ):
        return None
    return ("fail", int(word)) if int(word) else ("ok", None)


def _lines(body: bytes) -> tuple[str, ...]:
    lines = [visible(line, LONGEST_LINE) for line in readable(body)]
    return tuple(lines[-min(MOST_LINES, MOST_FINDINGS) :])


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise RequestError(f"cannot read this as JSON: {type(error).__name__}, allowed: one object") from None
    if not isinstance(found, dict):
        raise RequestError("cannot read this, allowed: a JSON object")
    return found


def _text(answer: object) -> str:
    return answer.text if isinstance(answer, Answer) else "cannot do this"


def _shown(answer: object) -> Reply:
    accepted = isinstance(answer, Answer) and answer.accepted
    body = json.dumps({"accepted": accepted, "text": _text(answer)})
    status = HTTPStatus.OK if accepted else HTTPStatus.UNPROCESSABLE_ENTITY
    return Reply(status=status, body=body, kind="application/json")
