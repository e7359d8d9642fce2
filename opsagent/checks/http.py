"""Whether an HTTP endpoint answers as it should, and if not, at which stage it fails."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal
from urllib.parse import urljoin, urlsplit

from opsagent.checks.wire.connection import Ask
from opsagent.checks.wire.exchange import Answer, ask, check_question, place
from opsagent.checks.wire.expect import Expect, late, unmet
from opsagent.checks.wire.stage import StageError, Stages, spoken
from opsagent.checks.wire.urls import check_url, secret_headers
from opsagent.checks.wire.x509 import validity
from opsagent.core.observation import Measure, Reading, Status

_MOST_REDIRECTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One HTTP request, answered within the time-out from looking up the name to the last byte.

    url: http or https; a name or an address in its usual spelling; no user or password in it.
    method: GET, or HEAD for no body.
    expect: what a healthy answer looks like (below).
    headers: headers to send, by name. They are dropped when a redirect leaves the host.
    headers_from: headers whose value is the first line of a file, by name: keeps tokens out of the settings.
    redirects: how many redirects to follow, 0 to 3; only to the same scheme or from http to https.
    proxy: the proxy to ask through (`http://host:port`); proxies of the environment are ignored.
    ca_file: PEM file of the authorities to trust instead of the host's own.
    insecure: true does not verify the certificate at all; every message then says so.
    timeout: longest time for the whole look; 3 s is an age for a health endpoint.
    """

    url: str
    method: Literal["GET", "HEAD"] = "GET"
    expect: Expect = field(default_factory=Expect)
    headers: dict[str, str] = field(default_factory=dict)
    headers_from: dict[str, str] = field(default_factory=dict)
    redirects: int = 0
    proxy: str = ""
    ca_file: str = ""
    insecure: bool = False
    timeout: timedelta = timedelta(seconds=3)

    def __post_init__(self) -> None:
        """Refuse at once what could never be asked (ValueError)."""
        check_url(self.url, "url", ("http", "https"))
        if self.proxy:
            check_url(self.proxy, "proxy", ("http",))
        if not 0 <= self.redirects <= _MOST_REDIRECTS:
            raise ValueError(f"cannot follow {self.redirects} redirects, allowed: 0 to {_MOST_REDIRECTS}")
        if self.method == "HEAD" and (self.expect.json or self.expect.text):
            raise ValueError("cannot expect json or text of an answer to HEAD: it has no body")
        check_question(self._question(()))

    def observe(self) -> Reading:
        """Ask, follow what may be followed, and compare."""
        stages = Stages(self.timeout)
        try:
            question = self._question(secret_headers(self.headers_from))
            answer = ask(question, stages)
            for _ in range(self.redirects):
                following = _followed(question, answer)
                if following is None:
                    break
                question, answer = following, ask(following, stages)
        except StageError as error:
            return replace(error.reading, measures=stages.measures())
        return self._judged(question, answer, stages)

    def graded(self, value: float, at: float) -> Reading:
        """Judge how long a good answer took (seconds)."""
        del at
        missed = late(self.expect, value)
        told = f"{place(self.url)} answered in {spoken(value)}{missed}"
        status, failure = (Status.CRITICAL, "latency") if missed else (Status.OK, None)
        measures = (Measure(name="time", value=value, unit="s"),)
        return Reading(status=status, message=told, failure_class=failure, measures=measures)

    def question(self) -> Check:
        """Return this check without its limit of time."""
        return replace(self, expect=replace(self.expect, max_latency=None))

    def _question(self, secrets: tuple[tuple[str, str], ...]) -> Ask:
        headers = (*self.headers.items(), *secrets)
        return Ask(
            method=self.method,
            url=self.url,
            headers=headers,
            proxy=self.proxy,
            ca_file=self.ca_file,
            insecure=self.insecure,
        )

    def _judged(self, question: Ask, answer: Answer, stages: Stages) -> Reading:
        seconds, measures, where = stages.seconds(), stages.measures(), place(question.url)
        if missed := unmet(self.expect, answer, where, seconds):
            return replace(missed, measures=measures)
        told = f"{where} answered {answer.status} in {spoken(seconds)}"
        if self.insecure:
            told += " (certificate not verified)"
        if answer.certificate is None or self.expect.tls_days is None:
            return Reading(status=Status.OK, message=told, measures=measures)
        days = validity(answer.certificate).days_left()
        measures = (*measures, Measure(name="tls_days", value=days))
        if days >= self.expect.tls_days:
            return Reading(status=Status.OK, message=told, measures=measures)
        told += f", but its certificate ends in {days:.0f} days"
        return Reading(status=Status.WARNING, message=told, failure_class="expiring", measures=measures)


def _followed(question: Ask, answer: Answer) -> Ask | None:
    """Return the question a redirect leads to, None if the answer is none; StageError if it must not be followed."""
    if answer.status not in {301, 302, 303, 307, 308} or not answer.location:
        return None
    here = place(question.url)
    try:
        url = urljoin(question.url, answer.location)
        check_url(url, "redirect", ("https",) if question.url.startswith("https:") else ("http", "https"))
    except ValueError as error:
        raise StageError(f"{here} answered {answer.status} with a redirect: {error}", "redirect") from error
    if _origin(url) == _origin(question.url):
        return replace(question, url=url)
    same_host = urlsplit(url).hostname == urlsplit(question.url).hostname
    return replace(question, url=url, headers=(), named=question.named and same_host)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}[parts.scheme]
