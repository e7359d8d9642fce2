"""What we hear of a real systemd: fast, after every gap, and nothing from anybody else."""

from __future__ import annotations

import os
import signal
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest
from jeepney import DBusAddress, HeaderFields, new_method_call, new_signal
from jeepney.io.blocking import open_dbus_connection

from opsagent.core.unit import UnitSnapshot
from opsagent.host.signals import Listener
from opsagent.host.systemd import Systemd
from opsagent.host.unit_names import object_path
from tests.host.harness import Host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SLEEP = "ExecStart=/bin/sleep 1000"
OFTEN = "[Unit]\nStartLimitIntervalSec=0\n"
UNITS = {
    "plain.service": f"{OFTEN}[Service]\n{SLEEP}\n",
    "later.service": f"{OFTEN}[Service]\n{SLEEP}\n",
    "revived.service": f"{OFTEN}[Service]\n{SLEEP}\nRestart=always\nRestartSec=200ms\n",
    "given-up.service": "[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=60\n"
    "[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=10ms\n",
    "real-name.service": f"{OFTEN}[Service]\n{SLEEP}\n[Install]\nAlias=nickname.service\n",
}


@dataclass
class Ear:
    """A listener in a thread of its own, and all that it told."""

    host: Host
    watched: frozenset[str]
    listener: Listener = field(default_factory=Listener)
    posts: list[tuple[float, UnitSnapshot]] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.thread = threading.Thread(
            target=self.listener.run, args=(lambda: self.watched, self._post, self.gaps.append, self.stop)
        )
        self.thread.start()
        self.wait_for(lambda: {one.name for _, one in self.posts} >= self.watched - {"nickname.service"}, "first look")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        assert self.thread is not None
        self.thread.join(5)
        assert not self.thread.is_alive()

    def _post(self, snapshot: UnitSnapshot) -> None:
        self.posts.append((time.monotonic(), snapshot))

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        self.host.wait_for(condition, within=10, what=f"{what}, heard so far: {self.states()} {self.gaps}")

    def states(self, since: int = 0) -> list[str]:
        return [f"{one.name} {one.active_state}/{one.sub_state}" for _, one in self.posts[since:]]

    def hear(self, state: str, since: int = 0) -> float:
        """Wait for this post and return when it came."""
        self.wait_for(lambda: state in self.states(since), state)
        return self.posts[since:][self.states(since).index(state)][0]


@pytest.fixture(scope="module")
def manager(shared_host: Host) -> Host:
    script = "".join(f"cat >/etc/systemd/system/{name} <<'END'\n{text}END\n" for name, text in UNITS.items())
    shared_host.run(["sh", "-e"], stdin=f"{script}systemctl daemon-reload\nsystemctl -q enable real-name.service\n")
    return shared_host


@pytest.fixture
def bus(manager: Host, monkeypatch: pytest.MonkeyPatch) -> Host:
    socket = f"/proc/{manager.pid}/root/run/dbus/system_bus_socket"
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={socket}")
    manager.run(["systemctl", "start", "plain.service", "revived.service", "real-name.service"])
    return manager


@pytest.fixture
def ear(bus: Host) -> Iterator[Ear]:
    with Ear(bus, frozenset({"plain.service", "revived.service"})) as listening:
        yield listening


def kill(host: Host, unit: str) -> float:
    """Kill a unit's main process and return the moment of it; from out here, so that the moment is exact."""
    group = host.show(unit, "ControlGroup")
    inside = int(host.show(unit, "MainPID"))
    main = next(pid for pid in outer_pids() if inner_pid(pid) == inside and cgroup(pid).endswith(group))
    began = time.monotonic()
    os.kill(main, signal.SIGKILL)
    return began


