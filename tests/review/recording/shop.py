"""The web service of the recorded host: `shop.py PORT`. It works with redis and PostgreSQL and logs what goes wrong.

Its words and its trace-backs are those of the standard library: nothing is made up but the requests.
"""

from __future__ import annotations

import http.server
import logging
import os
import random
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

logging.basicConfig(format="%(levelname)s %(name)s[%(process)d] %(message)s", level=logging.INFO)
log = logging.getLogger("shop")


class Handler(http.server.BaseHTTPRequestHandler):
    """One page per way to fail."""

    def do_GET(self) -> None:
        """Answer, late or wrongly or not at all, as the path asks."""
        order, began = uuid.uuid4(), time.monotonic()
        try:
            self.serve(order)
        except Exception:
            log.exception("cannot serve order %s of customer %d", order, random.randrange(10**6))
            self.answer(500)
        took = time.monotonic() - began
        if took > 0.05:
            log.warning("order %s took %.3f s, limit 0.050 s (client %s)", order, took, self.client_address[0])

    def serve(self, order: uuid.UUID) -> None:
        match self.path.split("/")[1]:
            case "cart":
                with socket.create_connection(("127.0.0.1", 6379), timeout=1) as redis:
                    redis.sendall(b"INCR cart:%d\r\n" % random.randrange(1000))
                    reply = redis.recv(100).decode().strip()
                if reply.startswith("-"):
                    log.error("redis refused order %s: %s", order, reply)
            case "stock":
                query = f"select 100 / {random.randrange(2)} as left_of_{random.randrange(100)}"
                subprocess.run(["psql", "-qAt", "-h", "127.0.0.1", "-c", query, "shop"], check=True, timeout=5)
            case "slow":
                time.sleep(random.uniform(0.06, 0.3))
            case "drop":
                self.connection.close()
                return
            case "hang":
                time.sleep(3)
            case "picture":
                Path(f"/srv/shop/{random.randrange(10**6)}.jpg").read_bytes()
            case "exit":
                log.error("worker %d of pool %s leaves: out of memory", os.getpid(), hex(random.randrange(2**40)))
                os._exit(70)
        self.answer(200)

    def answer(self, code: int) -> None:
        self.send_response(code)
        self.end_headers()

    def log_message(self, form: str, *words: object) -> None:
        """Say a request as the standard library does."""
        log.info(form, *words)


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
