"""Which hosts and addresses a look may go to."""

from __future__ import annotations

import ipaddress

import pytest

from opsagent.checks.wire.address import parse_host, refusal


@pytest.mark.parametrize(
    "text",
    ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "fd00::1", "8.8.8.8", "2001:4860:4860::8888", "::ffff:10.0.0.1"],
)
def test_what_the_settings_name_may_be_asked(text: str) -> None:
    assert refusal(ipaddress.ip_address(text), named=True) == ""


@pytest.mark.parametrize(
    "text",
    ["127.0.0.1", "::1", "10.0.0.1", "fd00::1", "100.64.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"],
)
def test_what_is_not_public_may_only_be_asked_when_it_is_named(text: str) -> None:
    assert "not public" in refusal(ipaddress.ip_address(text), named=False)


@pytest.mark.parametrize("text", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8"])
def test_a_public_address_may_be_asked_unnamed(text: str) -> None:
    assert refusal(ipaddress.ip_address(text), named=False) == ""


@pytest.mark.parametrize(
    "text",
    [
        "169.254.169.254",
        "169.254.1.1",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
        "224.0.0.1",
        "ff02::1",
        "0.0.0.0",
        "::",
        "255.255.255.255",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "::ffff:0.0.0.0",
        "::ffff:224.0.0.1",
    ],
)
def test_nobody_may_ask_these_however_they_are_wrapped(text: str) -> None:
    assert refusal(ipaddress.ip_address(text), named=True) != ""


@pytest.mark.parametrize(
    "host", ["localhost", "a-b.example", "xn--bcher-kva.example", "web_1", "host.", "1a.example", "a.b0x"]
)
def test_a_name_is_a_name(host: str) -> None:
    assert parse_host(host) is None


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f.1",
        "127.1",
        "0x7f000001",
        "0177.0.0.1",
        "1.2.3.4.5",
        "1.2.3.256",
        "a b",
        "",
        "-a",
        "a..b",
        "a/b",
        "é.de",
        "a" * 300,
    ],
)
def test_what_only_a_c_library_takes_for_an_address_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"^cannot use host"):
        parse_host(host)


def test_an_address_is_parsed_without_its_zone() -> None:
    assert parse_host("fe80::1%eth0") == ipaddress.ip_address("fe80::1")
