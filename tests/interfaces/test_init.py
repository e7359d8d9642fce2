"""What is written for a host that has no settings yet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent import checks, notifiers, remedies
from opsagent.host.discovery import Finding, FindingKind
from opsagent.interfaces.init import render
from opsagent.settings import Account, Settings, load_text

KINDS = {name: checks.kind(name) for name in checks.KINDS}
NOTIFIERS = {name: notifiers.kind(name) for name in notifiers.KINDS}
ADA = Account(uid=1000, name="ada", home=Path("/home/ada"))


def listener(port: int, unit: str | None, protocol: str = "tcp", address: str = "0.0.0.0") -> Finding:
    return Finding(
        kind=FindingKind.LISTENER, name=f"{protocol} {port}", unit=unit, protocol=protocol, address=address, port=port
    )


def page(port: int, unit: str | None, status: int = 200, scheme: str = "http") -> Finding:
    url = f"{scheme}://127.0.0.1:{port}/health"
    return Finding(kind=FindingKind.HEALTH, name=url, unit=unit, port=port, url=url, status=status)


def disk(percent: float | None, path: str = "/", note: str = "ext4") -> Finding:
    return Finding(kind=FindingKind.FILE_SYSTEM, name=path, percent=percent, note=note)


def loaded(*findings: Finding) -> Settings:
    return load_text(render(findings, "web-1"), KINDS, remedies.KINDS, NOTIFIERS, ADA)


def options(settings: Settings) -> dict[str, object]:
    return {each.policy.name: each.check for each in settings.watched}


def test_a_host_with_nothing_on_it_gets_settings_that_load() -> None:
    assert [check.name for check in loaded().policy.checks] == ["failed-units"]


def test_nothing_is_armed_whatever_was_found() -> None:
    settings = loaded(page(8000, "api.service"), listener(6379, "redis-server.service"), listener(22, "ssh.service"))

    assert all(check.repair == () for check in settings.policy.checks)
    assert settings.armed() == ()


def test_a_health_page_is_asked_rather_than_its_port_looked_up() -> None:
    settings = loaded(page(8000, "api.service"), listener(8000, "api.service"), listener(9000, "api.service"))

    assert [(check.name, check.kind, check.unit) for check in settings.policy.checks[:2]] == [
        ("api", "http", "api.service"),
        ("api-9000", "listen", "api.service"),
    ]
    assert options(settings)["api"].url == "http://127.0.0.1:8000/health"


@pytest.mark.parametrize("status", [302, 401, 403])
def test_a_page_that_answers_otherwise_is_expected_to_go_on_so(status: int) -> None:
    assert options(loaded(page(8000, "api.service", status)))["api"].expect.status == status


def test_a_page_that_fails_now_is_watched_as_it_should_be() -> None:
    findings = (page(8000, "api.service", 503),)

    assert options(loaded(*findings))["api"].expect.status == ()
    assert "# that is a failure already: it will be the first finding" in render(findings, "h")


def test_a_page_that_is_not_there_is_no_page() -> None:
    findings = (page(8000, "api.service", 404), listener(8000, "api.service"))

    assert [check.kind for check in loaded(*findings).policy.checks] == ["listen", "units"]
    assert "# http://127.0.0.1:8000/health answers 404: no health page there" in render(findings, "h")


def test_a_loopback_certificate_cannot_be_right() -> None:
    assert options(loaded(page(8443, "api.service", scheme="https")))["api"].insecure is True


def test_one_port_on_several_addresses_is_one_check() -> None:
    settings = loaded(listener(22, "ssh.service"), listener(22, "ssh.service", address="::"))

    assert [check.name for check in settings.policy.checks] == ["ssh-22", "failed-units"]


def test_a_unit_that_may_be_armed_says_how_and_one_that_is_never_touched_does_not() -> None:
    text = render(
        (listener(80, "nginx.service"), listener(5432, "postgresql.service"), listener(22, "ssh.service")), "h"
    )

    assert 'unit: nginx.service\n    repair: []   # add restart after reading "would have" for some days' in text
    assert (
        "unit: postgresql.service\n    repair: []   # it holds data: to arm it write "
        "[{do: restart, holds_data: true}]" in text
    )
    assert text.count("repair: [] ") == 2


@pytest.mark.parametrize(
    "one",
    [
        listener(8000, None),
        listener(8000, "session-3.scope"),
        listener(40000, "api.service"),
        listener(1, "a b.service"),
    ],
)
def test_what_will_not_be_there_tomorrow_is_named_and_not_watched(one: Finding) -> None:
    assert [check.kind for check in loaded(one).policy.checks] == ["units"]
    assert f"# tcp port {one.port} at 0.0.0.0" in render((one,), "h").partition("# Found, and not watched:")[2]


def test_a_service_whose_ports_are_not_watched_is_watched_as_a_unit() -> None:
    service = Finding(kind=FindingKind.SERVICE, name="a.service", unit="a.service", note="listens on udp 40000")

    settings = loaded(service, listener(40000, "a.service", "udp"))

    assert [(check.name, check.kind) for check in settings.policy.checks][:1] == [("a", "unit")]


def test_a_failed_unit_is_named() -> None:
    failed = Finding(kind=FindingKind.FAILED_UNIT, name="x.service", unit="x.service", note="failed: exit-code")

    assert "# failed now, so it will be the first finding: x.service (failed: exit-code)\n" in render((failed,), "h")


@pytest.mark.parametrize(
    ("percent", "warning", "critical"),
    [(21.0, 85, 90), (84.9, 85, 90), (85.0, 88, 90), (88.5, 91, 93), (96.0, 99, 99), (100.0, 99, 99)],
)
def test_a_limit_that_is_exceeded_now_is_raised_above_what_is_used(
    percent: float, warning: float, critical: float
) -> None:
    check = options(loaded(disk(percent)))["root-disk"]

    assert (check.warning, check.critical) == (warning, critical)


def test_a_raised_limit_says_why() -> None:
    text = render((disk(88.0),), "h")

    assert "warning: 91   # raised: the default of 85 is exceeded now" in text
    assert "critical: 93   # raised with it: the default is 90" in text


def test_memory_and_processor_have_their_checks() -> None:
    memory = Finding(kind=FindingKind.MEMORY, name="memory", percent=93.0, note="8.0 GiB")
    processor = Finding(kind=FindingKind.PROCESSOR, name="processor", percent=250.0, note="2 processors")

    found = options(loaded(memory, processor))

    assert (found["ram"].warning, found["processor"].warning) == (96, 99)


def test_a_swap_that_is_nearly_full_has_its_limit_raised_with_the_reason() -> None:
    memory = Finding(kind=FindingKind.MEMORY, name="memory", percent=40.0, note="8.0 GiB")
    swap = Finding(kind=FindingKind.SWAP, name="swap", percent=95.0, note="1.0 GiB")

    assert options(loaded(memory, swap))["ram"].swap_warning == 98
    assert "swap_warning: 98   # raised: the default of 90 is exceeded now" in render((memory, swap), "h")
    assert options(loaded(memory, replace(swap, percent=50.0)))["ram"].swap_warning == 90


def test_a_file_system_behind_a_network_is_named_and_not_watched() -> None:
    findings = (disk(None, "/mnt/nfs", "nfs4, over the network: not looked at, it could block"),)

    assert [check.kind for check in loaded(*findings).policy.checks] == ["units"]
    assert "# /mnt/nfs: nfs4, over the network" in render(findings, "h")


def test_names_that_would_be_the_same_are_told_apart() -> None:
    settings = loaded(disk(1.0, "/data"), disk(1.0, "/DATA"), disk(1.0, "/données"))

    assert [check.name for check in settings.policy.checks[1:]] == ["data-disk", "data-disk-2", "donn-es-disk"]
    assert [each.check.path for each in settings.watched[1:]] == ["/data", "/DATA", "/données"]


TEXTS = st.text(max_size=30) | st.sampled_from(
    ["# x", "a\nb: c", "\u202ex", "'\"\\", "- a", "{a: b}", "!x", "&a", "*b"]
)
UNITS = st.none() | st.sampled_from(["a.service", "a@b:c.service", "sys-x\\x2dy.service", "ssh.socket"]) | TEXTS
FINDINGS = st.builds(
    Finding,
    kind=st.sampled_from(FindingKind),
    name=TEXTS,
    unit=UNITS,
    protocol=st.sampled_from(["tcp", "udp"]),
    address=TEXTS,
    port=st.none() | st.integers(1, 65535),
    url=st.integers(1, 65535).map("http://127.0.0.1:{}/health".format),
    status=st.none() | st.integers(100, 599),
    percent=st.none() | st.floats(0, 400),
    note=TEXTS,
).map(lambda one: replace(one, name=f"/{one.name}") if one.kind is FindingKind.FILE_SYSTEM else one)


@given(st.lists(FINDINGS, max_size=6), TEXTS)
def test_whatever_a_host_calls_its_things_the_settings_load_and_nothing_is_armed(
    findings: list[Finding], host: str
) -> None:
    text = render(findings, host)

    settings = load_text(text, KINDS, remedies.KINDS, NOTIFIERS, ADA)

    assert all(check.repair == () for check in settings.policy.checks)
    assert settings.policy.notifiers == ()
