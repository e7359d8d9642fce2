"""Settings written from what is on this host: a comment per finding, everything watched, nothing armed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from opsagent.core.denied import denied, holds_data, malformed
from opsagent.core.environment import check_name, plain_name
from opsagent.core.text import visible
from opsagent.host.discovery import Finding, FindingKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

EPHEMERAL = 32768
"""Ports from here on are given out by the kernel: the next start listens on another one."""
DISK_WARNING, DISK_CRITICAL, MEMORY_WARNING, SWAP_WARNING, CPU_WARNING = 85.0, 90.0, 90.0, 90.0, 85.0

_HEAD = """\
# opsagent settings for {host}, written by `opsagent init` from what was running here.
# Nothing is armed: opsagent watches, records, and says what it would have done (`opsagent why CHECK`).
# To let it act, write `repair: [restart]` where it now says `repair: []`, then: opsagent install --refresh
# Every setting with its meaning: docs/reference/settings.md, or `man opsagent.yaml` of the package.
# Try a change with: opsagent validate FILE

"""
_TAIL = """
# Nobody is told yet: without a notifier everything is only recorded. Choose one and try it: opsagent notify test
#notifiers:
#  - {name: mail, kind: apprise, url: "mailto://127.0.0.1:25/?from=opsagent@example.org&to=oncall@example.org"}
#  - {name: hook, kind: webhook, url: "https://chat.example.org/hook"}
"""
_ARM = '   # add restart after reading "would have" for some days'
_DATA = "   # it holds data: to arm it write [{do: restart, holds_data: true}]"
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9._@/-]*", re.ASCII)


@dataclass(slots=True, kw_only=True)
class Check:
    """One check to be written: `keys` as YAML text, each with the comment that follows it."""

    comments: list[str]
    name: str
    kind: str
    keys: list[tuple[str, str, str]] = field(default_factory=list)


def render(findings: Sequence[Finding], host: str) -> str:
    """Return settings for what was found; they always load, whatever the host's names look like."""
    checks = [*_service_checks(findings), *_resource_checks(findings)]
    taken: set[str] = set()
    items = [written(replace(check, name=free(check.name, taken))) for check in checks]
    left_out = [f"# {line}" for line in _left_out(findings)]
    if left_out:
        left_out = ["# Found, and not watched:", *dict.fromkeys(left_out)]
    body = "\n".join(["checks:", *items]) + "\n"
    return _HEAD.format(host=visible(host, 80)) + body + "\n".join(left_out) + "\n" * bool(left_out) + _TAIL


def _service_checks(findings: Sequence[Finding]) -> Iterator[Check]:
    """A health page says more than an open port, and an open port more than a running unit."""
    pages = [one for one in findings if one.kind is FindingKind.HEALTH and is_page(one)]
    yield from map(of_page, pages)
    seen = {("tcp", page.port) for page in pages}
    named = {page.unit for page in pages}
    for one in findings:
        if one.kind is FindingKind.LISTENER and (one.protocol, one.port) not in seen and _lasts(one):
            seen.add((one.protocol, one.port))
            named.add(one.unit)
            yield of_listener(one)
    for one in findings:
        if one.kind is FindingKind.SERVICE and one.unit not in named and _is_unit(one.unit):
            yield of_unit(one)


def is_page(one: Finding) -> bool:
    """Whether there is a health page at all; 404 says that there is none."""
    return one.status is not None and one.status != HTTPStatus.NOT_FOUND


def _is_unit(unit: str | None) -> bool:
    """Is it a unit that will have the same name tomorrow? A session's scope will not."""
    return unit is not None and not malformed(unit) and not unit.endswith((".scope", ".slice"))


def _lasts(one: Finding) -> bool:
    return one.port is not None and one.port < EPHEMERAL and _is_unit(one.unit)


def of_page(one: Finding) -> Check:
    """Return the check that asks a health page."""
    status = one.status or 0
    comments = [f"{one.url} answers {status}{_behind(one)}"]
    keys = [("url", _quoted(one.url), "")]
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        keys.append(("expect", f"{{status: {status}}}", "   # what it answers now; 200 to 299 would be healthy"))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        comments.append("that is a failure already: it will be the first finding")
    if one.url.startswith("https:"):
        keys.append(("insecure", "true", "   # no certificate is right for a loopback address"))
    keys += _unit_keys(one.unit)
    return Check(comments=comments, name=_name(one), kind="http", keys=keys)


def of_listener(one: Finding) -> Check:
    """Return the check that looks whether a port is still held."""
    keys = [("port", str(one.port), "")]
    if one.protocol == "udp":
        keys.append(("protocol", "udp", ""))
    found = f"{one.protocol} port {one.port} at {one.address}{_behind(one)}"
    name = check_name(one.unit if _is_unit(one.unit) else None, one.port or 0)
    return Check(comments=[found], name=name, kind="listen", keys=keys + _unit_keys(one.unit))


def of_unit(one: Finding) -> Check:
    """Return the check that asks systemd for a unit."""
    return Check(comments=[f"{one.name} {one.note}"], name=_name(one), kind="unit", keys=_unit_keys(one.unit))


def _unit_keys(unit: str | None) -> list[tuple[str, str, str]]:
    """Name the unit, and what could be allowed; a unit that is never touched gets no `repair` at all."""
    if unit is None or not _is_unit(unit):
        return []
    keys = [("unit", _quoted(unit), "")]
    if not denied(unit):
        keys.append(("repair", "[]", _DATA if holds_data(unit) else _ARM))
    return keys


