"""What systemd really answers, case by case, asked by our own code on a booted host."""

from __future__ import annotations

import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.host.systemd import Systemd
from tests.host.harness import TREE, Host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.unit import JobOutcome, UnitSnapshot

SLEEP = "ExecStart=/bin/sleep 1000"
OFTEN = "[Unit]\nStartLimitIntervalSec=0\n"
UNITS = {
    "healthy.service": f"{OFTEN}[Service]\n{SLEEP}\n",
    "no-binary.service": "[Service]\nExecStart=/nowhere/to/be/found\n",
    "dies-soon.service": "[Service]\nExecStart=/bin/sh -c 'sleep 0.2; exit 7'\n",
    "exec-no-binary.service": f"{OFTEN}[Service]\nType=exec\nExecStart=/nowhere/to/be/found\n",
    "notify-dies.service": "[Service]\nType=notify\nExecStart=/bin/sh -c 'sleep 0.2; exit 1'\n",
    "notify-never.service": f"[Service]\nType=notify\nTimeoutStartSec=500ms\n{SLEEP}\n",
    "needs-broken.service": f"[Unit]\nRequires=broken.service\nAfter=broken.service\n[Service]\n{SLEEP}\n",
    "broken.service": "[Service]\nType=oneshot\nExecStart=/bin/false\n",
    "condition.service": f"[Unit]\nConditionPathExists=/nowhere\n[Service]\n{SLEEP}\n",
    "limited.service": "[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=60\n[Service]\nExecStart=/bin/false\n",
    "slow-start.service": f"{OFTEN}[Service]\nExecStartPre=/bin/sleep 0.4\n{SLEEP}\n",
    "slow-stop.service": f"{OFTEN}[Service]\n{SLEEP}\nExecStop=/bin/sleep 0.5\n",
    "by-dependency.service": f"[Unit]\nRefuseManualStart=yes\n[Service]\n{SLEEP}\n",
    "reloads.service": f"[Service]\n{SLEEP}\nExecReload=/bin/touch /run/reloaded\n",
    "named.service": f"[Service]\n{SLEEP}\n[Install]\nAlias=other-name.service\n",
    "root.service": f"[Service]\n{SLEEP}\n",
    "required.service": f"[Unit]\nRequires=root.service\nAfter=root.service\n[Service]\n{SLEEP}\n",
    "bound.service": f"[Unit]\nBindsTo=required.service\nAfter=required.service\n[Service]\n{SLEEP}\n",
    "part.service": f"[Unit]\nPartOf=root.service\n[Service]\n{SLEEP}\n",
    "down.service": f"[Unit]\nRequires=root.service\n[Service]\n{SLEEP}\n",
    "below-down.service": f"[Unit]\nPartOf=down.service\n[Service]\n{SLEEP}\n",
    "wanted.service": f"[Unit]\nWants=root.service\n[Service]\n{SLEEP}\n",
}
TREE_UP = ("root", "required", "bound", "part", "below-down", "wanted")
PATIENCE = timedelta(seconds=10)


@pytest.fixture(scope="module")
def manager(shared_host: Host) -> Host:
    """A host with all units of this file, and nothing running."""
    script = "".join(f"cat >/etc/systemd/system/{name} <<'END'\n{text}END\n" for name, text in UNITS.items())
    shared_host.run(["sh", "-e"], stdin=f"{script}systemctl daemon-reload\nsystemctl -q enable named.service\n")
    shared_host.run(["systemctl", "mask", "healthy-not.service"])
    return shared_host


