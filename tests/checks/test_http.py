"""The http check against servers that answer well, badly, slowly, endlessly or not at all."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsagent.checks import observe
from opsagent.checks.http import Check
from opsagent.checks.wire.expect import Expect
from opsagent.core.observation import Reading, Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHORT = timedelta(milliseconds=300)
ALIVE = b'HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n{"status":"ok","db":{"up":1} } '


def look(url: str, **options: Any) -> Reading:
    return observe(Check(url=url, **options))


def verdict(reading: Reading) -> tuple[Status, str | None]:
    return reading.status, reading.failure_class


def ok(body: bytes = b"", status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def test_a_good_answer_is_ok_and_says_how_long_it_took(serve: Callable[..., Any]) -> None:
    server = serve(ALIVE)

    reading = look(f"{server.url}/health?token=abc")

    assert verdict(reading) == (Status.OK, None)
    assert reading.message.startswith(f"127.0.0.1:{server.port}/health answered 200 in ")
    assert "token" not in reading.message
    assert [measure.name for measure in reading.measures][:3] == ["time", "resolve", "connect"]


def test_the_request_is_plain_and_asks_for_no_compression(serve: Callable[..., Any]) -> None:
    server = serve(ALIVE)

    look(f"{server.url}/health", headers={"X-Who": "me"})

    head = server.requests[0].decode().lower()
    assert head.startswith("get /health http/1.1\r\n")
    assert f"host: 127.0.0.1:{server.port}\r\n" in head
    assert "accept-encoding: identity\r\n" in head
    assert "x-who: me\r\n" in head


def test_an_error_status_is_critical_and_named(serve: Callable[..., Any]) -> None:
    reading = look(serve(ok(b"oops", "500 Internal Server Error")).url)

    assert verdict(reading) == (Status.CRITICAL, "status")
    assert "answered 500 in" in reading.message
    assert not reading.timed_out


@pytest.mark.parametrize("wanted", [503, (404, 503)])
def test_the_expected_status_may_be_any(serve: Callable[..., Any], wanted: Any) -> None:
    assert look(serve(ok(b"", "503 No")).url, expect=Expect(status=wanted)).status is Status.OK


def test_a_refused_connection_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]

    reading = look(f"http://127.0.0.1:{port}/")

    assert verdict(reading) == (Status.CRITICAL, "refused")
    assert reading.message == f"cannot connect to 127.0.0.1:{port}: refused"


def test_a_silent_server_is_a_timeout_after_the_connect(silent: Any) -> None:
    reading = look(f"{silent.url}/health", timeout=SHORT)

    assert verdict(reading) == (Status.CRITICAL, "timeout")
    assert reading.timed_out
    assert reading.message.startswith(f"no first byte from 127.0.0.1:{silent.port}/health within 0.3 s (connected in ")


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_a_dripping_server_ends_at_the_deadline(drip: Callable[..., Any], head: bytes, tail: bytes) -> None:
    began = time.monotonic()

    reading = look(drip(head, tail).url, timeout=SHORT)

    assert time.monotonic() - began < 5
    assert verdict(reading) == (Status.CRITICAL, "timeout")
    assert reading.timed_out


def test_a_body_without_an_end_is_a_timeout(serve: Callable[..., Any]) -> None:
    def talk(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        server.stop.wait(10)

    server = serve(talk)
    reading = look(server.url, timeout=SHORT)

    assert verdict(reading) == (Status.CRITICAL, "timeout")
    assert "answered 200 but did not end within 0.3 s" in reading.message


def test_a_connection_that_stays_open_after_the_whole_body_is_no_failure(serve: Callable[..., Any]) -> None:
    def talk(client: socket.socket) -> None:
        client.sendall(ALIVE)
        server.stop.wait(10)

    server = serve(talk)

    assert look(server.url, timeout=SHORT).status is Status.OK


@pytest.mark.parametrize("expect", [Expect(), Expect(json={"status": "ok"}), Expect(text="needle")])
def test_an_endless_body_is_read_only_so_far(serve: Callable[..., Any], expect: Expect) -> None:
    sent = []

    def talk(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while len(sent) < 10_000:
            client.sendall(b"x" * 65536)
            sent.append(1)

    reading = look(serve(talk).url, expect=expect)

    assert reading.status is (Status.OK if expect == Expect() else Status.CRITICAL)
    assert len(sent) < 200
    assert "64 KiB" in reading.message or expect == Expect()


@pytest.mark.parametrize("interim", ["100 Continue", "102 Processing", "103 Early Hints"])
def test_interim_answers_are_not_the_answer(serve: Callable[..., Any], interim: str) -> None:
    before = f"HTTP/1.1 {interim}\r\nLink: </style.css>; rel=preload\r\n\r\n".encode()

    assert look(serve(before * 2 + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").url).status is Status.OK


def test_interim_answers_without_end_are_a_failure_of_the_protocol(serve: Callable[..., Any]) -> None:
    reading = look(serve(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000).url)

    assert verdict(reading) == (Status.CRITICAL, "protocol")
    assert "more than 16 interim answers" in reading.message


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x00\xff\x16\x03garbage\r\n\r\n",
        b"\x00\xff\x1b[2J<html>" * 100,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 999999 x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    ],
)
def test_what_is_not_http_is_named_so(serve: Callable[..., Any], nonsense: bytes) -> None:
    reading = look(serve(nonsense).url)

    assert verdict(reading) == (Status.CRITICAL, "protocol")
    assert "did not answer in HTTP" in reading.message
    assert len(reading.message) < 160
    assert reading.message.isprintable()


def test_a_connection_closed_without_a_word_is_a_reset(serve: Callable[..., Any]) -> None:
    assert verdict(look(serve(b"").url)) == (Status.CRITICAL, "reset")


@pytest.mark.parametrize(
    "broken",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnot a length",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
)
def test_a_body_that_breaks_off_is_named(serve: Callable[..., Any], broken: bytes) -> None:
    reading = look(serve(broken).url)

    assert verdict(reading) == (Status.CRITICAL, "body")
    assert "answered 200 and broke off: Connection broken: " in reading.message


@pytest.mark.parametrize(
    "headers",
    ["".join(f"X-{number}: y\r\n" for number in range(200)), f"X-Long: {'y' * 200_000}\r\n"],
    ids=["very many", "one very long"],
)
def test_headers_without_end_are_not_read_to_their_end(serve: Callable[..., Any], headers: str) -> None:
    reading = look(serve(ok(headers=headers)).url)

    assert reading.status is Status.CRITICAL
    assert len(reading.message) < 300


def test_a_gzip_bomb_is_never_unpacked(serve: Callable[..., Any]) -> None:
    bomb = gzip.compress(b'{"status":"ok"}' + b" " * 20_000_000)

    reading = look(serve(ok(bomb, headers="Content-Encoding: gzip\r\n")).url, expect=Expect(json={"status": "ok"}))

    assert verdict(reading) == (Status.CRITICAL, "body")


def test_a_small_packed_body_is_not_unpacked_either(serve: Callable[..., Any]) -> None:
    body = ok(gzip.compress(b'{"status":"ok"}'), headers="Content-Encoding: gzip\r\n")

    reading = look(serve(body).url, expect=Expect(json={"status": "ok"}))

    assert reading.message.endswith("but its body is not JSON (it is gzip, which was not asked for)")


def test_a_slow_answer_misses_the_expected_latency(serve: Callable[..., Any]) -> None:
    def talk(client: socket.socket) -> None:
        server.stop.wait(0.06)
        client.sendall(ALIVE)

    server = serve(talk)
    reading = look(server.url, expect=Expect(max_latency=timedelta(milliseconds=50)))

    assert verdict(reading) == (Status.CRITICAL, "latency")
    assert "slower than 50 ms" in reading.message


def test_head_reads_no_body(serve: Callable[..., Any]) -> None:
    server = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")

    assert look(server.url, method="HEAD").status is Status.OK
    assert server.requests[0].startswith(b"HEAD / ")


def test_a_redirect_is_not_followed_unless_allowed(serve: Callable[..., Any]) -> None:
    server = serve(ok(status="302 Found", headers="Location: /login?next=secret\r\n"))

    reading = look(server.url)

    assert verdict(reading) == (Status.CRITICAL, "redirect")
    assert reading.message.endswith("a redirect to /login that is not followed")
    assert len(server.requests) == 1


def test_a_redirect_on_the_same_origin_keeps_the_headers(serve: Callable[..., Any]) -> None:
    def talk(client: socket.socket) -> None:
        first = server.requests[-1].startswith(b"GET /old ")
        client.sendall(ok(status="301 Moved", headers="Location: /new\r\n") if first else ALIVE)

    server = serve(talk)
    reading = look(f"{server.url}/old", redirects=1, headers={"Authorization": "Bearer S3CRET"})

    assert reading.status is Status.OK
    assert "/new answered 200" in reading.message
    assert all(b"S3CRET" in asked for asked in server.requests)


def test_credentials_never_follow_to_another_origin(serve: Callable[..., Any], tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("Bearer S3CRET\n")
    other = serve(ALIVE)
    first = serve(ok(status="302 Found", headers=f"Location: {other.url}/x\r\n"))

    reading = look(first.url, redirects=1, headers={"Cookie": "S3CRET"}, headers_from={"Authorization": str(secret)})

    assert reading.status is Status.OK
    assert first.requests[0].count(b"S3CRET") == 2
    assert b"S3CRET" not in other.requests[0]


def test_a_redirect_to_a_private_host_the_settings_do_not_name_is_refused(serve: Callable[..., Any]) -> None:
    other = serve(ALIVE, host="127.0.0.2")
    first = serve(ok(status="302 Found", headers=f"Location: {other.url}/\r\n"))

    reading = look(first.url, redirects=3)

    assert verdict(reading) == (Status.UNKNOWN, "refused-address")
    assert other.requests == []


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/shadow",
        "gopher://127.0.0.1/",
        "http://169.254.169.254/latest",
        "http://u:p@127.0.0.1/",
        "//[::",
    ],
)
def test_a_redirect_to_where_nobody_should_go_is_not_followed(serve: Callable[..., Any], target: str) -> None:
    server = serve(ok(status="302 Found", headers=f"Location: {target}\r\n"))

    reading = look(server.url, redirects=3)

    assert verdict(reading) == (Status.CRITICAL, "redirect")
    assert len(server.requests) == 1


def test_a_redirect_from_https_to_http_is_not_followed(serve: Callable[..., Any], issue: Callable[..., Any]) -> None:
    issued, plain = issue("127.0.0.1"), serve(ALIVE)
    server = serve(ok(status="302 Found", headers=f"Location: {plain.url}/\r\n"), issued.context())

    reading = look(f"https://127.0.0.1:{server.port}/", redirects=1, ca_file=str(issued.certificate))

    assert verdict(reading) == (Status.CRITICAL, "redirect")
    assert plain.requests == []


def test_a_redirect_loop_ends(serve: Callable[..., Any]) -> None:
    server = serve(ok(status="302 Found", headers="Location: /\r\n"))

    reading = look(server.url, redirects=3)

    assert verdict(reading) == (Status.CRITICAL, "redirect")
    assert len(server.requests) == 4


def test_proxies_of_the_environment_are_ignored(serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = serve(ok(status="502 Bad")), serve(ALIVE)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, proxy.url)

    assert look(server.url).status is Status.OK
    assert proxy.requests == []


def test_a_configured_proxy_is_asked_with_the_whole_url(serve: Callable[..., Any]) -> None:
    proxy = serve(ALIVE)

    reading = look("http://service.example/health", proxy=proxy.url)

    assert reading.status is Status.OK
    assert proxy.requests[0].startswith(b"GET http://service.example/health HTTP/1.1\r\n")
    assert b"\r\nHost: service.example\r\n" in proxy.requests[0]


def test_https_goes_through_a_proxy_in_a_tunnel(serve: Callable[..., Any], issue: Callable[..., Any]) -> None:
    issued = issue("service.example")

    def talk(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        with issued.context().wrap_socket(client, server_side=True) as inner:
            inner.recv(4096)
            inner.sendall(ALIVE)

    proxy = serve(talk)
    reading = look("https://service.example/", proxy=proxy.url, ca_file=str(issued.certificate))

    assert reading.status is Status.OK
    assert proxy.requests[0].startswith(b"CONNECT service.example:443 ")


def test_a_proxy_that_refuses_the_tunnel_is_named(serve: Callable[..., Any]) -> None:
    proxy = serve(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    reading = look("https://service.example/", proxy=proxy.url)

    assert verdict(reading) == (Status.CRITICAL, "connect")
    assert "407" in reading.message


def test_a_trusted_certificate_is_accepted_and_its_days_are_counted(
    serve: Callable[..., Any], issue: Callable[..., Any]
) -> None:
    issued = issue("127.0.0.1", ends=5)
    server = serve(ALIVE, issued.context())
    url, trusted = f"https://127.0.0.1:{server.port}/", str(issued.certificate)

    assert look(url, ca_file=trusted).status is Status.OK
    assert look(url, ca_file=trusted, expect=Expect(tls_days=4)).status is Status.OK
    late = look(url, ca_file=trusted, expect=Expect(tls_days=14))
    assert verdict(late) == (Status.WARNING, "expiring")


@pytest.mark.parametrize(
    ("names", "ends", "trusted", "failure_class", "words"),
    [
        (["127.0.0.1"], -1, True, "expired", "expired"),
        (["other.example"], 90, True, "wrong", "mismatch"),
        (["127.0.0.1"], 90, False, "tls", "self-signed"),
    ],
)
def test_a_bad_certificate_is_refused(
    serve: Callable[..., Any],
    issue: Callable[..., Any],
    *,
    names: list[str],
    ends: float,
    trusted: bool,
    failure_class: str,
    words: str,
) -> None:
    issued = issue(*names, ends=ends)
    server = serve(ALIVE, issued.context())

    reading = look(f"https://127.0.0.1:{server.port}/", ca_file=str(issued.certificate) if trusted else "")

    assert verdict(reading) == (Status.CRITICAL, failure_class)
    assert words in reading.message
    assert server.requests == []


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated:DeprecationWarning")
def test_an_old_tls_version_is_refused(serve: Callable[..., Any], issue: Callable[..., Any]) -> None:
    issued = issue("127.0.0.1")
    context = issued.context()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    server = serve(ALIVE, context)

    reading = look(f"https://127.0.0.1:{server.port}/", ca_file=str(issued.certificate))

    assert verdict(reading) == (Status.CRITICAL, "tls")


def test_without_verification_every_message_says_so(serve: Callable[..., Any], issue: Callable[..., Any]) -> None:
    server = serve(ALIVE, issue("other.example").context())

    reading = look(f"https://127.0.0.1:{server.port}/", insecure=True)

    assert reading.status is Status.OK
    assert reading.message.endswith("(certificate not verified)")


def test_a_tls_handshake_that_stalls_ends_at_the_deadline(silent: Any) -> None:
    reading = look(f"https://127.0.0.1:{silent.port}/", timeout=SHORT)

    assert verdict(reading) == (Status.CRITICAL, "timeout")
    assert reading.message.startswith(f"no TLS handshake with 127.0.0.1:{silent.port} within 0.3 s (connected in ")


def test_https_to_a_plain_server_is_a_tls_failure(echo: Any) -> None:
    port, said = echo
    said[0] = b"HTTP/1.1 400 Bad\r\n\r\n"

    assert verdict(look(f"https://127.0.0.1:{port}/")) == (Status.CRITICAL, "tls")


def test_a_missing_authority_file_is_our_own_fault(serve: Callable[..., Any]) -> None:
    reading = look(f"https://127.0.0.1:{serve(ALIVE).port}/", ca_file="/nowhere/ca.pem")

    assert reading.status is Status.UNKNOWN
    assert "/nowhere/ca.pem" in reading.message


def test_a_header_is_read_from_its_file_at_each_look(serve: Callable[..., Any], tmp_path: Path) -> None:
    secret = tmp_path / "token"
    server = serve(ALIVE)
    check = Check(url=server.url, headers_from={"Authorization": str(secret)})

    missing = observe(check)
    secret.write_text("one\nsecond line")
    observe(check)
    secret.write_text("two")
    observe(check)

    assert missing.status is Status.UNKNOWN
    assert [b"Authorization: one\r\n" in server.requests[0], b"Authorization: two\r\n" in server.requests[1]] == [
        True,
        True,
    ]


def test_a_name_is_resolved_once_and_the_checked_address_is_used(
    serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, asked = serve(ALIVE), []

    def resolver(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    first = look(f"http://rebinding.example:{server.port}/")
    second = look(f"http://rebinding.example:{server.port}/")

    assert first.status is Status.OK
    assert f"Host: rebinding.example:{server.port}\r\n".encode() in server.requests[0]
    assert verdict(second) == (Status.UNKNOWN, "refused-address")
    assert asked == ["rebinding.example"] * 2


def test_one_forbidden_address_among_good_ones_refuses_the_name(
    serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(ALIVE)
    both = [(2, 1, 6, "", ("127.0.0.1", 0)), (10, 1, 6, "", ("::ffff:169.254.169.254", 0, 0, 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)

    reading = look(f"http://mixed.example:{server.port}/")

    assert verdict(reading) == (Status.UNKNOWN, "refused-address")
    assert server.requests == []


def test_a_dead_first_address_leaves_time_for_the_second(
    serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(ALIVE)
    both = [(10, 1, 6, "", ("::1", 0, 0, 0)), (2, 1, 6, "", ("127.0.0.1", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)

    assert look(f"http://two.example:{server.port}/").status is Status.OK


def test_a_resolver_that_hangs_ends_at_the_deadline_and_holds_one_thread_for_a_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released, calls = threading.Event(), []

    def resolver(host: str, *_: Any, **__: Any) -> list[Any]:
        calls.append(host)
        released.wait(10)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    readings = [look("http://hanging.example/", timeout=timedelta(milliseconds=100)) for _ in range(3)]
    released.set()

    assert [verdict(reading) for reading in readings] == [(Status.CRITICAL, "dns")] * 3
    assert all(reading.timed_out for reading in readings)
    assert calls == ["hanging.example"]


def test_a_name_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolver(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    reading = look("http://nowhere.example/")

    assert verdict(reading) == (Status.CRITICAL, "dns")
    assert not reading.timed_out
    assert reading.message == "cannot resolve nowhere.example: name or service not known"


def test_the_stage_that_failed_is_named_and_those_before_it_are_timed(
    serve: Callable[..., Any], silent: Any, echo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        closed = gone.getsockname()[1]
    port, said = echo
    said[0] = b"HTTP/1.1 400 Bad\r\n\r\n"
    known = socket.getaddrinfo

    def resolver(host: str, *rest: Any, **more: Any) -> Any:
        if host == "nowhere.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return known(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    looks = (
        look("http://nowhere.example/"),
        look(f"http://127.0.0.1:{closed}/"),
        look(f"https://127.0.0.1:{port}/"),
        look(f"http://127.0.0.1:{silent.port}/", timeout=SHORT),
        look(f"{serve(ok(b'', '500 No')).url}/"),
    )

    assert [(one.failure_class, [measure.name for measure in one.measures[1:]]) for one in looks] == [
        ("dns", []),
        ("refused", ["resolve"]),
        ("tls", ["resolve", "connect"]),
        ("timeout", ["resolve", "connect"]),
        ("status", ["resolve", "connect", "first_byte", "body"]),
    ]


def test_running_out_of_our_own_descriptors_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_socket(*_: Any) -> Any:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("opsagent.checks.wire.dial.socket.socket", no_socket)

    assert look("http://127.0.0.1:9/").status is Status.UNKNOWN


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/shadow",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/",
        "http://169.254.169.254/latest",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",
        "http://224.0.0.1/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://100.100.100.200/",
        "http://user:pass@127.0.0.1/",
        "http://127.0.0.1/\r\nX: y",
        "http://127.0.0.1/a b",
        "http://127.0.0.1:99999/",
        "http:///health",
        "127.0.0.1:80",
        "http://exa mple/",
        "http://-bad-.example/",
    ],
)
def test_a_url_that_must_not_be_asked_is_refused_in_the_settings(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(cannot|Port|Invalid)"):
        Check(url=url)


def test_headers_that_would_split_the_request_are_refused_in_the_settings() -> None:
    with pytest.raises(ValueError):
        Check(url="http://127.0.0.1/", headers={"X": "a\r\nY: b"})


@pytest.fixture(scope="module")
def echo() -> Any:
    """One server whose answer each example sets."""
    listener = socket.create_server(("127.0.0.1", 0))
    said: list[bytes] = [b""]

    def run() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                client.recv(65536)
                client.sendall(said[0])

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield listener.getsockname()[1], said
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(timeout=5)


@given(
    answer=st.one_of(st.binary(max_size=200), st.binary(max_size=100).map(lambda tail: b"HTTP/1.1 200 OK\r\n" + tail))
)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_server_says_the_answer_is_a_reading(echo: Any, answer: bytes) -> None:
    port, said = echo
    said[0] = answer

    reading = observe(Check(url=f"http://127.0.0.1:{port}/", timeout=timedelta(seconds=1)))

    assert reading.failure_class != "error", reading.message


@pytest.mark.parametrize("expect", [Expect(text="ok"), Expect(json={"status": "ok"})])
def test_a_body_cannot_be_expected_of_head(expect: Expect) -> None:
    with pytest.raises(ValueError, match="it has no body"):
        Check(url="http://127.0.0.1/", method="HEAD", expect=expect)
