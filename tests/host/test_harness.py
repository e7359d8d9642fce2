"""The hosts that other tests stand on: real, apart from each other, and gone without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.host.harness import TREE, Host, HostError, missing

API = "[Service]\nExecStart=/bin/sleep 1000\n"


def traces(name: str) -> list[str]:
    """Return what is left of a host on this machine: cgroups, mounts, folders, processes."""
    cgroups = [folder for folder, _, _ in os.walk("/sys/fs/cgroup") if name in folder]  # goes on where one vanishes
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if name in line]
    folders = [str(p) for p in Path("/tmp").glob(f"*{name}*")]
    processes = subprocess.run(["pgrep", "-f", f"test-host-{name}"], capture_output=True, text=True, check=False).stdout
    return cgroups + mounts + folders + processes.split()


def test_this_machine_can_boot_hosts() -> None:
    assert missing() == ""


def test_a_missing_program_is_named_and_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.host.harness.NEEDED", ("bash", "no-such-program"))

    with pytest.raises(HostError, match="this machine lacks no-such-program"):
        Host.up("never")


def test_systemd_is_pid_1_and_all_is_well(shared_host: Host) -> None:
    assert shared_host.read("/proc/1/comm").strip() == "systemd"
    assert shared_host.run(["systemctl", "is-system-running"]).stdout.strip() == "running"


def test_a_killed_service_is_seen_as_failed(shared_host: Host) -> None:
    shared_host.unit("victim.service", API)
    shared_host.run(["systemctl", "start", "victim.service"])

    shared_host.run(["systemctl", "kill", "-s", "KILL", "victim.service"])

    shared_host.wait_for(lambda: shared_host.show("victim.service", "ActiveState") == "failed", within=5, what="failed")
    assert shared_host.show("victim.service", "Result") == "signal"


def test_the_journal_knows_what_a_unit_printed(shared_host: Host) -> None:
    shared_host.unit("speaker.service", "[Service]\nType=oneshot\nExecStart=/bin/echo hello there\n")
    shared_host.run(["systemctl", "start", "speaker.service"])
    shared_host.run(["journalctl", "--sync"])

    assert "hello there" in shared_host.run(["journalctl", "-u", "speaker.service", "-o", "cat"]).stdout


def test_polkit_refuses_a_stranger(shared_host: Host) -> None:
    shared_host.unit("guarded.service", API)

    refused = shared_host.run(
        ["systemctl", "--no-ask-password", "restart", "guarded.service"], user="nobody", check=False
    )

    assert refused.returncode != 0
    assert "authentication required" in refused.stderr.lower()


def test_a_users_own_manager_runs(shared_host: Host) -> None:
    shared_host.run(["systemctl", "start", "user@65534.service"])

    assert shared_host.show("user@65534.service", "ActiveState") == "active"


def test_the_clock_cannot_be_set_inside(shared_host: Host) -> None:
    before = time.time()

    refused = shared_host.run(["date", "-s", "2001-01-01"], check=False)

    assert "Operation not permitted" in refused.stderr
    assert abs(time.time() - before) < 60


def test_the_kernels_switches_are_out_of_reach(shared_host: Host) -> None:
    refused = shared_host.run(["sh", "-c", "echo 1 >/proc/sys/vm/swappiness"], check=False)

    assert "Read-only file system" in refused.stderr


def test_what_is_written_inside_stays_inside(shared_host: Host) -> None:
    shared_host.write("/srv/inside/note", "hello\n", mode=0o600)

    assert shared_host.read("/srv/inside/note") == "hello\n"
    assert shared_host.run(["stat", "-c", "%a", "/srv/inside/note"]).stdout.strip() == "600"
    assert not Path("/srv/inside").exists()


def test_the_work_tree_is_visible_inside(shared_host: Host) -> None:
    assert shared_host.read(f"{TREE}/pyproject.toml") == (TREE / "pyproject.toml").read_text()


def test_there_is_a_loopback_and_nothing_else(shared_host: Host) -> None:
    links = shared_host.run(["ip", "-o", "link"]).stdout.splitlines()

    assert [line.split()[1] for line in links if "state DOWN" not in line] == ["lo:"]
    assert shared_host.run(["ip", "route"]).stdout == ""


def test_the_kernels_log_is_not_shared_unless_asked_for(shared_host: Host) -> None:
    assert shared_host.run(["test", "-e", "/dev/kmsg"], check=False).returncode == 1
    assert "_TRANSPORT=kernel" not in shared_host.run(["journalctl", "-b", "-o", "export"]).stdout

    reader = Host.up("reader", kernel_log=True)
    assert reader.run(["test", "-r", "/dev/kmsg"]).returncode == 0
    reader.down()


def test_two_hosts_do_not_know_each_other(shared_host: Host, host: Host) -> None:
    for each in (shared_host, host):
        each.unit("same.service", API)
        each.run(["systemctl", "start", "same.service"])

    host.run(["systemctl", "stop", "same.service"])

    assert shared_host.show("same.service", "ActiveState") == "active"
    assert shared_host.read("/etc/machine-id") != host.read("/etc/machine-id")


def test_a_command_that_takes_too_long_is_killed_and_said(shared_host: Host) -> None:
    with pytest.raises(HostError, match=r"took over 0\.3 s"):
        shared_host.run(["sleep", "4321"], timeout=0.3)

    assert shared_host.run(["pgrep", "-f", "^sleep 4321"], check=False).stdout == ""


def test_an_exit_code_is_an_error_unless_asked_for(shared_host: Host) -> None:
    with pytest.raises(HostError, match="exited 3: oh"):
        shared_host.run(["sh", "-c", "echo oh >&2; exit 3"])

    assert shared_host.run(["sh", "-c", "exit 3"], check=False).returncode == 3


def test_waiting_in_vain_says_for_what(shared_host: Host) -> None:
    with pytest.raises(HostError, match="in vain for the moon"):
        shared_host.wait_for(lambda: False, within=0.05, what="the moon")


def test_a_spawned_command_runs_beside_the_test(shared_host: Host) -> None:
    beside = shared_host.spawn(["sh", "-c", "echo ready; exec sleep 1000"], user="nobody")

    assert beside.stdout is not None
    assert beside.stdout.readline() == "ready\n"
    assert beside.poll() is None
    beside.kill()
    beside.communicate()


@pytest.mark.parametrize("clean", [False, True])
def test_a_reboot_keeps_the_disk_and_nothing_else(host: Host, clean: bool) -> None:
    host.write("/srv/kept", "kept\n")
    host.write("/run/lost", "lost\n")
    before, boot = host.pid, host.read("/proc/sys/kernel/random/boot_id")

    host.reboot(clean=clean)

    assert host.read("/srv/kept") == "kept\n"
    assert host.run(["test", "-e", "/run/lost"], check=False).returncode == 1
    assert host.pid != before
    assert host.read("/proc/sys/kernel/random/boot_id") != boot
    assert float(host.read("/proc/uptime").split()[0]) < 30


def test_a_host_says_it_has_been_up_for_an_hour(shared_host: Host) -> None:
    assert 3600 <= float(shared_host.read("/proc/uptime").split()[0]) < 3600 + 300


def test_a_host_is_gone_without_a_trace() -> None:
    gone = Host.up("gone")
    assert traces(gone.name)

    gone.down()

    assert traces(gone.name) == []


def test_a_host_dies_with_its_test_process_even_when_that_is_killed() -> None:
    script = (
        "import sys, time; from tests.host.harness import Host; host = Host.up('orphan');"
        " print(host.name, flush=True); time.sleep(1000)"
    )
    child = subprocess.Popen([sys.executable, "-c", script], cwd=TREE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    name = child.stdout.readline().strip()
    assert traces(name)

    os.kill(child.pid, signal.SIGKILL)
    child.communicate()

    deadline = time.monotonic() + 10
    while traces(name) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert traces(name) == []
