"""The Debian package: installed, a service killed, upgraded in the middle of an incident, removed, purged."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.host import installed, package
from tests.host.harness import Host
from tests.host.scenarios.stage import HOPELESS, SETTINGS, Stage, did, furnish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.host.scenarios.stage import Incident

CHECKS = "\n".join(
    f"- {{name: {name}, kind: http, url: 'http://127.0.0.1:{port}/health', unit: {name}.service, {HOPELESS}, "
    "repair: [restart]}"
    for name, port in (("api", 18190), ("sick", 18191))
)
LOG = "/var/lib/opsagent/events.db"
WAIT_LONG = "repair: {per_unit: {waits: [1h]}}"


@pytest.fixture(scope="module")
def stage_host() -> Iterator[Host]:
    """Yield a host on which the earlier package was installed, and not started."""
    host = Host.up("packaged", layer=package.template())
    furnish(host)
    yield host
    host.down()


def events(host: Host) -> list[str]:
    """Return every event in the log, as it lies there."""
    rows = "SELECT * FROM events ORDER BY seq"
    script = (
        f"import sqlite3; [print(row) for row in sqlite3.connect('file:{LOG}?mode=ro', uri=True).execute('{rows}')]"
    )
    return host.run(["python3", "-c", script]).stdout.splitlines()


def ordered(incident: Incident) -> list[dict[str, Any]]:
    """Return what was done, without what was refused: while dpkg is at work nothing else is done to a host."""
    return [action for action in incident["actions"] if action["outcome"] != "refused"]


def test_it_is_installed_whole_and_nothing_runs_before_it_is_asked_for(stage_host: Host) -> None:
    folder = "/usr/lib/systemd/system"
    units = " ".join(f"{folder}/opsagent{name}" for name in (".service", "-healthcheck.service", "-rescue@.service"))

    assert stage_host.run(["sh", "-c", f"systemd-analyze verify --man=no {units}"]).stderr == ""
    assert stage_host.run(["opsagent", "version"], user="nobody").stdout.startswith("opsagent ")
    assert stage_host.show("opsagent.service", "ActiveState") == "inactive"
    assert stage_host.show("opsagent.service", "UnitFileState") == "disabled"
    assert json.loads(stage_host.read("/etc/opsagent/polkit.json"))["units"] == {}
    assert stage_host.run(["dpkg", "--verify", "opsagent"]).stdout == ""


def test_the_shell_completes_its_words_and_man_knows_its_pages(stage_host: Host) -> None:
    complete = """
    . /usr/share/bash-completion/completions/opsagent
    COMP_WORDS=(opsagent valid) COMP_CWORD=1; _opsagent_completion opsagent; echo "${COMPREPLY[@]}"
    """
    manual = Path(f"/proc/{stage_host.pid}/root/usr/share/man")

    assert stage_host.run(["bash", "-c", complete]).stdout.split() == ["validate"]
    assert b".SS opsagent validate" in gzip.decompress((manual / "man1/opsagent.1.gz").read_bytes())
    assert b"fast_loop" in gzip.decompress((manual / "man5/opsagent.yaml.5.gz").read_bytes())


def test_the_bill_of_materials_names_every_package_of_the_lock(stage_host: Host) -> None:
    bill = json.loads(stage_host.read("/usr/share/doc/opsagent/opsagent.cdx.json"))
    locked = [line.split()[0] for line in installed.LOCK.read_text().splitlines() if "==" in line]

    named = {one["purl"] for one in bill["components"]}
    assert {f"pkg:pypi/{name.replace('==', '@')}" for name in locked} == named
    assert bill["metadata"]["component"]["version"] == package.EARLIER


def test_a_killed_service_is_healed_and_an_upgrade_in_mid_incident_loses_nothing(stage: Stage) -> None:
    stage.api("api", 18190)
    stage.api("sick", 18191, always="500")
    stage.begin(CHECKS, WAIT_LONG)
    before = stage.incident("sick", lambda one: [action["outcome"] for action in one["actions"]] == ["failed"])
    settings, run = stage.host.read(SETTINGS), stage.host.show("opsagent.service", "InvocationID")
    recorded = events(stage.host)

    said = package.install(stage.host, package.now())

    assert "systemctl restart" not in said
    stage.until(lambda: stage.json("status"), what="the new program")
    assert stage.host.show("opsagent.service", "InvocationID") != run
    assert events(stage.host)[: len(recorded)] == recorded
    after = stage.incident("sick")
    assert (after["id"], after["first_bad_at"]) == (before["id"], before["first_bad_at"])
    assert ordered(after) == before["actions"]
    assert "Budget: 1 of 3 used" in stage.why("sick")
    assert stage.host.read(SETTINGS) == settings

    stage.signal("api.service")
    assert did(stage.healed("api")) == [("restart", "verified")]
    stage.behave("sick", always="ok")
    assert ordered(stage.healed("sick")) == before["actions"]


def test_settings_that_the_new_program_refuses_leave_the_old_one_running_and_are_told(stage: Stage) -> None:
    stage.begin("- {name: busy, kind: load}")
    run = stage.host.show("opsagent.service", "InvocationID")
    stage.host.write(SETTINGS, "no_such_key: 1\n")

    done = stage.host.run(["/var/lib/dpkg/info/opsagent.postinst", "configure", package.EARLIER])

    said = done.stdout + done.stderr
    assert "cannot use these settings" in said
    assert "sudo opsagent install" in said
    assert stage.host.show("opsagent.service", "InvocationID") == run


def test_make_install_does_not_lay_itself_over_the_package(stage_host: Host) -> None:
    installed.copy_tree(stage_host)

    refused = stage_host.run(["make", "-s", "-C", installed.SOURCE, "install"], check=False)

    assert "sudo apt remove opsagent" in refused.stderr


def test_the_package_does_not_lay_itself_below_make_install(stage_host: Host) -> None:
    stage_host.write("/opt/opsagent/bin/opsagent", "")
    argv = ["dpkg", "--no-triggers", "--install", str(package.now())]

    refused = stage_host.run(argv, check=False, timeout=60)

    assert refused.returncode != 0
    assert "sudo make uninstall" in refused.stderr
    stage_host.run(["rm", "-r", "/opt/opsagent"])


def test_a_removal_takes_program_and_rights_and_a_purge_all_but_the_memory(stage: Stage) -> None:
    stage.begin(CHECKS)
    host = stage.host
    host.run(["systemctl", "enable", "-q", "opsagent.service"])
    host.write("/var/lib/opsagent/memory/note.md", "mine\n")
    host.write("/etc/opsagent/backup.password", "opens the backups\n")

    package.dpkg(host, "--remove", "opsagent")

    assert host.show("opsagent.service", "LoadState") == "not-found"
    for gone in ("/usr/lib/opsagent", "/usr/bin/opsagent", "/etc/polkit-1/rules.d/50-opsagent.rules"):
        assert host.run(["test", "-e", gone], check=False).returncode == 1
    for kept in (SETTINGS, LOG, "/var/lib/opsagent/memory/note.md"):
        host.run(["test", "-s", kept])

    said = package.dpkg(host, "--purge", "opsagent")

    assert "kept in /var/lib/opsagent, for you to read or delete: memory" in said
    assert host.read("/var/lib/opsagent/memory/note.md") == "mine\n"
    assert host.run(["ls", "/var/lib/opsagent"]).stdout == "memory\n"
    assert "kept in /etc/opsagent, for you to read or delete: backup.password" in said
    assert host.run(["ls", "/etc/opsagent"]).stdout == "backup.password\n"
