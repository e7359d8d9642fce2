"""The unit files: systemd understands every line of them, and what they may do stays little."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parent.parent.parent / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
NAMES = [*SERVICES, "opsagent-healthcheck.timer"]


def analyze(*arguments: str, at: Path = UNITS) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], cwd=at, capture_output=True, text=True, check=False)


def keys(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z]+)=(.*)$", (UNITS / name).read_text(), flags=re.MULTILINE))


def test_all_units_are_here() -> None:
    assert SERVICES == ["opsagent-healthcheck.service", "opsagent-rescue@.service", "opsagent.service"]


@pytest.mark.parametrize("name", SERVICES)
def test_the_exposure_of_a_service_is_at_most_1_5(name: str) -> None:
    judged = analyze("security", "--offline=true", "--no-pager", "--threshold=15", name)

    assert judged.returncode == 0, judged.stdout.splitlines()[-1]


def test_the_exposure_gate_can_close() -> None:
    assert analyze("security", "--offline=true", "--no-pager", "--threshold=14", "opsagent.service").returncode == 1


@pytest.mark.parametrize("name", NAMES)
def test_systemd_understands_every_line(name: str, tmp_path: Path) -> None:
    for each in NAMES:  # what they start is not installed here
        text = re.sub(r"^ExecStart=.*$", "ExecStart=/bin/true", (UNITS / each).read_text(), flags=re.MULTILINE)
        (tmp_path / each).write_text(text)

    verified = analyze("verify", "--man=no", f"./{name}", at=tmp_path)

    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_daemon_is_restarted_watched_and_rescued() -> None:
    unit = keys("opsagent.service")

    assert (unit["Type"], unit["Restart"], unit["OnFailure"]) == ("notify", "always", "opsagent-rescue@%n.service")
    assert unit["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert unit["User"] == "opsagent"


def test_the_health_check_waits_for_the_first_heartbeat_on_a_host_that_has_long_been_up() -> None:
    timer = keys("opsagent-healthcheck.timer")

    assert timer["OnActiveSec"] == "10min"
    assert "OnBootSec" not in timer


def test_the_sandbox_leaves_what_the_daemon_needs_to_see() -> None:
    unit = keys("opsagent.service")

    assert unit["PrivateUsers"] == "no"
    assert unit["ProtectHome"] == "read-only"
    assert "AF_NETLINK" in unit["RestrictAddressFamilies"]
    assert unit["TasksMax"] == "512"
    assert "LoadCredential" not in unit


def test_the_rescue_does_not_depend_on_our_own_python() -> None:
    for name in ("opsagent-healthcheck.service", "opsagent-rescue@.service"):
        assert keys(name)["ExecStart"].startswith("/opt/opsagent/share/healthcheck.py")
