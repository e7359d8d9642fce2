"""The network check: this machine's loopback, and peers that answer, refuse, or are silent."""

from __future__ import annotations

import json
import socket
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from opsagent.checks import network, observe, remembering
from opsagent.checks.network import Check
from opsagent.core.link import Counters, Link, Reach, text_of
from opsagent.core.observation import Reading, Status
from opsagent.host import links

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LO = "lo"


class Watch:
    """A network check and what it keeps from one look to the next."""

    def __init__(self, **options: Any) -> None:
        self.kept = ""
        self._check = remembering(Check(**options), lambda: self.kept, self._keep)

    def _keep(self, text: str) -> None:
        self.kept = text

    def look(self) -> Reading:
        return observe(self._check)


def verdict(reading: Reading) -> tuple[Status, str | None]:
    return reading.status, reading.failure_class


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def silent() -> Iterator[int]:
    """Yield a port whose queue is full: the kernel drops whoever knocks."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, socket.socket() as first:
        first.connect(server.getsockname())
        yield server.getsockname()[1]


def test_an_interface_that_is_up_counts_its_packets_since_the_look_before(listener: int) -> None:
    watch = Watch(interface=LO, addresses=("127.0.0.1",))

    first = watch.look()
    socket.create_connection(("127.0.0.1", listener)).close()
    second = watch.look()

    assert (first.message, first.measures) == ("lo is up", ())
    assert verdict(second) == (Status.OK, None)
    assert "packets damaged since the look before" in second.message
    assert not second.message.startswith("lo is up, 0 of 0 ")
    assert [measure.name for measure in second.measures] == ["errors", "drops", "received", "sent"]


def test_the_traffic_is_what_psutil_counts(listener: int) -> None:
    before = json.loads(text_of(links.link(LO)))
    with socket.create_connection(("127.0.0.1", listener)) as client:
        client.sendall(b"x" * 100_000)
    watch = Watch(interface=LO)
    watch.kept = json.dumps({**before, "at": before["at"] - 10})

    reading = watch.look()
    counted = psutil.net_io_counters(pernic=True)[LO]

    found = {measure.name: measure.value for measure in reading.measures}
    most = (counted.bytes_recv - before["counters"]["received_bytes"]) / 10  # psutil looked a moment later
    assert 8_000 <= found["received"] <= most
    assert found["sent"] >= 8_000


def test_a_peer_that_answers_is_counted_and_timed(listener: int) -> None:
    reading = Watch(interface=LO, peer=f"127.0.0.1:{listener}", count=3).look()

    assert verdict(reading) == (Status.OK, None)
    assert f"3 of 3 connections to 127.0.0.1:{listener} were answered in" in reading.message
    assert [(m.name, m.unit) for m in reading.measures] == [("loss", "%"), ("latency", "s")]


def test_a_refusal_is_an_answer(listener: int) -> None:
    reading = Watch(interface=LO, peer=f"127.0.0.2:{listener}").look()

    assert verdict(reading) == (Status.OK, None)
    assert "by a refusal" in reading.message


def test_a_peer_that_is_silent_is_unreachable(silent: int) -> None:
    reading = Watch(interface=LO, peer=f"127.0.0.1:{silent}", count=2, timeout=timedelta(seconds=0.4)).look()

    assert verdict(reading) == (Status.CRITICAL, "unreachable")
    assert reading.timed_out
    assert reading.message == f"lo is up; 0 of 2 connections to 127.0.0.1:{silent} were answered: no answer"


@pytest.mark.parametrize(
    ("took", "options", "expected"),
    [
        ((0.01,) * 5, {}, (Status.OK, None)),
        ((0.01,) * 4, {}, (Status.WARNING, "loss")),
        ((0.01,) * 4, {"warning": 30}, (Status.OK, None)),
        ((0.01,) * 2, {}, (Status.CRITICAL, "loss")),
        ((), {}, (Status.CRITICAL, "unreachable")),
        ((0.2, 0.2, 0.2, 0.01, 0.01), {"max_latency": timedelta(milliseconds=100)}, (Status.WARNING, "latency")),
        ((0.2, 0.01, 0.2, 0.01, 0.01), {"max_latency": timedelta(milliseconds=100)}, (Status.OK, None)),
    ],
)
def test_what_became_of_the_connections_is_judged(
    monkeypatch: pytest.MonkeyPatch,
    took: tuple[float, ...],
    options: dict[str, Any],
    expected: tuple[Status, str | None],
) -> None:
    found = Reach(asked=5, took=took, silent=5 - len(took), why="no answer" if len(took) < 5 else "")
    monkeypatch.setattr(network, "reach", lambda *_: found)

    assert verdict(Watch(interface=LO, peer="192.0.2.9:22", **options).look()) == expected


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({"on": False, "carrier": None, "state": "down"}, (Status.CRITICAL, "off")),
        ({"carrier": False, "state": "down"}, (Status.CRITICAL, "carrier")),
        ({"state": "lowerlayerdown"}, (Status.CRITICAL, "carrier")),
        ({"state": "dormant"}, (Status.CRITICAL, "carrier")),
        ({"state": "unknown"}, (Status.OK, None)),
        ({"state": "up"}, (Status.OK, None)),
    ],
)
def test_the_state_of_an_interface_is_judged(
    monkeypatch: pytest.MonkeyPatch, about: dict[str, Any], expected: tuple[Status, str | None]
) -> None:
    facts = {"name": "tun0", "made": "1/1", "on": True, "carrier": True, "counters": Counters(), "at": 1.0, **about}
    monkeypatch.setattr(network, "link", lambda _: Link(**facts))

    assert verdict(Watch(interface="tun0").look()) == expected


@pytest.mark.parametrize(
    ("counted", "options", "expected"),
    [
        ({"received": 1000, "received_damaged": 20}, {}, (Status.WARNING, "errors")),
        ({"received": 10_000, "received_damaged": 20}, {}, (Status.OK, None)),
        ({"received": 1000, "received_damaged": 20}, {"errors": None}, (Status.OK, None)),
        ({"received": 1000, "sent_dropped": 900}, {}, (Status.OK, None)),
        ({"received": 1000, "sent_dropped": 900}, {"drops": 10}, (Status.WARNING, "drops")),
        ({"received": -5}, {}, (Status.OK, None)),
    ],
)
def test_what_was_counted_is_judged(
    monkeypatch: pytest.MonkeyPatch,
    counted: dict[str, int],
    options: dict[str, Any],
    expected: tuple[Status, str | None],
) -> None:
    before = {"received": 50, "received_damaged": 7, "sent_dropped": 9}
    facts = {"name": "eth0", "made": "1/1", "on": True, "carrier": True, "state": "up", "at": 1.0}
    found = [
        Counters(**before),
        Counters(**{**before, **{key: before.get(key, 0) + by for key, by in counted.items()}}),
    ]
    monkeypatch.setattr(network, "link", lambda _: Link(**facts, counters=found.pop(0)))
    watch = Watch(interface="eth0", **options)
    watch.look()

    assert verdict(watch.look()) == expected


def test_an_interface_or_an_address_that_is_not_there_is_named() -> None:
    absent = Watch(interface="nosuch0").look()
    address = Watch(interface=LO, addresses=("127.0.0.1", "192.0.2.77")).look()

    assert (verdict(absent), absent.message) == ((Status.CRITICAL, "absent"), "there is no interface nosuch0")
    assert verdict(address) == (Status.CRITICAL, "address")
    assert address.message == "lo is up; it has not the address 192.0.2.77"


ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t0100000A\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth1\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0
eth2\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
NOWHERE = "0" * 32
ROUTES_6 = f"""{NOWHERE} 00 {NOWHERE} 00 {NOWHERE} ffffffff 00000001 00000000 00200200       lo
{NOWHERE} 00 {NOWHERE} 00 fd000000000000000000000000000001 00000400 00000001 00000000 00000003     eth6
fd000000000000000000000000000000 40 {NOWHERE} 00 {NOWHERE} 00000100 00000001 00000000 00000001     eth7
"""


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"route": ROUTES, "ipv6_route": ROUTES_6}, "eth0"),
        ({"route": ROUTES.partition("\n")[0] + "\n", "ipv6_route": ROUTES_6}, "eth6"),
        ({"ipv6_route": ROUTES_6}, "eth6"),
        ({"route": ""}, ""),
        ({}, ""),
    ],
)
def test_the_default_route_is_the_best_one_that_is_not_refused(
    tmp_path: Path, tables: dict[str, str], expected: str
) -> None:
    (tmp_path / "net").mkdir()
    for name, text in tables.items():
        (tmp_path / "net" / name).write_text(text)

    assert links.default_link(tmp_path) == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"interface": "../eth0"}, "cannot use interface"),
        ({"interface": ".."}, "cannot use interface"),
        ({"addresses": ("eth0",)}, "cannot use 'eth0' in addresses"),
        ({"peer": "router"}, "cannot read peer 'router'"),
        ({"peer": "2001:db8::1:22"}, "cannot read peer"),
        ({"peer": "router:0"}, "cannot use port 0"),
        ({"count": 0}, "cannot use count 0"),
        ({"warning": 70}, "cannot use warning 70 with critical 60"),
        ({"errors": 101}, "cannot use errors 101"),
    ],
)
def test_settings_that_could_never_be_looked_at_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Check(**options)


@pytest.mark.parametrize(
    ("text", "expected"), [("[2001:db8::1]:22", ("2001:db8::1", 22)), ("a.example:7", ("a.example", 7))]
)
def test_a_peer_is_a_host_and_a_port(text: str, expected: tuple[str, int]) -> None:
    assert network.peer_of(text) == expected
