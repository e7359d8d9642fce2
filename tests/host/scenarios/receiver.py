"""A webhook receiver for test hosts: writes down what it is sent, and answers as a file says.

Usage: receiver.py PORT FOLDER. FOLDER/answer (for the path /x FOLDER/answer-x) holds a status such as `500`, or `hang`;
without it the answer is `ok`. FOLDER/received gets one JSON line per request. Standard library only: it runs on the
host's own Python.
"""

import json
import sys
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT, FOLDER = int(sys.argv[1]), Path(sys.argv[2])
FOLDER.mkdir(parents=True, exist_ok=True)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        answer = FOLDER / f"answer{self.path.replace('/', '-').rstrip('-')}"
        word = answer.read_text().strip() if answer.exists() else "ok"
        got = {
            "at": datetime.now(UTC).isoformat(),
            "path": self.path,
            "answer": word,
            "key": self.headers["Idempotency-Key"],
            "signature": self.headers["X-Opsagent-Signature"],
            "raw": raw.decode(),
            "body": json.loads(raw),
        }
        with (FOLDER / "received").open("a") as file:
            file.write(json.dumps(got) + "\n")
        if word == "hang":
            time.sleep(600)
        self.send_response(200 if word == "ok" else int(word))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
