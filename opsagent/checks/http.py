"""Whether an HTTP endpoint answers as it should, and if not, at which stage it fails."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urljoin, urlsplit

from opsagent.checks.wire.address import PORT_LIMIT, parse_host, refusal
from opsagent.checks.wire.connection import Ask
from opsagent.checks.wire.exchange import Answer, ask, check_question, place
from opsagent.checks.wire.expect import Expect, unmet
from opsagent.checks.wire.stage import BlindError, StageError, Stages, spoken
from opsagent.checks.wire.x509 import validity
from opsagent.core.observation import Measure, Reading, Status

_MOST_REDIRECTS = 3
_SECRET_LIMIT = 8192


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
        _check_url(self.url, "url", ("http", "https"))
        if self.proxy:
            _check_url(self.proxy, "proxy", ("http",))
        if not 0 <= self.redirects <= _MOST_REDIRECTS:
            raise ValueError(f"cannot follow {self.redirects} redirects, allowed: 0 to {_MOST_REDIRECTS}")
        if self.method == "HEAD" and (self.expect.json or self.expect.text):
            raise ValueError("cannot expect json or text of an answer to HEAD: it has no body")
        check_question(self._question(()))

    def observe(self) -> Reading:
        """Ask, follow what may be followed, and compare."""
        stages = Stages(self.timeout)
        try:
            question = self._question(_secrets(self.headers_from))
            answer = ask(question, stages)
            for _ in range(self.redirects):
                following = _followed(question, answer)
                if following is None:
                    break
                question, answer = following, ask(following, stages)
        except StageError as error:
            return replace(error.reading, measures=stages.measures())
        return self._judged(question, answer, stages)

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


def _check_url(url: str, key: str, schemes: tuple[str, ...]) -> None:
    if not url.isprintable() or " " in url:
        raise ValueError(f"cannot use {key} {url!r}: it contains a space or a control character")
    parts = _parted(url, key)
    if parts.scheme not in schemes:
        raise ValueError(f"cannot use {key} {url!r}: it must begin with {' or '.join(f'{s}://' for s in schemes)}")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"cannot use {key} of {parts.hostname!r} with a user in it: send a header instead")
    if not parts.hostname:
        raise ValueError(f"cannot use {key} {url!r}: it names no host, allowed: http://host:port/path")
    address = parse_host(parts.hostname)
    if address is not None and (why := refusal(address, named=True)):
        raise ValueError(f"cannot use {key} {url!r}: {address} is refused, it is {why}")


def _parted(url: str, key: str) -> SplitResult:
    """Take a URL apart; the library's own refusals name neither the key nor what is allowed."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(
            f"cannot use {key}: {error}, allowed: http://host:port/path, port 1 to {PORT_LIMIT}"
        ) from error
    if port == 0:
        raise ValueError(f"cannot use {key} with port 0, allowed: 1 to {PORT_LIMIT}")
    return parts


def _followed(question: Ask, answer: Answer) -> Ask | None:
    """Return the question a redirect leads to, None if the answer is none; StageError if it must not be followed."""
    if answer.status not in {301, 302, 303, 307, 308} or not answer.location:
        return None
    here = place(question.url)
    try:
        url = urljoin(question.url, answer.location)
        _check_url(url, "redirect", ("https",) if question.url.startswith("https:") else ("http", "https"))
    except ValueError as error:
        raise StageError(f"{here} answered {answer.status} with a redirect: {error}", "redirect") from error
    if _origin(url) == _origin(question.url):
        return replace(question, url=url)
    same_host = urlsplit(url).hostname == urlsplit(question.url).hostname
    return replace(question, url=url, headers=(), named=question.named and same_host)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}[parts.scheme]


def _secrets(files: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Read the headers that are kept in files, anew for each look, so that a changed token is used."""
    found = []
    for name, file in files.items():
        try:
            with Path(file).open(encoding="latin-1") as opened:
                found.append((name, opened.readline(_SECRET_LIMIT).strip()))
        except OSError as error:
            raise BlindError(f"cannot read {file} for header {name}: {error.strerror}") from error
    return tuple(found)
