"""A state directory as the daemon leaves it, and receivers on loopback."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class State:
    """The state directory of a daemon that looked `ago` seconds ago."""

    path: Path

    def heartbeat(self, ago: float) -> None:
        at = (dt.datetime.now(dt.UTC) - dt.timedelta(seconds=ago)).isoformat()
        (self.path / "heartbeat.json").write_text(json.dumps({"at": at, "fast_loop_at": at, "pid": 1}))

    def watch(self, **what: Any) -> None:
        (self.path / "watch.json").write_text(json.dumps(what))

    def spooled(self) -> list[dict[str, Any]]:
        return [json.loads(file.read_text()) for file in sorted((self.path / "spool").iterdir())]


@pytest.fixture
def state(tmp_path: Path) -> State:
    (tmp_path / "state" / "spool").mkdir(parents=True)
    return State(tmp_path / "state")


@dataclass
class Hook:
    """An HTTP server that keeps what it was told and answers `status`."""

    url: str = ""
    status: int = 200
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def hook() -> Iterator[Hook]:
    kept = Hook()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kept.got.append((f"{self.command} {self.path}", dict(self.headers), body))
            self.send_response(kept.status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()

        do_GET = do_POST = answer

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield kept
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """Make a certificate for 127.0.0.1 that is its own authority; the key lies beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key(), serial_number=1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    (tmp_path / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *secret))
    (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return tmp_path / "cert.pem"


@dataclass
class Mailbox:
    """An SMTP server with STARTTLS that keeps what it was handed."""

    port: int = 0
    letters: list[str] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.letters.append(envelope.content.decode())
        return "250 kept"


@pytest.fixture
def mailbox(authority: Path) -> Iterator[Mailbox]:
    kept = Mailbox()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, authority.with_name("key.pem"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        kept.port = free.getsockname()[1]
    controller = Controller(kept, hostname="127.0.0.1", port=kept.port, tls_context=context, require_starttls=True)
    controller.start()
    yield kept
    controller.stop()
