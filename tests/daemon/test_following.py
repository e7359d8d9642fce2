"""Following a playbook: step by step beside everything else, and what each said is evidence."""

from __future__ import annotations

import queue
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from opsagent.core import events as ev
from opsagent.core import inbox
from opsagent.core.playbook.section import Step
from opsagent.core.policy import PlaybookPolicy
from opsagent.daemon import following
from opsagent.daemon.following import MOST_WAITING, Following, said

if TYPE_CHECKING:
    from collections.abc import Iterator

WITHIN = 10  # seconds


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"{self.headers['Host']} {self.path}\n".encode() + b"line\n" * 99
        self.send_response(503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def event(*steps: Step) -> ev.PlaybookMatched:
    return ev.PlaybookMatched(section="API", reason="by api", steps=steps)


def test_each_step_that_is_not_left_to_a_person_becomes_evidence_with_what_the_playbook_says_of_it() -> None:
    posted: queue.SimpleQueue[inbox.Arrival] = queue.SimpleQueue()
    steps = (
        Step(text="ask Ann", left="it names no command"),
        Step(text="x", command="ls -d /usr", notes=("If missing, ask Ann",)),
        Step(text="x", command="rm -rf /"),
    )

    Following(posted.put).begin(7, event(*steps), PlaybookPolicy())

    assert posted.get(timeout=WITHIN) == inbox.EvidenceSeen(
        incident=7, source="playbook 2: ls -d /usr", lines=("/usr", "the playbook says: If missing, ask Ann")
    )
    refused = posted.get(timeout=WITHIN)
    assert isinstance(refused, inbox.EvidenceSeen)
    assert refused.lines == ("not run: 'rm' is not among the programs that are run",)


def test_nothing_is_run_where_the_settings_say_so() -> None:
    posted: queue.SimpleQueue[inbox.Arrival] = queue.SimpleQueue()

    Following(posted.put).begin(7, event(Step(text="x", command="uptime")), PlaybookPolicy(run=False))

    with pytest.raises(queue.Empty):
        posted.get(timeout=0.2)


def test_with_many_incidents_at_once_the_last_are_only_told_that_nothing_was_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    posted: queue.SimpleQueue[inbox.Arrival] = queue.SimpleQueue()
    go = threading.Event()
    monkeypatch.setattr(following, "said", lambda *_: (str(go.wait(WITHIN)),))
    one = Following(posted.put)

    for number in range(MOST_WAITING + 1):
        one.begin(number, event(Step(text="x", command="uptime")), PlaybookPolicy())
    left = posted.get(timeout=WITHIN)
    go.set()

    assert isinstance(left, inbox.EvidenceSeen)
    assert (left.incident, left.lines) == (10, ("1 steps were not run: 10 other incidents wait for theirs",))
    assert [posted.get(timeout=WITHIN).incident for _ in range(MOST_WAITING)] == list(range(MOST_WAITING))  # type: ignore[union-attr]


def test_a_page_is_asked_by_address_with_the_name_that_was_written_and_is_cut(port: int) -> None:
    lines = said(f"curl -f http://localhost:{port}/health")

    assert lines[0].startswith("503 in ")
    assert lines[1] == f"localhost:{port} /health"
    assert len(lines) == 20


def test_of_the_front_page_only_the_status_is_told(port: int) -> None:
    (line,) = said(f"curl http://127.0.0.1:{port}/")

    assert line.startswith("503 in ")


def test_where_nobody_answers_that_is_what_is_said(port: int) -> None:
    (line,) = said(f"curl https://localhost:{port}/health")

    assert line.startswith("cannot ")