@pytest.fixture
def systemd(manager: Host, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    """Our own connection to the host's bus, from outside."""
    socket = f"/proc/{manager.pid}/root/run/dbus/system_bus_socket"
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={socket}")
    connected = Systemd()
    yield connected
    connected.close()


def read(systemd: Systemd, unit: str) -> UnitSnapshot:
    snapshot = systemd.snapshot(unit)
    assert snapshot is not None
    return snapshot


def wait_until_failed(manager: Host, systemd: Systemd, unit: str) -> UnitSnapshot:
    manager.wait_for(lambda: read(systemd, unit).active_state == "failed", within=5, what=f"{unit} to fail")
    return read(systemd, unit)


def after(outcome: JobOutcome) -> UnitSnapshot:
    assert outcome.after is not None
    return outcome.after


def ask_inside(manager: Host, *lines: str) -> str:
    """Return what a program inside prints, which has a `systemd` of its own."""
    script = "\n".join(("from opsagent.host.systemd import Systemd", "systemd = Systemd()", *lines))
    python = ["env", f"PYTHONPATH={TREE}", "PYTHONDONTWRITEBYTECODE=1", sys.executable, "-c", script]
    return manager.run(python).stdout.strip()


def test_a_restart_of_a_healthy_unit_is_done_and_gives_a_new_invocation(systemd: Systemd) -> None:
    first = systemd.job("restart", "healthy.service", PATIENCE)
    second = systemd.job("restart", "healthy.service", PATIENCE)

    assert (first.result, second.result) == ("done", "done")
    assert after(second).active_state == "active"
    assert after(second).main_pid > 1
    assert "" != after(first).invocation_id != after(second).invocation_id


def test_a_missing_binary_is_done_at_first_and_failed_a_moment_later(manager: Host, systemd: Systemd) -> None:
    outcome = systemd.job("restart", "no-binary.service", PATIENCE)

    assert outcome.result == "done"
    assert wait_until_failed(manager, systemd, "no-binary.service").exec_main_status == 203


def test_a_process_that_dies_soon_is_done_and_fails_after_that(manager: Host, systemd: Systemd) -> None:
    outcome = systemd.job("restart", "dies-soon.service", PATIENCE)

    assert (outcome.result, after(outcome).active_state) == ("done", "active")
    failed = wait_until_failed(manager, systemd, "dies-soon.service")
    assert (failed.result, failed.exec_main_status) == ("exit-code", 7)


@pytest.mark.parametrize(
    ("unit", "result"),
    [
        ("exec-no-binary.service", "exit-code"),
        ("notify-dies.service", "exit-code"),
        ("notify-never.service", "timeout"),
    ],
)
def test_a_start_that_systemd_can_judge_is_a_failed_job(systemd: Systemd, unit: str, result: str) -> None:
    outcome = systemd.job("restart", unit, PATIENCE)

    assert outcome.result == "failed"
    assert (after(outcome).active_state, after(outcome).result) == ("failed", result)


def test_a_required_unit_that_fails_makes_the_job_a_dependency_failure(systemd: Systemd) -> None:
    outcome = systemd.job("restart", "needs-broken.service", PATIENCE)

    assert (outcome.result, after(outcome).active_state) == ("dependency", "inactive")


def test_an_unmet_condition_is_done_and_nothing_runs(systemd: Systemd) -> None:
    outcome = systemd.job("restart", "condition.service", PATIENCE)

    assert (outcome.result, after(outcome).active_state) == ("done", "inactive")
    # systemd unloads it at once and forgets that it looked at the condition
    assert (after(outcome).invocation_id, after(outcome).condition_result) == ("", True)


def test_the_start_limit_fails_the_job_and_keeps_the_invocation_until_it_is_reset(
    manager: Host, systemd: Systemd
) -> None:
    for _ in range(2):
        systemd.job("restart", "limited.service", PATIENCE)
        before = wait_until_failed(manager, systemd, "limited.service")

    limited = systemd.job("restart", "limited.service", PATIENCE)
    reset = systemd.reset_failed("limited.service")
    again = systemd.job("restart", "limited.service", PATIENCE)

    assert (limited.result, after(limited).result) == ("failed", "exit-code")
    assert after(limited).invocation_id == before.invocation_id
    assert (after(limited).start_limit_burst, after(limited).start_limit_interval) == (2, timedelta(seconds=60))
    assert (reset.result, after(reset).active_state) == ("done", "inactive")
    assert again.result == "done"


def test_two_restarts_at_once_are_one_restart(systemd: Systemd) -> None:
    other = Systemd()
    outcomes: list[JobOutcome] = []
    beside = threading.Thread(target=lambda: outcomes.append(other.job("restart", "slow-start.service", PATIENCE)))

    beside.start()
    outcomes.append(systemd.job("restart", "slow-start.service", PATIENCE))
    beside.join()
    other.close()

    assert [outcome.result for outcome in outcomes] == ["done", "done"]
    assert len({after(outcome).invocation_id for outcome in outcomes}) == 1


def test_a_persons_running_stop_is_never_replaced(manager: Host, systemd: Systemd) -> None:
    systemd.job("restart", "slow-stop.service", PATIENCE)
    manager.run(["systemctl", "stop", "--no-block", "slow-stop.service"])
    manager.wait_for(
        lambda: read(systemd, "slow-stop.service").active_state == "deactivating", within=5, what="the stop"
    )

    meanwhile = read(systemd, "slow-stop.service")
    outcome = systemd.job("restart", "slow-stop.service", PATIENCE)

    assert meanwhile.job == "stop"
    assert outcome.result == "refused"
    assert outcome.error.startswith("org.freedesktop.systemd1.TransactionIsDestructive: ")
    manager.wait_for(lambda: read(systemd, "slow-stop.service").active_state == "inactive", within=5, what="inactive")


def test_a_person_who_stops_during_our_restart_cancels_it(manager: Host, systemd: Systemd) -> None:
    outcomes: list[JobOutcome] = []
    ours = Systemd()
    beside = threading.Thread(target=lambda: outcomes.append(ours.job("restart", "slow-stop.service", PATIENCE)))
    systemd.job("restart", "slow-stop.service", PATIENCE)

    beside.start()
    manager.wait_for(lambda: read(systemd, "slow-stop.service").job == "restart", within=5, what="our job")
    manager.run(["systemctl", "stop", "slow-stop.service"])
    beside.join()
    ours.close()

    assert outcomes[0].result == "canceled"
    assert read(systemd, "slow-stop.service").active_state == "inactive"


@pytest.mark.parametrize(
    ("unit", "error"),
    [
        ("nobody-knows.service", "org.freedesktop.systemd1.NoSuchUnit"),
        ("healthy-not.service", "org.freedesktop.systemd1.UnitMasked"),
        ("by-dependency.service", "org.freedesktop.systemd1.OnlyByDependency"),
        ("not a unit;", "org.freedesktop.DBus.Error.InvalidArgs"),
    ],
)
def test_what_systemd_refuses_carries_its_own_word(systemd: Systemd, unit: str, error: str) -> None:
    outcome = systemd.job("restart", unit, PATIENCE)

    assert outcome.result == "refused"
    assert outcome.error.startswith(f"{error}: ")


def test_a_stranger_may_look_and_is_refused_any_job(manager: Host, systemd: Systemd) -> None:
    systemd.job("restart", "exec-no-binary.service", PATIENCE)
    lines = (
        "import os",
        "from datetime import timedelta",
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)",
        "for verb in ('restart', 'reload'):",
        "    print(systemd.job(verb, 'reloads.service', timedelta(seconds=5)).error)",
        "print(systemd.reset_failed('exec-no-binary.service').error)",
        "print(systemd.snapshot('reloads.service').name)",
    )

    *refused, name = ask_inside(manager, *lines).splitlines()

    asked = "polkit does not allow it (InteractiveAuthorizationRequired)"
    assert [error.partition("; ")[0] for error in refused] == [asked, asked, asked]
    assert name == "reloads.service"


