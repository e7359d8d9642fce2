"""`make install` and `make uninstall` on a real host, from a clean copy of the tree, without a network."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.host import installed
from tests.host.harness import TREE, Host

if TYPE_CHECKING:
    from collections.abc import Iterator

API = "[Service]\nExecStart=/usr/bin/python3 -m http.server 18080 --bind 127.0.0.1\n"
ARMED = "checks:\n- {name: api, kind: unit, unit: api.service, repair: [restart]}\n"
SETTINGS = "/etc/opsagent/opsagent.yaml"
GUIDE = re.compile(r"docs/how-to/[\w-]+\.md")


@pytest.fixture(scope="module")
def ready() -> Iterator[Host]:
    """Yield one host with opsagent installed, for tests that leave it as they found it."""
    host = Host.up("ready", installed=True)
    yield host
    host.down()


def mode(host: Host, path: str) -> str:
    return host.run(["stat", "-c", "%a %U:%G", path]).stdout.strip()


def test_the_user_has_the_journal_and_no_shell(ready: Host) -> None:
    assert ready.run(["id", "-nG", "opsagent"]).stdout.split() == ["opsagent", "adm", "systemd-journal"]
    assert ready.run(["getent", "passwd", "opsagent"]).stdout.strip().endswith("/usr/sbin/nologin")


def test_settings_and_rights_are_roots_and_the_state_is_the_groups(ready: Host) -> None:
    assert mode(ready, SETTINGS) == "640 root:opsagent"
    assert mode(ready, "/etc/polkit-1/rules.d/50-opsagent.rules") == "644 root:root"
    assert mode(ready, "/var/lib/opsagent") == "2770 opsagent:opsagent"
    assert mode(ready, "/var/lib/opsagent/spool") == "2770 opsagent:opsagent"


def test_the_first_settings_are_good_and_arm_nothing(ready: Host) -> None:
    assert "armed: none" in ready.run(["opsagent", "validate", SETTINGS]).stdout
    assert json.loads(ready.read("/etc/opsagent/polkit.json"))["units"] == {}


def test_systemd_accepts_the_installed_units(ready: Host) -> None:
    folder = "/usr/local/lib/systemd/system"
    names = [
        "opsagent.service",
        "opsagent-healthcheck.service",
        "opsagent-healthcheck.timer",
        "opsagent-rescue@.service",
    ]

    verified = ready.run(["systemd-analyze", "verify", "--man=no", *(f"{folder}/{name}" for name in names)])

    assert verified.stderr == ""


def test_the_documentation_that_messages_name_is_on_the_host(ready: Host) -> None:
    names = [path for source in (TREE / "opsagent").rglob("*.py") for path in GUIDE.findall(source.read_text())]

    assert names
    for name in names:
        ready.run(["test", "-f", f"/opt/opsagent/share/doc/{name}"])


def test_the_program_is_on_everybodys_path(ready: Host) -> None:
    assert ready.run(["opsagent", "version"], user="nobody").stdout.startswith("opsagent ")


def test_nothing_runs_before_it_is_asked_for(ready: Host) -> None:
    assert ready.show("opsagent.service", "ActiveState") == "inactive"
    assert ready.show("opsagent.service", "UnitFileState") == "disabled"


def test_a_check_of_the_rights_says_what_is_stale_and_what_to_run(installed_host: Host) -> None:
    host = installed_host
    host.unit("api.service", API)
    host.write(SETTINGS, ARMED, mode=0o640)
    host.run(["chgrp", "opsagent", SETTINGS])

    stale = host.run(["opsagent", "install", "--refresh", "--check"], check=False, user="opsagent")
    host.run(["opsagent", "install", "--refresh"])
    fresh = host.run(["opsagent", "install", "--refresh", "--check"], user="opsagent")

    assert (stale.returncode, fresh.returncode) == (1, 0)
    assert "run as root: opsagent install --refresh" in stale.stdout


def test_polkit_lets_the_daemons_user_restart_the_armed_unit_and_nothing_else(installed_host: Host) -> None:
    host = installed_host
    host.unit("api.service", API)
    host.unit("other.service", API)
    host.write(SETTINGS, ARMED)
    host.run(["opsagent", "install", "--refresh"])

    def asked(verb: str, unit: str) -> int:
        return host.run(["systemctl", "--no-ask-password", verb, unit], user="opsagent", check=False).returncode

    host.wait_for(lambda: asked("restart", "api.service") == 0, within=5, what="polkit to read its new rule")
    assert asked("restart", "other.service") != 0
    assert asked("stop", "api.service") != 0
    assert asked("start", "api.service") != 0
    assert host.show("api.service", "ActiveState") == "active"


def test_memory_elsewhere_can_be_written_by_the_service(installed_host: Host) -> None:
    host = installed_host
    host.write(SETTINGS, "memory: /srv/ops memory\nchecks: []\n")
    host.run(["opsagent", "install", "--refresh"])
    host.run(["systemctl", "daemon-reload"])

    assert "-/srv/ops memory" in host.show("opsagent.service", "ReadWritePaths")
    assert mode(host, "/srv/ops memory") == "2770 opsagent:opsagent"


def test_a_second_install_changes_nothing_and_is_quick(installed_host: Host) -> None:
    host = installed_host
    host.write(SETTINGS, ARMED)
    before = host.run(["stat", "-c", "%i %Y", "/opt/opsagent/bin/opsagent"]).stdout

    said = installed.make(host, "install")

    assert f"kept the settings {SETTINGS}" in said
    assert host.read(SETTINGS) == ARMED
    assert host.run(["stat", "-c", "%i %Y", "/opt/opsagent/bin/opsagent"]).stdout == before


def test_uninstall_leaves_memory_and_settings_and_takes_the_rights(installed_host: Host) -> None:
    host = installed_host
    host.write("/var/lib/opsagent/memory/note.md", "mine\n")
    installed.make(host, "uninstall")

    assert host.read("/var/lib/opsagent/memory/note.md") == "mine\n"
    assert host.run(["test", "-s", SETTINGS]).returncode == 0
    for gone in ("/opt/opsagent", "/usr/local/bin/opsagent", "/etc/polkit-1/rules.d/50-opsagent.rules"):
        assert host.run(["test", "-e", gone], check=False).returncode == 1
    assert host.show("opsagent.service", "LoadState") == "not-found"


def test_only_root_installs_and_is_told_how(installed_host: Host) -> None:
    refused = installed_host.run(["make", "-s", "-C", installed.SOURCE, "install"], user="nobody", check=False)

    assert "root is needed, run: sudo make install" in refused.stderr


def test_it_installs_where_debian_left_out_venv_and_pip(host: Host) -> None:
    installed.copy_tree(host)
    host.run(["sh", "-c", "rm -rf /usr/lib/python3*/ensurepip /usr/lib/python3/dist-packages/pip* /usr/bin/pip*"])

    installed.make(host, "install", PIP_COMPILE="0")

    assert host.run(["opsagent", "version"]).stdout.startswith("opsagent ")


def test_without_any_way_to_a_pip_it_says_what_to_install(host: Host) -> None:
    installed.copy_tree(host)
    host.run(["sh", "-c", "rm -rf /usr/lib/python3*/ensurepip; mkdir /srv/empty"])

    refused = host.run(["make", "-s", "-C", installed.SOURCE, "install", "WHEELS=/srv/empty"], check=False, timeout=200)

    assert refused.returncode != 0
    assert "python3-venv" in refused.stderr