def _behind(one: Finding) -> str:
    return f", {one.unit}" if one.unit else f", {one.note}" if one.note else ""


def _resource_checks(findings: Sequence[Finding]) -> Iterator[Check]:
    failed = [one for one in findings if one.kind is FindingKind.FAILED_UNIT]
    told = [f"failed now, so it will be the first finding: {one.name} ({one.note})" for one in failed]
    unread = any(one.kind is FindingKind.UNREAD and one.name == "units" for one in findings)
    told = told or ["which units are failed now could not be read" if unread else "no unit is failed now"]
    ignore = [("ignore", "[]", "   # names of units that may fail")]
    yield Check(comments=told, name="failed-units", kind="units", keys=ignore)
    for one in findings:
        if one.percent is None:
            continue
        used = f"{one.percent:.0f} %"
        if one.kind is FindingKind.FILE_SYSTEM and one.name.startswith("/"):
            name = "root-disk" if one.name == "/" else f"{one.name}-disk"
            keys = [("path", _quoted(one.name), ""), *_disk_limits(one.percent)]
            yield Check(comments=[f"{one.name} ({one.note}): {used} used now"], name=name, kind="disk", keys=keys)
        elif one.kind is FindingKind.MEMORY:
            limits = [*_limit(one.percent, MEMORY_WARNING), *_swap_limit(findings)]
            yield Check(comments=[f"memory of {one.note}: {used} used now"], name="ram", kind="memory", keys=limits)
        elif one.kind is FindingKind.PROCESSOR:
            limits = _limit(one.percent, CPU_WARNING)
            yield Check(comments=[f"{one.note}: load {used} now"], name="processor", kind="cpu", keys=limits)


def _limit(percent: float, usual: float, key: str = "warning") -> list[tuple[str, str, str]]:
    """Write a warning limit only where the usual one would be a finding at once: above what is in use now."""
    if percent < usual:
        return []
    raised = min(99, int(percent) + 3)
    return [(key, str(raised), f"   # raised: the default of {usual:g} is exceeded now")]


def _swap_limit(findings: Sequence[Finding]) -> list[tuple[str, str, str]]:
    used = next((one.percent for one in findings if one.kind is FindingKind.SWAP and one.percent is not None), 0.0)
    return _limit(used, SWAP_WARNING, "swap_warning")


def _disk_limits(percent: float) -> list[tuple[str, str, str]]:
    warning = _limit(percent, DISK_WARNING)
    if not warning or int(warning[0][1]) < DISK_CRITICAL:
        return warning
    critical = min(99, int(warning[0][1]) + 2)
    return [*warning, ("critical", str(critical), f"   # raised with it: the default is {DISK_CRITICAL:g}")]


def _left_out(findings: Sequence[Finding]) -> Iterator[str]:
    """Name what was seen but gets no check, with the reason."""
    for one in findings:
        if one.kind is FindingKind.LISTENER and not _lasts(one) and not _has_page(one, findings):
            yield visible(f"{one.protocol} port {one.port} at {one.address}{_behind(one)}: {_why_not(one)}", 160)
        elif one.kind is FindingKind.HEALTH and not is_page(one):
            yield visible(f"{one.url} answers {one.status}: no health page there", 160)
        elif one.kind is FindingKind.FILE_SYSTEM and one.percent is None:
            yield visible(f"{one.name}: {one.note}", 160)
        elif one.kind is FindingKind.NOT_ASKED:
            yield visible(f"health page of {one.name}: not asked, {one.note}", 160)
        elif one.kind is FindingKind.UNREAD:
            yield visible(f"{one.name}: cannot be read, {one.note}", 160)


def _has_page(one: Finding, findings: Iterable[Finding]) -> bool:
    return any(page.kind is FindingKind.HEALTH and page.port == one.port and is_page(page) for page in findings)


def _why_not(one: Finding) -> str:
    if one.port is not None and one.port >= EPHEMERAL:
        return "the kernel chose the port, the next start has another"
    return "no unit is behind it that could be named" if not _is_unit(one.unit) else "not lasting"


def written(check: Check) -> str:
    """Return the check as an item of the list `checks` in YAML."""
    lines = [f"  # {visible(comment, 160)}" for comment in check.comments]
    lines += [f"  - name: {check.name}", f"    kind: {check.kind}"]
    lines += [f"    {key}: {value}{comment}" for key, value, comment in check.keys]
    return "\n".join(lines) + "\n"


def _name(one: Finding) -> str:
    """Call a check after its unit, else after its port."""
    return one.unit.rpartition(".")[0] if one.unit and _is_unit(one.unit) else f"port-{one.port}"


def free(wanted: str, taken: set[str]) -> str:
    """Make a name of it that is allowed and not taken yet."""
    plain = plain_name(wanted)
    name, count = plain, 1
    while name in taken:
        count += 1
        name = f"{plain}-{count}"
    taken.add(name)
    return name


def _quoted(text: str) -> str:
    """Write a value so that YAML reads exactly it."""
    if _PLAIN.fullmatch(text):
        return text
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if " " <= char <= "~":
        return f"\\{char}" if char in '"\\' else char
    return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"