def outer_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def inner_pid(pid: int) -> int:
    """Return the number that a process has in the innermost host, 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[-1]) for line in lines if line.startswith("NSpid:")), 0)


def cgroup(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cgroup").read_text().splitlines()[-1]
    except (OSError, IndexError):
        return ""


def test_every_watched_unit_is_told_once_at_the_start_also_one_that_is_not_there(bus: Host) -> None:
    with Ear(bus, frozenset({"plain.service", "nobody-knows.service"})) as ear:
        pass

    assert ear.gaps == ["connected to systemd"]
    assert sorted((one.name, one.load_state) for _, one in ear.posts) == [
        ("nobody-knows.service", "not-found"),
        ("plain.service", "loaded"),
    ]


def test_a_killed_process_is_heard_of_at_once(ear: Ear) -> None:
    took = []
    for _ in range(5):
        before = len(ear.posts)
        began = kill(ear.host, "plain.service")
        took.append(ear.hear("plain.service failed/failed", before) - began)
        ear.host.run(["systemctl", "start", "plain.service"])
        ear.hear("plain.service active/running", before)

    assert statistics.median(took) < 0.1
    assert ear.posts[-1][1].result == "success"


def test_what_systemd_restarts_itself_is_never_told_as_failed(ear: Ear) -> None:
    before = len(ear.posts)

    kill(ear.host, "revived.service")

    ear.wait_for(lambda: ear.posts[-1][1].nrestarts >= 1 and ear.states()[-1].endswith("active/running"), "the revival")
    told = [state for state in ear.states(before) if state.startswith("revived")]
    assert told == ["revived.service activating/auto-restart", "revived.service active/running"]


def test_a_unit_that_systemd_gives_up_is_told_as_failed(bus: Host) -> None:
    with Ear(bus, frozenset({"given-up.service"})) as ear:
        bus.run(["systemctl", "start", "given-up.service"])
        ear.hear("given-up.service failed/failed")

    assert ear.posts[-1][1].nrestarts == 2


@dataclass
class Counted(Systemd):
    """Counts how often each unit is read."""

    reads: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        super().__init__()

    def snapshot(self, unit: str) -> UnitSnapshot | None:
        self.reads[unit] += 1
        return super().snapshot(unit)


def test_reading_a_unit_that_rests_is_no_reason_to_read_it_again(bus: Host) -> None:
    reader = Counted()
    listener = Listener()
    listener._reader = reader
    with Ear(bus, frozenset({"plain.service", "later.service", "nobody-knows.service"}), listener) as ear:
        for _ in range(5):  # systemd loads what is looked at, and says when it drops it again
            before = len(ear.posts)
            bus.run(["systemctl", "restart", "plain.service"])
            ear.hear("plain.service active/running", before)
        bus.run(["systemctl", "start", "later.service"])
        ear.hear("later.service active/running")
        bus.run(["systemctl", "stop", "later.service"])

    assert reader.reads["nobody-knows.service"] == 1
    assert reader.reads["later.service"] < 20


def test_a_stopped_unit_is_told_as_inactive_with_its_result(ear: Ear) -> None:
    ear.host.run(["systemctl", "stop", "plain.service"])

    ear.hear("plain.service inactive/dead")
    assert ear.posts[-1][1].result == "success"


def test_signals_come_under_the_primary_name_of_an_alias(bus: Host) -> None:
    with Ear(bus, frozenset({"nickname.service"})) as ear:
        ear.hear("real-name.service active/running")
        kill(bus, "real-name.service")
        ear.hear("real-name.service failed/failed")

    assert {one.name for _, one in ear.posts} == {"real-name.service"}


def test_units_that_settings_add_are_read_and_units_that_they_drop_are_not(ear: Ear) -> None:
    ear.watched = frozenset({"later.service"})
    ear.hear("later.service inactive/dead")
    before = len(ear.posts)

    ear.host.run(["systemctl", "restart", "plain.service", "later.service"])

    ear.hear("later.service active/running")
    assert not [state for state in ear.states(before) if state.startswith("plain")]


def test_a_forged_signal_is_dropped_and_counted(ear: Ear) -> None:
    before = len(ear.posts)
    with open_dbus_connection("SYSTEM") as forger:
        driver = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
        names = forger.send_and_get_reply(new_method_call(driver, "ListNames"), timeout=5).body[0]
        for name in {name for name in names if name.startswith(":")} - {forger.unique_name}:
            forge(forger, name)

    ear.wait_for(lambda: ear.listener.forged >= 2, "the forgeries")
    assert len(ear.posts) == before


def forge(forger: object, victim: str) -> None:
    """Tell `victim` that a unit failed and that systemd was reloaded, as any local user can."""
    unit = DBusAddress(object_path("plain.service"), interface="org.freedesktop.DBus.Properties")
    manager = DBusAddress("/org/freedesktop/systemd1", interface="org.freedesktop.systemd1.Manager")
    body = ("org.freedesktop.systemd1.Unit", {"ActiveState": ("s", "failed")}, [])
    for forged in (
        new_signal(unit, "PropertiesChanged", "sa{sv}as", body),
        new_signal(manager, "Reloading", "b", (False,)),
    ):
        forged.header.fields[HeaderFields.destination] = victim  # unicast: no match rule filters that
        forger.send(forged)  # type: ignore[attr-defined]


def test_a_reload_is_a_gap_and_what_is_new_after_it_is_told(ear: Ear) -> None:
    file = "/etc/systemd/system/plain.service"

    ear.host.run(["sh", "-c", f"mv {file} {file}.away; systemctl daemon-reload"])

    ear.wait_for(lambda: "systemd was reloaded" in ear.gaps, "the reload")
    ear.wait_for(lambda: [one for _, one in ear.posts if one.load_state == "not-found"], "the file that is gone")
    ear.host.run(["sh", "-c", f"mv {file}.away {file}; systemctl daemon-reload"])


def test_a_re_executed_systemd_is_still_heard(ear: Ear) -> None:
    ear.host.run(["systemctl", "daemon-reexec"])
    ear.wait_for(lambda: len(ear.gaps) >= 2, "the gap")
    before = len(ear.posts)

    kill(ear.host, "plain.service")

    ear.hear("plain.service failed/failed", before)
    assert any(gap in ear.gaps[1:] for gap in ("systemd was re-executed", "connected to systemd"))


def test_what_failed_while_the_bus_was_away_is_found_afterwards(ear: Ear) -> None:
    ear.host.run(["sh", "-c", "systemctl stop dbus.service dbus.socket; systemctl kill -s KILL plain.service"])
    ear.wait_for(lambda: len(ear.gaps) >= 2, "the loss")

    ear.host.run(["systemctl", "start", "dbus.socket", "dbus.service"])

    ear.hear("plain.service failed/failed")
    assert ear.gaps[1].startswith("lost systemd: ")
    assert ear.gaps[-1] == "connected to systemd"


def test_a_resync_finds_what_no_signal_tells(ear: Ear) -> None:
    before = len(ear.posts)
    ear.host.write("/etc/systemd/system/plain.service", UNITS["plain.service"] + "Nice=1\n")

    ear.listener.resync()

    ear.wait_for(lambda: [one for _, one in ear.posts[before:] if one.need_daemon_reload], "the edited file")
    assert {one.name for _, one in ear.posts[before:] if one.need_daemon_reload} == {"plain.service"}
    ear.host.write("/etc/systemd/system/plain.service", UNITS["plain.service"])
    ear.host.run(["systemctl", "daemon-reload"])


def test_a_bus_that_never_comes_is_said_once_and_the_loop_ends_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/bus")
    gaps: list[str] = []
    tries: list[float] = []

    class Impatient(threading.Event):
        """Never waits, and ends after five tries."""

        def wait(self, timeout: float | None = None) -> bool:
            tries.append(timeout or 0)
            if len(tries) == 5:
                self.set()
            return self.is_set()

    stop = Impatient()
    Listener().run(frozenset, lambda _: None, gaps.append, stop)

    assert len(gaps) == 1
    assert gaps[0].startswith("lost systemd: cannot reach the system bus")
    assert tries == sorted(tries)
    assert max(tries) <= 30
