"""One more check for settings that are there already."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from opsagent.host import inventory
from opsagent.interfaces import adding
from opsagent.interfaces.cli import build, place
from tests.core.environment.hosts import listener, program

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

    from opsagent.core.environment import Listener

OLD = "checks:\n  - {name: ram, kind: memory}\n  - {name: web-8443, kind: file, path: /etc/hostname}\n"
FOUND = (
    listener(6379),
    listener(22, "ssh", "0.0.0.0", "::", watched_by=("ssh-22",)),
    listener(8443, "web", "192.168.1.5"),
    listener(80, "nginx", "0.0.0.0"),
    listener(443, "nginx", "0.0.0.0"),
    listener(5432, "postgresql@15-main"),
    program(9000, "python3", "0.0.0.0"),
    listener(53, "named", protocol="udp"),
    listener(40001, "rpc-statd", "0.0.0.0", chosen=True),
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found: tuple[Listener, ...] = FOUND
    monkeypatch.setattr(adding, "who_listens", lambda *_: found)
    monkeypatch.setattr(adding, "page_of", lambda _: None)
    path = tmp_path / "opsagent.yaml"
    path.write_text(OLD)
    return path


def add(settings: Path, name: str, *words: str) -> Result:
    return CliRunner().invoke(build(["init"]), ["init", str(settings), "--add", name, *words])


@pytest.mark.parametrize(
    ("name", "check", "keys"),
    [
        ("redis-server-6379", "redis-server-6379", {"port": 6379, "unit": "redis-server.service"}),
        ("redis-server", "redis-server-6379", {"port": 6379, "unit": "redis-server.service"}),
        ("redis-server.service", "redis-server-6379", {"port": 6379}),
        ("6379", "redis-server-6379", {"port": 6379}),
        ("udp 53", "named-53", {"port": 53, "protocol": "udp"}),
        ("postgresql-15-main-5432", "postgresql-15-main-5432", {"unit": "postgresql@15-main.service"}),
        ("port-9000", "port-9000", {"port": 9000, "unit": ""}),
        ("python3", "port-9000", {"port": 9000}),
    ],
)
def test_exactly_the_check_that_would_watch_it_is_added(settings: Path, name: str, check: str, keys: dict) -> None:
    result = add(settings, name, "--json")

    path = settings.parent / "conf.d" / f"{check}.yaml"
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"path": str(path), "check": check}
    assert path.stat().st_mode & 0o777 == 0o640
    (new,) = [one for one in place.read(settings).watched if one.policy.name == check]
    assert new.policy.kind == "listen"
    assert new.policy.repair == ()
    assert {key: getattr(new.check, key) for key in keys} == keys
    assert settings.read_text() == OLD


def test_a_health_page_is_asked_rather_than_its_port_looked_up(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = adding.Finding(
        kind=adding.FindingKind.HEALTH,
        name="p",
        unit="redis-server.service",
        port=6379,
        url="http://127.0.0.1:6379/health",
        status=200,
    )
    monkeypatch.setattr(adding, "page_of", lambda _: page)

    assert add(settings, "redis-server-6379").exit_code == 0

    (new,) = [one for one in place.read(settings).watched if one.policy.name == "redis-server"]
    assert (new.policy.kind, new.check.url) == ("http", page.url)  # type: ignore[attr-defined]


def test_a_name_that_is_taken_gets_a_number(settings: Path) -> None:
    assert add(settings, "web").exit_code == 0

    assert "web-8443-2" in {one.name for one in place.read(settings).policy.checks}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ssh", "ssh-22 watches it already"),
        ("22", "ssh-22 watches it already"),
        ("nginx", "cannot tell which listener 'nginx' is, allowed: nginx-80, nginx-443"),
        ("rpc-statd", "the kernel chose it"),
        ("../../etc/passwd", "allowed: a unit, or what listens unwatched: named-53, nginx-443"),
    ],
)
def test_what_cannot_be_added_is_refused_and_nothing_is_written(settings: Path, name: str, why: str) -> None:
    result = add(settings, name)

    assert result.exit_code == 1
    assert why in result.stderr
    assert list(settings.parent.iterdir()) == [settings]


def test_a_file_that_is_there_is_never_overwritten(settings: Path) -> None:
    (settings.parent / "conf.d").mkdir()
    there = settings.parent / "conf.d" / "redis-server-6379.yaml"
    there.write_text("checks: []\n")

    result = add(settings, "redis-server")

    assert result.exit_code == 1
    assert f"cannot write {there}: File exists" in result.stderr
    assert there.read_text() == "checks: []\n"


def test_settings_that_are_bad_already_get_nothing_added(settings: Path) -> None:
    settings.write_text("checks: 5\n")

    assert add(settings, "redis-server").exit_code == 1
    assert list(settings.parent.iterdir()) == [settings]


def test_what_makes_the_settings_bad_is_taken_back(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adding.init, "written", lambda _: "  - {name: 5}\n")

    result = add(settings, "redis-server")

    assert "nothing was written" in result.stderr
    assert list((settings.parent / "conf.d").iterdir()) == []


def test_without_settings_there_is_nothing_to_add_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "settings_file", lambda _: None)

    assert "allowed: after opsagent init" in CliRunner().invoke(build(["init"]), ["init", "--add", "redis"]).stderr


def test_a_port_of_this_very_machine_can_be_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "port_range", lambda: range(0))
    path = tmp_path / "opsagent.yaml"
    path.write_text(OLD)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]

        result = add(path, str(port))

    assert result.exit_code == 0, result.stderr
    (new,) = [one for one in place.read(path).watched if one.policy.kind == "listen"]
    assert new.check.port == port  # type: ignore[attr-defined]
