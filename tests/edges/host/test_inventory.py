"""What this very machine is like: its listeners, its release, the variables of a service, the packages of files."""

from __future__ import annotations

import os
import pwd
import socket
from typing import TYPE_CHECKING

import pytest

from opsagent.core.environment import Listener, Target
from opsagent.host import inventory, packages, variables
from opsagent.host.inventory import port_range, system, who_listens
from opsagent.host.listeners import ListeningSocket

if TYPE_CHECKING:
    from pathlib import Path


def found(port: int, *targets: Target) -> list[Listener]:
    return [one for one in who_listens(targets) if one.port == port]


def test_a_port_that_is_held_is_found_with_who_watches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "port_range", lambda: range(0))
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]

        (one,) = found(port, Target(check="web", host="127.0.0.1", port=port), Target(check="other", port=port + 1))

    assert (one.protocol, one.addresses, one.watched_by) == ("tcp", ("127.0.0.1",), ("web",))


def test_a_port_that_the_kernel_chose_is_known_as_such() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]

        assert port in port_range()
        assert any(one.chosen for one in who_listens())


@pytest.mark.parametrize(
    ("one", "scope", "unit", "process"),
    [
        ({"unit": "nginx.service", "process": "nginx"}, "system", "nginx.service", "nginx"),
        ({"unit": "nginx.service", "process": "nginx"}, "user", None, "nginx"),
        ({"unit": "session-3.scope", "process": "sshd"}, "system", None, "a session of root"),
        ({"unit": "user@0.service", "user_unit": "web.service"}, "system", None, "web.service of root"),
        ({"unit": "user@0.service", "user_unit": "web.service", "process": "w"}, "user", "web.service", "w"),
        ({"unit": "user@0.service", "user_unit": "run-3.scope"}, "system", None, "a session of root"),
        ({"unit": None, "process": "nc"}, "system", None, "nc"),
        ({"unit": None}, "system", None, "a program of root"),
        ({"unit": "docker.scope", "process": "docker-proxy"}, "system", None, "docker-proxy"),
    ],
)
def test_who_holds_a_port_is_said_by_what_lasts(
    monkeypatch: pytest.MonkeyPatch, one: dict, scope: str, unit: str | None, process: str | None
) -> None:
    monkeypatch.setattr(inventory, "_user", lambda _: "root")
    row = ListeningSocket(protocol="tcp", address="0.0.0.0", port=80, uid=os.geteuid(), **one)
    monkeypatch.setattr(inventory, "listeners", lambda: (row,))

    (seen,) = who_listens(scope=scope)

    assert (seen.unit, seen.process) == (unit, process)


def test_our_own_port_is_not_our_business(monkeypatch: pytest.MonkeyPatch) -> None:
    row = ListeningSocket(protocol="tcp", address="127.0.0.1", port=80, unit="opsagent.service")
    monkeypatch.setattr(inventory, "listeners", lambda: (row,))

    assert who_listens() == ()


def test_a_listener_that_is_to_be_ignored_is_marked_and_no_check_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    row = ListeningSocket(protocol="tcp", address="0.0.0.0", port=80, unit="nginx.service")
    monkeypatch.setattr(inventory, "listeners", lambda: (row,))

    (one,) = who_listens((Target(check="", name="nginx"), Target(check="", name="ssh")))

    assert (one.ignored, one.watched_by) == (True, ())


def test_a_user_without_a_name_is_a_number() -> None:
    free = next(uid for uid in range(60_000, 65_000) if uid not in {one.pw_uid for one in pwd.getpwall()})

    assert inventory._user(free) == f"user {free}"


def test_the_release_is_said_with_its_point(tmp_path: Path) -> None:
    release, point = tmp_path / "os-release", tmp_path / "debian_version"
    assert system(release, point) == ""
    release.write_text('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n')
    assert system(release, point) == "Debian GNU/Linux 12 (bookworm)"
    point.write_text("12.7\n")
    assert system(release, point) == "Debian GNU/Linux 12 (bookworm), 12.7"
    release.write_text("PRETTY_NAME='Rocky Linux 9.4'\nID=rocky\n")
    assert system(release, point) == "Rocky Linux 9.4"


def test_without_an_answer_of_the_kernel_the_usual_range_counts(tmp_path: Path) -> None:
    path = tmp_path / "range"
    assert port_range(path) == inventory.USUAL_RANGE
    path.write_text("1024\t2000\n")
    assert port_range(path) == range(1024, 2001)


def test_names_of_variables_are_read_and_no_value_ever(tmp_path: Path) -> None:
    file = tmp_path / "api.env"
    file.write_text(
        "# A_COMMENT=1\n; ANOTHER=1\nDB_PASSWORD=hunter2\n  PORT = 80\nLONG=one \\\nNOT_A_NAME=two\nno equals\n9X=1\n"
    )

    names, unread = variables.names(["TOKEN=secret=more", "broken"], [(str(tmp_path / "*.env"), False)])

    assert names == ("DB_PASSWORD", "LONG", "PORT", "TOKEN")
    assert unread == ()


def test_a_file_of_variables_that_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert variables.names([], [(str(tmp_path / "pipe"), True), (str(tmp_path / "gone"), True)]) == (
        (),
        (str(tmp_path / "pipe"),),
    )


def test_a_file_belongs_to_its_package_by_either_of_its_names() -> None:
    owners = packages.owners(("/bin/sh", "/usr/bin/dpkg", "/etc/never/packaged"))

    assert owners["/usr/bin/dpkg"].name == "dpkg"
    assert owners["/usr/bin/dpkg"].version
    assert "/etc/never/packaged" not in owners


def test_the_packages_are_asked_again_when_one_has_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(packages, "DATABASES", (tmp_path / "status",))
    monkeypatch.setattr(packages, "_there", lambda program: program == "rpm")
    monkeypatch.setattr(
        packages, "_output", lambda argv: asked.append(argv) or "nginx 1.26-1.el9\nfile /b is not owned\n"
    )
    paths = ("/a", "/b", str(tmp_path))

    for _ in range(3):
        assert packages.owners(paths) == {"/a": packages.Package(name="nginx", version="1.26-1.el9")}
    assert len(asked) == 1
    (tmp_path / "status").touch()
    packages.owners(paths)
    assert len(asked) == 2


def test_a_host_without_packages_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_there", lambda _: False)

    assert packages.owners(("/no/packages/here",)) == {}
    assert packages.owners(()) == {}
