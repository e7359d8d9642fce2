"""Receivers on loopback that behave, or misbehave, as told; and certificates good and bad."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
import time
import warnings
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from opsagent.core.message import Message, MessageKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOW = dt.datetime(2026, 11, 18, 3, 42, tzinfo=dt.UTC)


@pytest.fixture
def now() -> dt.datetime:
    return NOW


@pytest.fixture
def page() -> Message:
    return Message(
        key="7:oncall:1:hook",
        kind=MessageKind.PAGE,
        host="web-1",
        title="[PAGE SEV2] web-1: billing down, restart does not help",
        body="Since 03:41 (1 min). Exits at start with 78.",
        reason="2 restarts of billing.service did not help",
        as_of=NOW,
        incident="OPS-20261118-002",
        incident_json='{"id": "OPS-20261118-002", "state": "paged"}',
        severity="SEV2",
    )


@dataclass
class Receiver:
    """An HTTP server; `answers` are given one by one, the last for ever; `replies` are bodies by part of the path."""

    port: int = 0
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=lambda: [(200, {})])
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    replies: dict[str, dict[str, str]] = field(default_factory=dict)

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def reply(self, path: str) -> bytes:
        return json.dumps(next((reply for part, reply in self.replies.items() if part in path), {})).encode()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                receiver.requests.append((self.path, dict(self.headers), body))
                status, headers = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
                self.send_response(status)
                reply = receiver.reply(self.path)
                for name, value in {"Content-Length": str(len(reply)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply)

            do_PUT = do_GET = do_POST

            def log_message(self, *args: object) -> None:
                pass

        return Handler


@contextlib.contextmanager
def served(receiver: Receiver, context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), receiver.handler())
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    # What a bad client does to a TLS server is not news here.
    server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with served(Receiver()) as receiver:
        yield receiver


@pytest.fixture
def talker() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """Start a server that does what it is told with the one connection it gets; returns its port."""
    threads: list[tuple[threading.Thread, socket.socket]] = []

    def start(talk: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            with contextlib.suppress(OSError), listener, listener.accept()[0] as peer:
                talk(peer)

        thread = threading.Thread(target=serve)
        thread.start()
        threads.append((thread, listener))
        return int(listener.getsockname()[1])

    yield start
    for thread, listener in threads:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def drip(peer: socket.socket) -> None:
    """Answer one byte at a time, for ever: no single read ever times out."""
    peer.recv(65_536)
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000:
        peer.send(bytes([byte]))
        time.sleep(0.05)


@dataclass(frozen=True)
class Certificates:
    """A private authority and the certificates it gave, each file holding key and chain."""

    folder: Path

    @property
    def authority(self) -> str:
        return str(self.folder / "ca.pem")

    def server(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / ("good.pem" if name == "tls1.0" else f"{name}.pem"))
        if name == "tls1.0":
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
        return context


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    day = dt.timedelta(days=1)
    today = dt.datetime.now(dt.UTC)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = certificate("opsagent test authority", ca_key, ca_key, "opsagent test authority", (today - day, today + day))
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    for name, host, issuer, since, until in (
        ("good", "127.0.0.1", "opsagent test authority", today - day, today + day),
        ("expired", "127.0.0.1", "opsagent test authority", today - 3 * day, today - day),
        ("wrong-host", "192.0.2.1", "opsagent test authority", today - day, today + day),
        ("self-signed", "127.0.0.1", "server", today - day, today + day),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        signer = key if name == "self-signed" else ca_key
        found = certificate(host, key, signer, issuer, (since, until))
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / f"{name}.pem").write_bytes(secret + found.public_bytes(serialization.Encoding.PEM))
    return Certificates(folder)


def certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    issuer: str,
    valid: tuple[dt.datetime, dt.datetime],
) -> x509.Certificate:
    is_authority = key is signer and subject == issuer
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        name = x509.IPAddress(ipaddress.ip_address(subject))
        builder = builder.add_extension(x509.SubjectAlternativeName([name]), critical=False)
    return builder.sign(signer, hashes.SHA256())
