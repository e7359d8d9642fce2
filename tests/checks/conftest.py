"""Real servers on loopback that misbehave on purpose, and certificates that are right or wrong in one way."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Talk = Callable[[socket.socket], None]


class Server:
    """Accepts on loopback, keeps what each client asked, and lets `talk` answer it."""

    def __init__(self, talk: Talk, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.requests: list[bytes] = []
        self.stop = threading.Event()
        self._talk, self._context = talk, context
        self._listener = socket.create_server((host, 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://{host}:{self.port}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        self.stop.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.settimeout(5)
                self._threads.append(threading.Thread(target=self._serve, args=(client,), daemon=True))
                self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(client)
            if self._context:
                client = stack.enter_context(self._context.wrap_socket(client, server_side=True))
            self.requests.append(heard(client))
            self._talk(client)


def heard(client: socket.socket) -> bytes:
    """Read one request's head, or whatever comes before the other side falls silent."""
    asked = b""
    while b"\r\n\r\n" not in asked and (chunk := client.recv(65536)):
        asked += chunk
    return asked


def says(answer: bytes) -> Talk:
    """Return a talk that sends this and closes."""
    return lambda client: client.sendall(answer)


def answer(body: bytes = b"", status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(talk: Talk | bytes, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Server:
        running.append(Server(says(talk) if isinstance(talk, bytes) else talk, context, host))
        return running[-1]

    yield start
    for server in running:
        server.close()


@pytest.fixture
def drip(serve: Callable[..., Server]) -> Callable[[bytes, bytes], Server]:
    """Start a server that sends `head`, then one byte of `tail` every 50 ms for ever."""

    def start(head: bytes, tail: bytes) -> Server:
        def talk(client: socket.socket) -> None:
            client.sendall(head)
            while not server.stop.wait(0.05):
                client.sendall(tail)

        server = serve(talk)
        return server

    return start


@pytest.fixture
def silent(serve: Callable[..., Server]) -> Server:
    """Start a server that accepts, listens and never says a word."""
    server = serve(lambda _: server.stop.wait(10))
    return server


class Issued(NamedTuple):
    """Files of one certificate and its key; the certificate signs itself."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


@pytest.fixture(scope="session")
def issue(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Issued]:
    """Make a self-signed certificate for names or addresses, valid from and until so many days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    folder = tmp_path_factory.mktemp("certificates")

    def make(*names: str, begins: float = -10, ends: float = 90) -> Issued:
        now = dt.datetime.now(dt.UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(days=begins))
            .not_valid_after(now + dt.timedelta(days=ends))
            .add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), critical=False)
            .sign(key, hashes.SHA256())
        )
        stem = folder / f"{len(list(folder.iterdir()))}"
        issued = Issued(stem.with_suffix(".crt"), stem.with_suffix(".key"))
        issued.certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
        issued.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return issued

    return make


def general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
