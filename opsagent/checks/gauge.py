"""A number from a program, from JSON or from a Prometheus endpoint, against limits: pools, queues, lag, anything."""

from __future__ import annotations

import time
import zoneinfo
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta

from opsagent.checks.wire.connection import Ask
from opsagent.checks.wire.exchange import check_question, place
from opsagent.checks.wire.exposition import selector
from opsagent.checks.wire.number import Combine, Said, of_endpoint, of_program, one_of
from opsagent.checks.wire.stage import BlindError, StageError, Stages
from opsagent.checks.wire.urls import check_url, secret_headers
from opsagent.core.gauge import Finding, Limits, Memory, finding, growing, paced, recalled, text_of, worse
from opsagent.core.growth import STEPS, Growth, grown, noted
from opsagent.core.observation import Measure, Reading, Status, lowest, unknown
from opsagent.core.peak import Peak
from opsagent.core.quantity import in_order, spell

_PERCENT = 100.0
_LIMITS = ("warning", "critical", "low_warning", "low_critical", "peak", "zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A number and its limits. It comes from exactly one of `command` and `url`; a `url` needs `json` or `metric`.

    A number that cannot be had, or is none, is unknown: whether the endpoint answers at all is a question for `http`.

    command: a program with its full path and its arguments; the number stands in what it prints.
    measure: with command, the name of the performance data that is meant (`… | name=12`).
    url: http or https; what it answers is read as `json` or `metric` says.
    json: dotted path in the JSON, such as `queues.0.depth`; `*` is every item of a list or object.
    metric: Prometheus' name of it, such as `pool_used{pool="main"}`; labels are compared with = or !=.
    combine: what several numbers become: first, last, sum, max, min or mean; one refuses them.
    of: what 100 % is, a number or a second path, metric or measure; then the limits are percent.
    per: judge by how much a counter rose in so long, since the look before.
    value_unit: what is counted, for messages: `jobs`, `s`, `%`.
    warning: number from which on it is a finding, or null for never.
    critical: number from which on it is critical, or null for never.
    low_warning: number down from which it is a finding, or null for never.
    low_critical: number down from which it is critical, or null for never.
    peak: hours in which other limits stand.
    growth: how much it may grow, step by step.
    zone: the time zone of `peak`; default: the settings' zone.
    headers: headers to send, by name.
    headers_from: headers whose value is the first line of a file, by name.
    ca_file: PEM file of the authorities to trust instead of the host's own.
    insecure: true does not verify the certificate at all.
    timeout: longest time for the whole look.
    """

    command: tuple[str, ...] = ()
    measure: str = ""
    url: str = ""
    json: str = ""
    metric: str = ""
    combine: Combine = "one"
    of: float | str | None = None
    per: timedelta | None = None
    value_unit: str = ""
    warning: float | None = None
    critical: float | None = None
    low_warning: float | None = None
    low_critical: float | None = None
    peak: Peak | None = None
    growth: Growth | None = None
    zone: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    headers_from: dict[str, str] = field(default_factory=dict)
    ca_file: str = ""
    insecure: bool = False
    timeout: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        """Refuse at once what could never be asked or judged (ValueError)."""
        self._check_source()
        self._check_limits()
        if self.of == 0:
            raise ValueError("cannot use of 0: nothing is a part of it")
        if self.per is not None and (not self.per or self.of is not None):
            raise ValueError("cannot use per 0s, or per together with of")
        if self.zone:
            _check_zone(self.zone)

    def _check_source(self) -> None:
        if bool(self.command) == bool(self.url):
            raise ValueError("cannot take a number from other than exactly one of: command, url")
        if self.command and (self.json or self.metric):
            raise ValueError("cannot use json or metric with command, they belong to url")
        if self.command and not self.command[0].startswith("/"):
            raise ValueError("cannot run a command without the full path of its program")
        if not self.url:
            return
        if bool(self.json) == bool(self.metric) or self.measure:
            raise ValueError("cannot read what url answers by other than exactly one of: json, metric")
        check_url(self.url, "url", ("http", "https"))
        check_question(self._question(()))
        for text in (self.metric, self.of if self.metric and isinstance(self.of, str) else ""):
            if text:
                selector(text)

    def _check_limits(self) -> None:
        limits = (self.warning, self.critical, self.low_warning, self.low_critical, self.peak, self.growth)
        if all(limit is None for limit in limits):
            raise ValueError(
                "cannot judge a number without: warning, critical, low_warning, low_critical, peak, growth"
            )
        in_order(("low_critical", self.low_critical), ("low_warning", self.low_warning))
        in_order(("low_warning", self.low_warning), ("warning", self.warning))
        in_order(("warning", self.warning), ("critical", self.critical))

    def unfit_for(self, every: timedelta) -> str:
        """Say why looks so far apart could never tell growth, or ""."""
        if self.growth is None or self.growth.over >= STEPS * every:
            return ""
        least = f"over from {spell(STEPS * every)}"
        return f"cannot tell growth over {spell(self.growth.over)} by looks {spell(every)} apart, allowed: {least}"

    def observe_since(self, kept: str) -> tuple[Reading, str]:
        """Get the number, and compare it with its limits and with the looks before."""
        try:
            value = self._value()
        except StageError as error:
            return error.reading, kept
        if self.per is None and self.growth is None:
            return self._judged(value, Memory(), time.time()), ""
        now, memory = time.time(), recalled(kept)
        if self.per is not None:
            memory = paced(memory, now, value, self.per)
            if memory.pace is None:
                first = f"{self._subject()} stands at {value:.6g}; how fast it rises is known from the next look on"
                return unknown(first, "first"), text_of(memory)
            value = memory.pace
        if self.growth is not None:
            memory = replace(memory, series=noted(memory.series, now, value, self.growth.over))
        return self._judged(value, memory, now), text_of(memory)

    def _value(self) -> float:
        if self.command:
            said = of_program(self.command, self.timeout, plugin=bool(self.measure))
        else:
            said = of_endpoint(self._question(secret_headers(self.headers_from)), Stages(self.timeout))
        value = self._looked_up(said, self.json or self.metric or self.measure)
        if self.of is None:
            return value
        whole = self._looked_up(said, self.of) if isinstance(self.of, str) else float(self.of)
        if not whole:
            raise BlindError(f"{self.of} of {said.where} is 0: nothing is a part of it", "missing")
        return _PERCENT * value / whole

    def _looked_up(self, said: Said, name: str) -> float:
        read = said.in_json if self.json else said.in_metrics if self.metric else said.in_output
        return one_of(read(name), self.combine, f"{name or 'the number'} of {said.where}")

    def _question(self, secrets: tuple[tuple[str, str], ...]) -> Ask:
        headers = (*self.headers.items(), *secrets)
        return Ask(method="GET", url=self.url, headers=headers, ca_file=self.ca_file, insecure=self.insecure)

    def _judged(self, value: float, memory: Memory, now: float) -> Reading:
        limits = self._limits(now)
        found = finding(value, limits)
        limit = lowest(limits.warning, limits.critical)
        measures = [
            Measure(name="value", value=value, unit="%" if self.of is not None else self.value_unit, limit=limit)
        ]
        growth = grown(memory.series, now, self.growth.over) if self.growth is not None else None
        if growth is not None and self.growth is not None:
            measures.append(Measure(name="growth", value=growth))
            found = worse(found, growing(value, growth, self.growth))
        told = f"{self._subject()} is {self._said(value)}" + (self._because(found, growth, limits.why) if found else "")
        return Reading(
            status=found.status if found else Status.OK,
            message=told,
            failure_class=found.failure_class if found else None,
            measures=tuple(measures),
        )

    def graded(self, value: float, at: float) -> Reading:
        """Judge a number by itself: how it grew is judged where it is looked at."""
        return self._judged(value, Memory(), at)

    def question(self) -> object:
        """Return what is asked, without the limits."""
        return [getattr(self, one.name) for one in fields(self) if one.name not in _LIMITS]

    def _limits(self, now: float) -> Limits:
        limits = Limits(
            warning=self.warning,
            critical=self.critical,
            low_warning=self.low_warning,
            low_critical=self.low_critical,
        )
        peak = self.peak
        if peak is None or not peak.includes(datetime.fromtimestamp(now, UTC), self.zone or "UTC"):
            return limits
        own = {
            key: limit for key, limit in (("warning", peak.warning), ("critical", peak.critical)) if limit is not None
        }
        return replace(limits, **own, why=f" from {peak.begins} to {peak.ends}")

    def _subject(self) -> str:
        name = self.json or self.metric or self.measure or "the number"
        return f"{name} of {place(self.url) if self.url else self.command[0]}"

    def _said(self, value: float) -> str:
        if self.of is not None:
            return f"{value:.1f} %"
        return f"{value:.6g} {self.value_unit}".rstrip() + (f" per {spell(self.per)}" if self.per is not None else "")

    def _because(self, found: Finding, growth: float | None, why: str) -> str:
        if found.failure_class == "growth" and self.growth is not None:
            over = spell(self.growth.over)
            return f" and rose steadily by {growth:.6g} within {over}, the limit is {found.limit:.6g}"
        return f", the limit is {self._said(found.limit)}{why}"


def _check_zone(zone: str) -> None:
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"cannot find zone {zone!r}, allowed: a name such as UTC or Europe/Berlin") from None
