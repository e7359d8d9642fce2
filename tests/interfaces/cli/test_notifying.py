"""`notify test`: through the daemon, and straight from here when it is down."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.core.asking import StatusAsked
from opsagent.core.commands import Answer, TestNotifier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.interfaces.instance import Daemon, Instance


@pytest.fixture
def posted() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook's other side: its address and what was posted there."""
    bodies: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", bodies
        server.shutdown()
        thread.join(5)


def with_notifiers(instance: Instance, **urls: str) -> None:
    lines = "".join(f'  - {{name: {name}, kind: webhook, url: "{url}"}}\n' for name, url in urls.items())
    with instance.settings.open("a") as file:
        file.write(f"notifiers:\n{lines}")


def test_the_daemon_sends_when_it_runs(instance: Instance, daemon: Daemon) -> None:
    daemon.answer = lambda asked: {} if isinstance(asked, StatusAsked) else Answer(accepted=True, text="sent to mail")

    result = instance.run("notify", "test", "mail")

    assert (result.exit_code, result.stdout) == (0, "sent to mail\n")
    assert [type(one) for one in daemon.asked] == [StatusAsked, TestNotifier]


def test_without_the_daemon_it_is_sent_from_here(instance: Instance, posted: tuple[str, list[dict[str, Any]]]) -> None:
    url, bodies = posted
    with_notifiers(instance, hook=url)

    result = instance.run("notify", "test")

    assert result.exit_code == 0
    assert "sending from here" in result.stderr
    assert result.stdout.startswith("hook: delivered")
    (body,) = bodies
    assert body["event"] == "test"
    assert body["incident"] is None
    assert "this is how opsagent reaches you" in body["title"]


def test_only_the_named_one_is_tried(instance: Instance, posted: tuple[str, list[dict[str, Any]]]) -> None:
    url, bodies = posted
    with_notifiers(instance, dead="http://127.0.0.1:1/hook", hook=url)

    assert instance.run("notify", "test", "hook").exit_code == 0
    assert len(bodies) == 1


def test_one_that_is_not_reached_is_told_and_the_others_are_tried(
    instance: Instance, posted: tuple[str, list[dict[str, Any]]]
) -> None:
    url, bodies = posted
    with_notifiers(instance, dead="http://127.0.0.1:1/hook", hook=url)

    result = instance.run("notify", "test")

    assert result.exit_code == 1
    assert "dead: not delivered: " in result.stdout
    assert "hook: delivered" in result.stdout
    assert len(bodies) == 1


@pytest.mark.parametrize("name", ["", "mail"])
def test_where_there_is_none_it_says_so(instance: Instance, name: str) -> None:
    result = instance.run("notify", "test", *([name] if name else []))

    assert result.exit_code == 1
    assert f"cannot find notifier {name or 'any'}, known: none: add one to the settings" in result.stderr