def test_a_job_that_takes_too_long_is_unknown_not_failed(systemd: Systemd) -> None:
    outcome = systemd.job("restart", "slow-start.service", timedelta(milliseconds=100))

    assert (outcome.result, outcome.error) == ("unknown", "the job did not end in time")
    assert 0.1 <= outcome.seconds < 5
    assert after(outcome).job == "start"  # what systemd calls the second half of a restart


def test_a_reload_runs_the_units_own_command_and_is_refused_where_there_is_none(
    manager: Host, systemd: Systemd
) -> None:
    systemd.job("restart", "reloads.service", PATIENCE)
    systemd.job("restart", "healthy.service", PATIENCE)

    able = systemd.job("reload", "reloads.service", PATIENCE)
    unable = systemd.job("reload", "healthy.service", PATIENCE)

    assert able.result == "done"
    assert manager.run(["test", "-e", "/run/reloaded"], check=False).returncode == 0
    assert unable.error.startswith("org.freedesktop.systemd1.JobTypeNotApplicable: ")


def test_a_restart_touches_exactly_the_units_that_were_foretold(manager: Host, systemd: Systemd) -> None:
    names = [f"{name}.service" for name in TREE_UP]
    manager.run(["systemctl", "start", *names])
    manager.run(["systemctl", "stop", "down.service"])
    manager.run(["systemctl", "start", *names])
    before = {one.name: one.invocation_id for one in systemd.snapshots(names)}

    foretold = read(systemd, "root.service").also
    systemd.job("restart", "root.service", PATIENCE)

    changed = {one.name for one in systemd.snapshots(names) if one.invocation_id != before[one.name]}
    assert foretold == ("bound.service", "part.service", "required.service")
    assert changed == {"root.service", *foretold}


def test_a_snapshot_tells_what_a_unit_is_bound_to(systemd: Systemd) -> None:
    assert "required.service" in read(systemd, "bound.service").pulls
    assert "root.service" in read(systemd, "part.service").pulls
    assert "root.service" not in read(systemd, "wanted.service").pulls


def test_an_alias_gives_the_unit_it_stands_for(systemd: Systemd) -> None:
    assert read(systemd, "other-name.service").name == "named.service"


