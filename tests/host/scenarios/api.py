"""A small web service for scenarios: `api.py PORT FOLDER [REDIS_PORT]`, with /health.

How it behaves stands in files of FOLDER that may change while it runs:
behave       ok, 500, slow, late, works, drip, garbage or endless: what /health answers; a restart cures it
always       the same, and no restart cures it
start_after  seconds that it works before it opens its port
broken       when this file is there, it ends at once with exit status 1
deaf         when this file is there at its start, it does not heed SIGTERM
With REDIS_PORT it is healthy only while redis answers there.
"""

from __future__ import annotations

import http.server
import json
import signal
import socket
import sys
import time
from pathlib import Path

began = time.time()
port, folder = int(sys.argv[1]), Path(sys.argv[2])
redis_port = int(sys.argv[3]) if len(sys.argv) > 3 else 0


def said(name: str, otherwise: str) -> str:
    path = folder / name
    return path.read_text().strip() if path.exists() else otherwise


def behaviour() -> str:
    written = folder / "behave"
    mine = written.exists() and written.stat().st_mtime > began
    return said("always", said("behave", "ok") if mine else "ok")


def redis_answers() -> bool:
    try:
        with socket.create_connection(("127.0.0.1", redis_port), timeout=1) as redis:
            redis.sendall(b"PING\r\n")
            return redis.recv(16).startswith(b"+PONG")
    except OSError:
        return False


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        behave = behaviour()
        if behave == "500" or (redis_port and not redis_answers()):
            self.whole(500, {"status": "error"})
        elif behave == "ok":
            self.whole(200, {"status": "ok"})
        else:
            getattr(self, behave)()

    def whole(self, status: int, content: dict[str, str]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def slow(self) -> None:
        time.sleep(8)
        self.whole(200, {"status": "ok"})

    def late(self) -> None:
        time.sleep(0.3)
        self.whole(200, {"status": "ok"})

    def works(self) -> None:
        done = time.thread_time() + 0.2
        while time.thread_time() < done:
            pass
        self.whole(200, {"status": "ok"})

    def drip(self) -> None:
        for byte in b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"status":"ok"}':
            self.wfile.write(bytes([byte]))
            time.sleep(0.2)

    def garbage(self) -> None:
        self.wfile.write(b"\x00\xff\x1b[2J<html>" * 40)

    def endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b'{"status": "ok", ' * 1000)
            time.sleep(0.01)

    def log_message(self, *args: object) -> None:
        """Keep the journal for what matters."""


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked hung up: not worth a traceback."""


if (folder / "broken").exists():
    sys.exit("api: cannot read its configuration: no such key 'listen'")
if (folder / "deaf").exists():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(float(said("start_after", "0")))
Server(("127.0.0.1", port), Answers).serve_forever()
