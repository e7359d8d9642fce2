"""What the checks of some settings look at, whatever their kinds."""

from __future__ import annotations

from pathlib import Path

from opsagent import checks, notifiers, remedies
from opsagent.core.environment import Target
from opsagent.settings import Account, load_text
from opsagent.settings.targets import targets

KINDS = {name: checks.kind(name) for name in checks.KINDS}
NOTIFIERS = {name: notifiers.kind(name) for name in notifiers.KINDS}
ADA = Account(uid=1000, name="ada", home=Path("/home/ada"))


def of(check: str) -> Target:
    settings = load_text(f"checks: [{{name: c, {check}}}]", KINDS, remedies.KINDS, NOTIFIERS, ADA)
    return next(one for one in targets(settings) if one.check == "c")


def test_each_kind_says_where_it_looks_by_its_own_keys() -> None:
    assert of("kind: listen, port: 53, protocol: udp") == Target(check="c", protocol="udp", port=53)
    assert of("kind: listen, port: 80, address: 10.0.0.1") == Target(check="c", host="10.0.0.1", port=80)
    assert of("kind: tcp, port: 22") == Target(check="c", host="127.0.0.1", port=22)
    assert of("kind: certificate, host: example.org") == Target(check="c", host="example.org", port=443)
    assert of("kind: unit, unit: api.service") == Target(check="c", unit="api.service")
    assert of("kind: memory") == Target(check="c")


def test_a_page_is_its_host_and_port_and_a_url_without_its_query() -> None:
    url = "http://127.0.0.1:8000/health"

    assert of(f"kind: http, url: '{url}?token=abc'") == Target(check="c", host="127.0.0.1", port=8000, url=url)
    assert of("kind: http, url: 'https://example.org/'").port == 443


def test_what_is_to_be_ignored_is_a_target_of_no_check() -> None:
    settings = load_text("listeners: {ignore: [ssh, tcp 8081]}", KINDS, remedies.KINDS, NOTIFIERS, ADA)

    ignored = [one for one in targets(settings) if not one.check]
    assert ignored == [Target(check="", name="ssh"), Target(check="", name="tcp 8081")]
    assert settings.policy.listeners.alert


def test_the_resolver_of_the_host_is_no_server_of_ours() -> None:
    assert of("kind: dns, lookup: example.org").port is None
    assert of("kind: dns, lookup: example.org, server: 127.0.0.1").protocol == "udp"