def test_what_is_not_there_is_none_and_what_is_masked_says_so(systemd: Systemd) -> None:
    assert systemd.snapshot("nobody-knows.service") is None
    assert systemd.snapshot("../healthy.service") is None
    assert read(systemd, "healthy-not.service").load_state == "masked"
    assert [one.name for one in systemd.snapshots(["healthy.service", "nobody-knows.service"])] == ["healthy.service"]


def test_a_unit_whose_file_is_gone_is_still_seen_while_it_runs(manager: Host, systemd: Systemd) -> None:
    manager.unit("fleeting.service", UNITS["healthy.service"])
    systemd.job("restart", "fleeting.service", PATIENCE)
    manager.run(["sh", "-c", "rm /etc/systemd/system/fleeting.service && systemctl daemon-reload"])

    running = read(systemd, "fleeting.service")
    manager.run(["systemctl", "stop", "fleeting.service"])

    assert (running.load_state, running.active_state) == ("not-found", "active")
    assert systemd.snapshot("fleeting.service") is None


def test_an_edited_unit_file_needs_a_reload_and_is_newer_than_the_process(manager: Host, systemd: Systemd) -> None:
    path = "/etc/systemd/system/edited.service"
    manager.unit("edited.service", UNITS["healthy.service"])
    systemd.job("restart", "edited.service", PATIENCE)
    before = read(systemd, "edited.service")

    manager.write(path, UNITS["reloads.service"])
    edited = read(systemd, "edited.service")
    manager.run(["systemctl", "daemon-reload"])
    reloaded = read(systemd, "edited.service")

    assert not before.need_daemon_reload
    assert edited.need_daemon_reload
    assert not reloaded.need_daemon_reload
    # the host's files have other names out here, so only inside is the file found and compared
    seen = ask_inside(manager, "print(systemd.snapshot('edited.service').changed_since_start)")
    assert seen == path
    systemd.job("restart", "edited.service", PATIENCE)
    assert ask_inside(manager, "print(systemd.snapshot('edited.service').changed_since_start)") == ""


def test_the_times_of_a_unit_are_utc_and_in_order(systemd: Systemd) -> None:
    systemd.job("restart", "slow-start.service", PATIENCE)

    snapshot = read(systemd, "slow-start.service")

    assert snapshot.inactive_exit_at is not None
    assert snapshot.active_enter_at is not None
    assert timedelta(seconds=0.35) < snapshot.active_enter_at - snapshot.inactive_exit_at < timedelta(seconds=5)
    assert snapshot.state_change_at is not None
    assert timedelta() <= snapshot.state_change_at - snapshot.active_enter_at < timedelta(seconds=1)
    assert timedelta() < snapshot.read_at - snapshot.active_enter_at < timedelta(seconds=10)
    assert (snapshot.timeout_start, snapshot.timeout_stop) == (timedelta(seconds=90), timedelta(seconds=90))


def test_failed_units_of_every_type_are_listed_with_their_own_result(manager: Host, systemd: Systemd) -> None:
    manager.unit("knock.service", "[Service]\nExecStart=/bin/false\n")
    manager.unit("knock.socket", "[Socket]\nListenStream=/run/knock\n")
    manager.run(["systemctl", "start", "knock.socket"])
    # each try wakes the service, which dies, until systemd gives the socket up
    manager.wait_for(
        lambda: knock(manager) and read(systemd, "knock.socket").active_state == "failed", within=10, what="failed"
    )

    failed = {one.name: one.result for one in systemd.failed_units()}

    assert failed["knock.socket"] in {"service-start-limit-hit", "trigger-limit-hit"}
    assert "knock.service" in failed
    assert systemd.system_state() == "degraded"


def knock(manager: Host) -> bool:
    script = "import socket; socket.socket(socket.AF_UNIX).connect('/run/knock')"
    manager.run(["python3", "-c", script], check=False)
    return True


def test_a_lost_connection_is_opened_again(manager: Host, systemd: Systemd) -> None:
    first = systemd.system_state()
    manager.run(["systemctl", "restart", "dbus.service"])
    manager.wait_for(lambda: "systemd1" in manager.run(["busctl", "--no-legend"]).stdout, within=10, what="the bus")

    outcome = systemd.job("restart", "healthy.service", PATIENCE)

    assert first in {"running", "degraded"}
    assert outcome.result == "done"


def test_a_bus_that_is_not_there_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/bus")

    outcome = Systemd().job("restart", "healthy.service", PATIENCE)

    assert outcome.result == "unknown"
    assert outcome.error.startswith("cannot reach the system bus: ")
    assert outcome.after is None
