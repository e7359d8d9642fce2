"""Who listens where, on this very machine and from made-up tables."""

from __future__ import annotations

import os
import socket
import struct
import threading
from pathlib import Path

import pytest

from opsagent.host import listeners as room
from opsagent.host import sock_diag
from opsagent.host.cgroups import cgroup2_root, first_process, paths_of, unit_of_process, units_in
from opsagent.host.listeners import ListenersError, ListeningSocket, listeners


def mine(port: int, protocol: str = "tcp") -> list[ListeningSocket]:
    return [one for one in listeners() if (one.port, one.protocol) == (port, protocol)]


@pytest.mark.parametrize(
    ("family", "address", "v4_too"),
    [(socket.AF_INET, "127.0.0.1", False), (socket.AF_INET, "0.0.0.0", False), (socket.AF_INET6, "::1", False)],
)
def test_a_listening_port_is_found_with_its_address(family: socket.AddressFamily, address: str, v4_too: bool) -> None:
    with socket.socket(family) as server:
        server.bind((address, 0))
        server.listen()
        port = server.getsockname()[1]

        assert [(one.address, one.v4_too) for one in mine(port)] == [(address, v4_too)]
    assert mine(port) == []


@pytest.mark.parametrize("only", [0, 1])
def test_a_socket_on_any_v6_address_says_whether_it_answers_v4(only: int) -> None:
    with socket.socket(socket.AF_INET6) as server:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        server.bind(("::", 0))
        server.listen()

        assert [one.v4_too for one in mine(server.getsockname()[1])] == [not only]


def test_a_bound_udp_socket_is_found_and_a_connected_one_is_not() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as bound, socket.socket(type=socket.SOCK_DGRAM) as connected:
        bound.bind(("127.0.0.1", 0))
        connected.connect(bound.getsockname())

        assert len(mine(bound.getsockname()[1], "udp")) == 1
        assert mine(connected.getsockname()[1], "udp") == []


def test_a_port_that_is_bound_but_not_listened_on_is_not_open() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))

        assert mine(server.getsockname()[1]) == []


def test_many_threads_may_ask_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found: list[int] = []
        port = server.getsockname()[1]
        asking = [threading.Thread(target=lambda: found.append(len(mine(port)))) for _ in range(16)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()

    assert found == [1] * 16


def test_a_hundred_sockets_come_in_many_messages_and_none_is_lost() -> None:
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(300)]
    ports = {server.getsockname()[1] for server in servers}

    found = {one.port for one in listeners()}

    for server in servers:
        server.close()
    assert ports <= found


def test_a_kernel_that_refuses_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> tuple[sock_diag.DiagSocket, ...]:
        raise OSError(97, "Address family not supported by protocol")

    monkeypatch.setattr(sock_diag, "listening", refuse)

    with pytest.raises(ListenersError, match=r"cannot read the table of sockets: .*Address family"):
        listeners()


def test_a_row_is_read_from_its_bytes() -> None:
    source = socket.inet_pton(socket.AF_INET, "10.1.2.3") + bytes(12)
    fixed = struct.pack(
        "=BBBB2s2s16s16sI8sIIIII", socket.AF_INET, 10, 0, 0, b"\x1f\x90", b"\0\0", source, bytes(16), 0, bytes(8),
        0, 0, 0, 33, 4711,
    )  # fmt: skip
    attributes = struct.pack("=HHB3x", 5, 11, 1) + struct.pack("=HHQ", 12, 21, 987)

    row = sock_diag.parse("tcp", fixed + attributes)
    bare = sock_diag.parse("tcp", fixed)

    assert row == sock_diag.DiagSocket(
        protocol="tcp", address="10.1.2.3", port=8080, inode=4711, cgroup=987, v6_only=True, uid=33
    )
    assert bare is not None
    assert (bare.cgroup, bare.v6_only) == (0, False)


@pytest.mark.parametrize(
    ("path", "unit", "user_unit"),
    [
        ("/system.slice/nginx.service", "nginx.service", None),
        ("/system.slice/system-api.slice/api@1.service/worker", "api@1.service", None),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/mine.service", "user@1000.service", "mine.service"),
        ("/user.slice/user-1000.slice/session-3.scope", "session-3.scope", None),
        ("/system.slice/docker-0123.scope/system.slice/nginx.service", "docker-0123.scope", None),
        ("/init.scope", "init.scope", None),
        ("/lxc/box/system.slice/nginx.service", None, None),
        ("/", None, None),
    ],
)
def test_a_control_group_belongs_to_its_first_part_that_is_no_slice(
    path: str, unit: str | None, user_unit: str | None
) -> None:
    assert units_in(path) == (unit, user_unit)


def test_the_second_hierarchy_is_found_where_it_is_mounted(tmp_path: Path) -> None:
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(
        "30 20 0:26 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
        "31 20 0:27 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw\n"
    )

    assert cgroup2_root(mountinfo) == Path("/sys/fs/cgroup/unified")
    assert cgroup2_root(tmp_path / "none") is None


def test_an_id_is_the_inode_of_its_folder(tmp_path: Path) -> None:
    group = tmp_path / "system.slice" / "nginx.service"
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text("210\n43\n")

    assert paths_of({group.stat().st_ino, 1}, tmp_path) == {group.stat().st_ino: "/system.slice/nginx.service"}
    assert first_process(group) == 43
    assert first_process(tmp_path) is None


def test_a_process_tells_its_unit_in_either_hierarchy(tmp_path: Path) -> None:
    for pid, text in (("7", "0::/system.slice/a.service\n"), ("8", "1:name=systemd:/system.slice/b.service\n0::/\n")):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "cgroup").write_text(text)

    assert unit_of_process(7, tmp_path) == ("a.service", None)
    assert unit_of_process(8, tmp_path) == ("b.service", None)
    assert unit_of_process(9, tmp_path) == (None, None)


def test_a_socket_without_a_known_group_is_traced_by_who_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.cgroups, "cgroup2_root", lambda: None)

    with socket.create_server(("127.0.0.1", 0)) as server:
        (found,) = mine(server.getsockname()[1])

    assert found.process == Path(f"/proc/{os.getpid()}/comm").read_text().strip()


def test_a_program_that_calls_itself_by_no_text_at_all_keeps_no_listener_from_being_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room.cgroups, "cgroup2_root", lambda: None)
    own = Path(f"/proc/{os.getpid()}/comm")
    before = own.read_bytes()
    own.write_bytes(b"\xff\xfe")
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            (found,) = mine(server.getsockname()[1])
    finally:
        own.write_bytes(before)

    assert found.process == "\N{REPLACEMENT CHARACTER}" * 2
