"""A container is restarted through an engine's API: a real HTTP server on a real socket stands for the engine."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from typing import TYPE_CHECKING

import pytest

from opsagent.host.container_restart import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTAINER = {
    "Name": "/web",
    "Config": {"Image": "web:1"},
    "State": {"Status": "running", "ExitCode": 0, "StartedAt": "2026-11-27T07:00:00Z"},
}


class Engine(http.server.BaseHTTPRequestHandler):
    status = 204
    asked: tuple[str, ...] = ()

    def do_GET(self) -> None:
        known = self.path.split("/")[2].startswith("web")  # as engines do with the beginning of an id
        self.answer(200 if known else 404, CONTAINER if known else {"message": "No such container"})

    def do_POST(self) -> None:
        Engine.asked = (*Engine.asked, self.path)
        self.answer(Engine.status, {} if Engine.status == 204 else {"message": "cannot stop it:\n no reply"})

    def answer(self, status: int, body: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode() if status != 204 else b"")

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "docker.sock"
    Engine.status, Engine.asked = 204, ()
    with socketserver.ThreadingUnixStreamServer(str(path), Engine) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield path
        server.shutdown()
        thread.join()


def test_a_container_is_restarted_by_its_engine(docker: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sockets = (("podman", docker.with_name("none.sock")), ("docker", docker))

    assert main("web", sockets) == 0
    assert Engine.asked == ("/containers/web/restart",)
    assert capsys.readouterr().out == "docker restarted container web\n"


@pytest.mark.parametrize("name", ["web2", "nosuch"])
def test_a_container_that_is_not_there_is_said_to_be_so(
    docker: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert main(name, (("docker", docker),)) == 1
    assert Engine.asked == ()
    assert capsys.readouterr().out == f"there is no container {name} (docker)\n"


def test_an_engines_refusal_is_told_in_its_own_words(docker: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Engine.status = 500

    assert main("web", (("docker", docker),)) == 1
    said = "docker did not restart container web: cannot stop it: no reply (status 500)\n"
    assert capsys.readouterr().out == said


def test_where_no_engine_listens_its_sockets_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main("web", (("docker", tmp_path / "docker.sock"),)) == 1
    said = f"cannot restart container web: no engine listens at {tmp_path / 'docker.sock'}\n"
    assert capsys.readouterr().out == said


@pytest.mark.parametrize("name", ["../images", "a b", "", "web?force=1"])
def test_what_is_no_name_never_reaches_an_engine(docker: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(name, (("docker", docker),)) == 1
    assert Engine.asked == ()
    assert "as the name of a container" in capsys.readouterr().out
