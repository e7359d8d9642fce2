import http.server
import queue
import threading
from datetime import UTC, datetime, timedelta

import pytest

from opsagent.core import inbox
from opsagent.core.state import Owed, State
from opsagent.daemon.deadman import DeadMan
from opsagent.settings.options import Deadman

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


@pytest.fixture
def switch():
    """A dead man's switch on loopback; `asked` are the paths it was asked for."""
    asked = []
    came = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            came.set()

        def log_message(self, *args):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    server.asked, server.came = asked, came
    server.deadman = Deadman(url=f"http://127.0.0.1:{server.server_port}/ping/uuid", every=timedelta(minutes=5))
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def owed(queued_at, kind="page"):
    return Owed(
        key="k",
        seq=1,
        notifier="hook",
        level="",
        kind=kind,
        incident=None,
        title="",
        body="",
        reason="",
        queued_at=queued_at,
        next_at=NOW,
        expires_at=NOW,
    )


def test_a_sign_of_life_is_given_at_its_pace(switch):
    seconds = [1000.0]
    deadman = DeadMan(lambda: seconds[0], lambda _: None)

    for passed in (0, 1, 299):
        seconds[0] = 1000.0 + passed
        deadman.turn(switch.deadman, State(), NOW, late=False)

    assert switch.came.wait(5)
    switch.came.clear()
    seconds[0] = 1300.0
    deadman.turn(switch.deadman, State(), NOW, late=False)
    assert switch.came.wait(5)
    assert switch.asked == ["/ping/uuid", "/ping/uuid"]


@pytest.mark.parametrize(
    ("state", "late"),
    [
        (State(), True),
        (State(owed={"k": owed(NOW - timedelta(minutes=6))}), False),
    ],
)
def test_a_late_loop_or_a_stuck_page_is_a_failure(switch, state, late):
    DeadMan(lambda: 1000.0, lambda _: None).turn(switch.deadman, state, NOW, late=late)

    assert switch.came.wait(5)
    assert switch.asked == ["/ping/uuid/fail"]


def test_a_notice_that_waits_and_a_fresh_page_are_no_failure(switch):
    waiting = {"a": owed(NOW - timedelta(hours=1), "notice"), "b": owed(NOW - timedelta(minutes=4))}

    DeadMan(lambda: 1000.0, lambda _: None).turn(switch.deadman, State(owed=waiting), NOW, late=False)

    assert switch.came.wait(5)
    assert switch.asked == ["/ping/uuid"]


def test_what_the_switch_said_is_posted(switch):
    said = queue.SimpleQueue()
    deadman = DeadMan(lambda: 1000.0, said.put)

    deadman.turn(switch.deadman, State(), NOW, late=False)
    assert said.get(timeout=5) == inbox.LifeSigned()

    nobody = Deadman(url="http://127.0.0.1:1/ping", every=timedelta(minutes=5))
    DeadMan(lambda: 1000.0, said.put).turn(nobody, State(), NOW, late=False)
    assert "refused" in said.get(timeout=15).said
