"""One GET to this host itself, for a playbook: what it answers, in lines. Nothing is followed, nobody is trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opsagent.checks.wire.connection import Ask
from opsagent.checks.wire.exchange import Answer, ask
from opsagent.checks.wire.stage import StageError, Stages, spoken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from opsagent.core.playbook.look import Question

_KEEP = 16 * 1024


def asked(question: Question, within: timedelta) -> tuple[str, ...]:
    """Return the status and, where it is wanted and text, the lines of the body; or why there is no answer."""
    said: tuple[str, ...] = ()
    for ask_of in _ways(question.url):
        stages = Stages(within)
        try:
            answer = ask(ask_of, stages, keep=_KEEP)
        except StageError as error:
            said = said or (str(error),)
        else:
            return _told(answer, question, stages.seconds())
    return said


def _ways(url: str) -> Iterator[Ask]:
    """By address: what a resolver would say of `localhost` must not lead anywhere else."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    hosts = ("127.0.0.1", "[::1]") if parts.hostname == "localhost" else (parts.netloc.removesuffix(port),)
    for host in hosts:
        headers = (("Host", parts.netloc),)
        yield Ask(method="GET", url=f"{parts.scheme}://{host}{port}{parts.path}", headers=headers, insecure=True)


def _told(answer: Answer, question: Question, seconds: float) -> tuple[str, ...]:
    first = f"{answer.status} in {spoken(seconds)}"
    if not question.body or answer.encoding or b"\0" in answer.body:
        return (first,)
    return (first, *answer.body.decode("utf-8", "replace").splitlines())
