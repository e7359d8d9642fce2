"""The listen check, against real sockets and, where a unit is needed, a table of our own."""

from __future__ import annotations

import socket
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from opsagent.checks import listen, observe
from opsagent.checks.listen import Check
from opsagent.core.observation import Status
from opsagent.host.bus import BusLostError
from opsagent.host.listeners import ListenersError, ListeningSocket


def test_a_real_listener_is_seen_and_nobody_is_connected_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]

        reading = observe(Check(port=port))
        elsewhere = observe(Check(port=port, address="127.0.0.9"))

        with pytest.raises(BlockingIOError):
            server.accept()
    closed = observe(Check(port=port))
    assert reading.status is Status.OK
    assert (elsewhere.status, elsewhere.failure_class) == (Status.CRITICAL, "absent")
    assert elsewhere.message == f"nobody listens on tcp port {port} of 127.0.0.9, only on 127.0.0.1"
    assert (closed.status, closed.message) == (Status.CRITICAL, f"nobody listens on tcp port {port}")


def test_a_real_udp_socket_is_seen() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]

        assert observe(Check(port=port, protocol="udp")).status is Status.OK
        assert observe(Check(port=port)).status is Status.CRITICAL


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that sets the only row of the table, and what systemd says of the wanted unit."""

    def set_row(
        alias_of: str | None = None, *, sockets: tuple[str, ...] = (), dead_bus: bool = False, **row: Any
    ) -> None:
        def snapshot(_: str) -> Any:
            if dead_bus:
                raise BusLostError("gone")
            return SimpleNamespace(name=alias_of, triggered_by=sockets) if alias_of else None

        found = ListeningSocket(**{"protocol": "tcp", "address": "0.0.0.0", "port": 80, **row})
        monkeypatch.setattr(listen, "listeners", lambda: (found,))
        monkeypatch.setattr(listen, "manager", lambda _: nullcontext(SimpleNamespace(snapshot=snapshot)))

    return set_row


@pytest.mark.parametrize(
    ("bound", "v4_too", "wanted", "status"),
    [
        ("0.0.0.0", False, "127.0.0.1", Status.OK),
        ("0.0.0.0", False, "::1", Status.CRITICAL),
        ("::", False, "::1", Status.OK),
        ("::", False, "127.0.0.1", Status.CRITICAL),
        ("::", True, "127.0.0.1", Status.OK),
        ("::ffff:127.0.0.1", False, "127.0.0.1", Status.OK),
        ("127.0.0.1", False, "127.0.0.1", Status.OK),
        ("127.0.0.1", False, "10.0.0.1", Status.CRITICAL),
    ],
)
def test_a_socket_on_all_addresses_answers_at_each(
    table: Any, *, bound: str, v4_too: bool, wanted: str, status: Status
) -> None:
    table(address=bound, v4_too=v4_too)

    assert observe(Check(port=80, address=wanted)).status is status


@pytest.mark.parametrize(
    ("row", "systemd", "options", "failure_class", "words"),
    [
        ({"unit": "nginx.service"}, {}, {"unit": "nginx.service"}, None, "held by nginx.service"),
        ({"unit": "apache2.service"}, {}, {"unit": "nginx.service"}, "wrong", "held by apache2.service, not by nginx"),
        (
            {"unit": "redis-server.service"},
            {"alias_of": "redis-server.service"},
            {"unit": "redis.service"},
            None,
            "held",
        ),
        (
            {"unit": "api.socket"},
            {"alias_of": "api.service", "sockets": ("api.socket",)},
            {"unit": "api.service"},
            None,
            "held by api.socket",
        ),
        (
            {"unit": "api.socket"},
            {"alias_of": "web.service", "sockets": ("web.socket",)},
            {"unit": "web.service"},
            "wrong",
            "held by api.socket, not by web.service",
        ),
        ({"unit": "a.service"}, {"dead_bus": True}, {"unit": "b.service"}, "systemd", "held by a.service"),
        ({"unit": "a.service"}, {"dead_bus": True}, {"unit": "a.service"}, None, "held by a.service"),
        ({"process": "python3"}, {}, {"unit": "nginx.service"}, None, "held by python3"),
        ({}, {}, {"unit": "nginx.service"}, None, "not ours to see"),
        (
            {"unit": "user@1.service", "user_unit": "x.service"},
            {},
            {"unit": "x.service", "scope": "user"},
            None,
            "x.serv",
        ),
    ],
)
def test_the_port_must_be_held_by_the_named_unit_where_that_can_be_known(
    *, table: Any, row: Any, systemd: Any, options: Any, failure_class: str | None, words: str
) -> None:
    table(**systemd, **row)

    reading = observe(Check(port=80, **options))

    assert reading.failure_class == failure_class
    assert words in reading.message


def test_a_table_that_cannot_be_read_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Any:
        raise ListenersError("cannot read the table of sockets: no")

    monkeypatch.setattr(listen, "listeners", fail)

    assert observe(Check(port=80)).status is Status.UNKNOWN


@pytest.mark.parametrize("options", [{"port": 0}, {"port": 70_000}, {"port": 80, "address": "localhost"}])
def test_what_can_never_listen_is_refused_in_the_settings(options: Any) -> None:
    with pytest.raises(ValueError):
        Check(**options)
