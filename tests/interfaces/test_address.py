"""Where the control socket of an instance lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsagent.interfaces import address


@pytest.mark.parametrize(
    ("settings", "state", "socket"),
    [
        ("/etc/opsagent/opsagent.yaml", "/var/lib/opsagent", "/run/opsagent/control.sock"),
        ("/etc/opsagent/opsagent.yaml", "/srv/opsagent", "/run/opsagent/control.sock"),
        ("/home/ann/o.yaml", "/home/ann/.local/state/opsagent", "/home/ann/.local/state/opsagent/control.sock"),
        ("/root/try.yaml", "/var/lib/opsagent", "/var/lib/opsagent/control.sock"),
        (None, "/home/ann/.local/state/opsagent", "/home/ann/.local/state/opsagent/control.sock"),
        (None, "/var/lib/opsagent", "/run/opsagent/control.sock"),
    ],
)
def test_only_the_hosts_own_instance_has_its_socket_where_all_may_enter(
    settings: str | None, state: str, socket: str
) -> None:
    assert address.of(Path(settings) if settings else None, Path(state)) == Path(socket)


def test_a_short_path_is_its_own_address(tmp_path: Path) -> None:
    with address.reachable(Path("/run/opsagent/control.sock")) as found:
        assert found == "/run/opsagent/control.sock"


def test_a_long_path_is_reached_by_way_of_its_directory(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 150)
    deep.mkdir()

    with address.reachable(deep / "control.sock") as found:
        assert found.startswith("/proc/self/fd/")
        assert Path(found).parent.samefile(deep)
