"""What root is asked to install: exactly the rights the settings need, and nothing stale unnoticed."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opsagent.checks.container import Check as Container
from opsagent.core.acts import Act
from opsagent.core.backup.job import Job, Sqlite
from opsagent.core.policy import CheckPolicy, Policy, RemedyRule
from opsagent.core.quantity import Bytes
from opsagent.core.reclaim import OldFiles, Reclaim
from opsagent.core.unit import UnitSnapshot
from opsagent.host import polkit
from opsagent.interfaces import install
from opsagent.settings import Settings, Watched
from opsagent.settings.options import Layout, Metrics, Scope

STATE = Path("/var/lib/opsagent")


@dataclass
class Units:
    """A systemd that knows these names, each with its primary name."""

    primary: dict[str, str] = field(default_factory=dict)

    def snapshot(self, unit: str) -> UnitSnapshot | None:
        name = self.primary.get(unit)
        return UnitSnapshot(name=name, read_at=datetime(2026, 11, 21, tzinfo=UTC)) if name else None


REDIS = Units({"redis.service": "redis-server.service", "redis-server.service": "redis-server.service"})


class Running:
    """A systemd in which every unit runs."""

    def snapshot(self, unit: str) -> UnitSnapshot | None:
        return UnitSnapshot(name=unit, active_state="active", read_at=datetime(2026, 11, 21, tzinfo=UTC))


def settings(*armed: tuple[str, str], memory: Path = STATE / "memory", state: Path = STATE) -> Settings:
    checks = tuple(
        CheckPolicy(name=f"check-{number}", kind="unit", unit=unit, repair=(RemedyRule(do=remedy),))
        for number, (unit, remedy) in enumerate(armed)
    )
    policy = Policy(host="web-1", checks=checks)
    return Settings(policy=policy, memory=memory, state=state, layout=Layout.STANDALONE, scope=Scope.SYSTEM)


@pytest.fixture
def as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)


def rule(root: Path) -> Path:
    return root / polkit.RULES_FILE.lstrip("/")


def copy(root: Path) -> Path:
    return root / str(install.COPY).lstrip("/")


def test_the_rule_names_the_primary_name_of_an_armed_alias(tmp_path: Path) -> None:
    report = install.refresh(settings(("redis.service", "restart")), REDIS, root=tmp_path)

    assert '"redis-server.service"' in rule(tmp_path).read_text()
    assert '"redis.service"' not in rule(tmp_path).read_text()
    assert "polkit allows: redis-server.service: restart" in report.lines
    assert report.is_fresh


def test_the_verbs_of_an_alias_and_its_unit_are_one_right(tmp_path: Path) -> None:
    armed = settings(("redis.service", "restart"), ("redis-server.service", "reset_failed"))

    install.refresh(armed, REDIS, root=tmp_path)

    assert json.loads(copy(tmp_path).read_text())["units"] == {"redis-server.service": ["reset-failed", "restart"]}


def test_the_files_are_readable_and_only_roots_to_change(tmp_path: Path) -> None:
    install.refresh(settings(("redis.service", "restart")), REDIS, root=tmp_path)

    for path in (rule(tmp_path), copy(tmp_path)):
        assert (path.stat().st_mode & 0o777, path.stat().st_uid) == (0o644, 0)
        assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_what_does_not_fit_is_named_with_what_to_run(tmp_path: Path) -> None:
    install.refresh(settings(), REDIS, root=tmp_path)

    report = install.refresh(settings(("redis.service", "restart")), REDIS, check=True, root=tmp_path)

    assert report.stale == (Path(polkit.RULES_FILE), install.COPY)
    assert report.lines[-1] == "run as root: opsagent install --refresh"
    assert "redis" not in rule(tmp_path).read_text()


def test_what_fits_is_fresh_and_left_alone(tmp_path: Path) -> None:
    armed = settings(("redis.service", "restart"))
    install.refresh(armed, REDIS, root=tmp_path)
    before = rule(tmp_path).stat().st_ino

    assert install.refresh(armed, REDIS, check=True, root=tmp_path).is_fresh
    assert "nothing to renew" in install.refresh(armed, REDIS, root=tmp_path).lines
    assert rule(tmp_path).stat().st_ino == before


def test_an_edited_rule_is_stale(tmp_path: Path) -> None:
    install.refresh(settings(), REDIS, root=tmp_path)
    rule(tmp_path).write_text("// mine now\n")

    assert install.refresh(settings(), REDIS, check=True, root=tmp_path).stale == (Path(polkit.RULES_FILE),)


def test_everybody_may_ask_and_only_root_may_change(tmp_path: Path, as_nobody: None) -> None:
    assert not install.refresh(settings(), REDIS, check=True, root=tmp_path).is_fresh
    with pytest.raises(install.InstallError, match="root is needed"):
        install.refresh(settings(), REDIS, root=tmp_path)


def test_a_unit_that_is_not_there_is_said(tmp_path: Path) -> None:
    report = install.refresh(settings(("gone.service", "restart")), REDIS, root=tmp_path)

    assert "there is no unit gone.service now; its rule is written for this name" in report.lines


WEB = Act(name="web", command=("/usr/bin/docker", "restart", "web"))
ACT_UNIT = install.UNITS / WEB.unit


def test_an_act_gets_its_unit_and_only_what_asks_for_it_its_right(tmp_path: Path) -> None:
    unused = replace(settings(), acts=(WEB,))

    report = install.refresh(unused, REDIS, root=tmp_path)

    assert '"/usr/bin/docker" "restart" "web"' in (tmp_path / str(ACT_UNIT)[1:]).read_text()
    assert report.renewed == (ACT_UNIT,)
    assert json.loads(copy(tmp_path).read_text())["units"] == {}


def test_an_act_that_is_asked_for_may_be_restarted(tmp_path: Path) -> None:
    check = CheckPolicy(name="web", kind="http", repair=(RemedyRule(do="act", name="web"),))
    armed = replace(settings(), acts=(WEB,), policy=Policy(host="web-1", checks=(check,)))

    report = install.refresh(armed, REDIS, root=tmp_path)

    assert "polkit allows: opsagent-act-web.service: restart" in report.lines
    assert not [line for line in report.lines if line.startswith("there is no unit")]


def test_an_edited_act_is_stale_and_one_that_nobody_wants_goes(tmp_path: Path) -> None:
    unit = tmp_path / str(ACT_UNIT)[1:]
    install.refresh(replace(settings(), acts=(WEB,)), REDIS, root=tmp_path)
    unit.with_name("opsagent-act-mine.service").write_text("[Service]\nExecStart=/bin/true\n")
    unit.write_text(unit.read_text().replace("docker", "podman"))

    stale = install.refresh(replace(settings(), acts=(WEB,)), REDIS, check=True, root=tmp_path).stale
    gone = install.refresh(settings(), REDIS, root=tmp_path)

    assert stale == (ACT_UNIT,)
    assert gone.renewed == (ACT_UNIT,)
    assert [path.name for path in unit.parent.glob("opsagent-*")] == ["opsagent-act-mine.service"]


def watching(*checks: Container) -> Settings:
    policies = (CheckPolicy(name=f"container-{number}", kind="container") for number, _ in enumerate(checks))
    return replace(settings(), watched=tuple(map(_watched, policies, checks)))


def _watched(policy: CheckPolicy, check: Container) -> Watched:
    return Watched(policy=policy, check=check)


def test_a_container_of_root_is_asked_about_by_a_program_that_can_do_nothing_else(tmp_path: Path) -> None:
    checks = watching(
        Container(container="web"), Container(container="db"), Container(container="web", engine="docker")
    )

    report = install.refresh(checks, REDIS, root=tmp_path)

    assert [path.name for path in report.renewed] == ["opsagent-containers.socket", "opsagent-containers@.service"]
    service = (tmp_path / "etc/systemd/system/opsagent-containers@.service").read_text()
    assert '"opsagent.host.container_reader" "db" "web"\n' in service
    assert "User=root\n" in service
    assert "CapabilityBoundingSet=\n" in service
    assert "RestrictAddressFamilies=AF_UNIX\n" in service


def test_the_containers_of_a_user_are_asked_about_as_that_user(tmp_path: Path) -> None:
    own = Container(container="mine", scope="user")
    far = Container(container="far", socket="/run/far.sock")

    report = install.refresh(watching(Container(container="web", user="app"), own, far), REDIS, root=tmp_path)

    assert [path.name for path in report.renewed] == [
        "opsagent-containers-app.socket",
        "opsagent-containers-app@.service",
    ]
    service = (tmp_path / "etc/systemd/system/opsagent-containers-app@.service").read_text()
    assert '"opsagent.host.container_reader" "web"\n' in service
    assert "User=app\n" in service
    socket = (tmp_path / "etc/systemd/system/opsagent-containers-app.socket").read_text()
    assert "ListenStream=/run/opsagent-containers-app.sock\n" in socket
    assert "SocketMode=0660\n" in socket


def test_a_reader_that_nobody_asks_goes(tmp_path: Path) -> None:
    install.refresh(watching(Container(container="web")), REDIS, root=tmp_path)

    gone = install.refresh(settings(), REDIS, root=tmp_path)

    assert [path.name for path in gone.renewed] == ["opsagent-containers.socket", "opsagent-containers@.service"]
    assert list((tmp_path / "etc/systemd/system").glob("opsagent-*")) == []


def test_an_alias_of_a_denied_unit_is_never_granted(tmp_path: Path) -> None:
    disguised = Units({"harmless.service": "ssh.service"})

    with pytest.raises(install.InstallError, match=r"ssh\.service"):
        install.refresh(settings(("harmless.service", "restart")), disguised, root=tmp_path)
    assert not rule(tmp_path).exists()


def test_memory_elsewhere_gets_a_drop_in_and_loses_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "USER", "root")
    drop_in = tmp_path / str(install.DROP_IN).lstrip("/")
    memory = Path('/srv/100% "shared" memory')

    report = install.refresh(settings(memory=memory), REDIS, root=tmp_path)

    assert 'ReadWritePaths="-/srv/100%% \\"shared\\" memory"\n' in drop_in.read_text()
    assert (tmp_path / str(memory).lstrip("/")).stat().st_mode & 0o7777 == 0o2770
    assert any("daemon-reload" in line for line in report.lines)
    install.refresh(settings(), REDIS, root=tmp_path)
    assert not drop_in.exists()


@pytest.mark.parametrize("home", ["/home/ann/memory", "/root/memory"])
def test_memory_in_a_home_directory_is_refused_with_a_way_out(tmp_path: Path, home: str) -> None:
    with pytest.raises(install.InstallError, match="run opsagent as that user"):
        install.refresh(settings(memory=Path(home)), REDIS, root=tmp_path)


def test_a_first_install_writes_settings_and_says_what_is_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "USER", "root")
    first = tmp_path / str(install.SETTINGS).lstrip("/")

    report = install.install(lambda: "checks: []\n", lambda _: settings(), REDIS, root=tmp_path)

    assert first.read_text() == "checks: []\n"
    assert first.stat().st_mode & 0o777 == 0o640
    assert rule(tmp_path).exists()
    assert any("systemctl enable --now opsagent" in line for line in report.lines)


def test_an_upgrade_beside_a_running_daemon_says_that_the_old_program_runs_until_a_restart(tmp_path: Path) -> None:
    first = tmp_path / str(install.SETTINGS).lstrip("/")
    first.parent.mkdir(parents=True)
    first.write_text("checks: []\n")

    report = install.install(lambda: "never", lambda _: settings(), Running(), root=tmp_path)

    assert any("systemctl restart opsagent" in line for line in report.lines)
    assert not any("enable --now" in line for line in report.lines)


def test_a_repeated_install_keeps_the_settings(tmp_path: Path) -> None:
    first = tmp_path / str(install.SETTINGS).lstrip("/")
    first.parent.mkdir(parents=True)
    first.write_text("checks: [] # mine\n")

    report = install.install(lambda: "never", lambda _: settings(), REDIS, root=tmp_path)

    assert first.read_text() == "checks: [] # mine\n"
    assert "kept the settings /etc/opsagent/opsagent.yaml" in report.lines


def test_the_directory_of_a_textfile_is_opened_to_the_service_and_not_changed(tmp_path: Path) -> None:
    told = replace(settings(), metrics=Metrics(textfile=Path("/var/lib/node/opsagent.prom")))
    drop_in = tmp_path / str(install.DROP_IN).lstrip("/")

    install.refresh(told, REDIS, root=tmp_path)

    assert 'ReadWritePaths="-/var/lib/node"\n' in drop_in.read_text()
    assert not (tmp_path / "var/lib/node").exists()
    at_home = replace(settings(), metrics=Metrics(textfile=Path("/root/opsagent.prom")))
    with pytest.raises(install.InstallError, match="run opsagent as that user"):
        install.refresh(at_home, REDIS, root=tmp_path)


def test_a_backup_gets_its_units_and_timers_and_all_goes_with_it(tmp_path: Path) -> None:
    job = Job(name="app", what=Sqlite(database="/srv/app.db", to="/var/backups/app"))
    units = tmp_path / str(install.UNITS)[1:]

    install.refresh(replace(settings(), backups=(job,)), REDIS, root=tmp_path)

    made = sorted(path.name for path in units.glob("*-app.*"))
    assert made == [
        "opsagent-backup-app.service", "opsagent-backup-app.timer",
        "opsagent-drill-app.service", "opsagent-drill-app.timer",
    ]  # fmt: skip
    assert (tmp_path / "var/backups/app").stat().st_mode & 0o777 == 0o700
    assert install.refresh(replace(settings(), backups=(job,)), REDIS, check=True, root=tmp_path).is_fresh

    install.refresh(settings(), REDIS, root=tmp_path)

    assert list(units.rglob("*-app.*")) == []


def test_what_frees_disk_is_shown_before_it_is_written_and_gone_when_nothing_asks_for_it(tmp_path: Path) -> None:
    unit = tmp_path / "etc/systemd/system/opsagent-act-reclaim.service"
    old = OldFiles(path="/srv/100 %/app", pattern="-*.log", older_than=timedelta(days=7), recursive=True)
    backup = Job(name="app", what=Sqlite(database="/srv/app.db", to="/var/backups/app"))
    wanted = replace(settings(), reclaim=Reclaim(directories=(old,), journal=Bytes(500_000_000)), backups=(backup,))

    told = install.refresh(wanted, REDIS, check=True, root=tmp_path).lines
    assert not unit.exists()
    install.refresh(wanted, REDIS, root=tmp_path)

    text = unit.read_text()
    assert all(f"    {line}" in told for line in text.splitlines())
    writable = [line for line in text.splitlines() if line.startswith("ReadWritePaths=")]
    assert writable == [
        f'ReadWritePaths="-{path}"' for path in ("/srv/100 %%/app", "/var/log/journal", "/run/log/journal")
    ]
    assert "ProtectSystem=strict" in text
    assert f'"--spare" "{wanted.state}" "--spare" "{wanted.memory}"' in text
    assert '"--spare" "/var/lib/opsagent-kept" "--spare" "/var/backups/app"' in text
    install.refresh(settings(), REDIS, root=tmp_path)
    assert not unit.exists()


def test_what_keeps_and_restores_configuration_names_its_files_and_goes_by_the_real_name_of_a_unit(
    tmp_path: Path,
) -> None:
    first = RemedyRule(do="restore", files=("/etc/a/a %.conf", "/srv/a/b"))
    checks = (
        CheckPolicy(name="a", kind="unit", unit="redis.service", repair=(first,)),
        CheckPolicy(name="b", kind="http", unit="redis-server.service", repair=(replace(first, files=("/etc/c/c",)),)),
    )
    wanted = replace(settings(), policy=Policy(host="web-1", checks=checks))
    keep, restore = (
        tmp_path / f"etc/systemd/system/opsagent-act-{do}-redis-server.service" for do in ("keep", "restore")
    )

    install.refresh(wanted, REDIS, root=tmp_path)

    files = '"/etc/a/a %%.conf" "/srv/a/b" "/etc/c/c"'
    assert f'"opsagent.acts.keep" "redis-server.service" {files}\n' in keep.read_text()
    assert f'"opsagent.acts.restore" {files}\n' in restore.read_text()
    writable = [
        [line for line in one.read_text().splitlines() if line.startswith("ReadWritePaths=")] for one in (keep, restore)
    ]
    kept = 'ReadWritePaths="-/var/lib/opsagent-kept"'
    assert writable == [[kept], [kept, *(f'ReadWritePaths="-{path}"' for path in ("/etc/a", "/srv/a", "/etc/c"))]]
    assert (tmp_path / "var/lib/opsagent-kept").stat().st_mode & 0o777 == 0o700
    assert set(json.loads(copy(tmp_path).read_text())["units"]) == {keep.name, restore.name}
    restore.write_text(restore.read_text().replace("/srv/a/b", "/srv/a/c"))
    stale = install.refresh(wanted, REDIS, check=True, root=tmp_path)
    assert stale.stale == (install.UNITS / restore.name,)


def test_a_link_that_is_put_in_the_place_of_a_new_directory_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "USER", "root")
    victim, made = tmp_path / "victim", Path.mkdir
    victim.mkdir(mode=0o700)

    def exchanged(path: Path, *args: Any, **more: Any) -> None:
        made(path, *args, **more)
        if path.name == "notes" and not path.is_symlink():
            path.rmdir()
            path.symlink_to(victim)

    monkeypatch.setattr(Path, "mkdir", exchanged)
    with pytest.raises(OSError, match="Not a directory"):
        install.refresh(settings(memory=Path("/srv/notes")), REDIS, root=tmp_path)
    assert victim.stat().st_mode & 0o7777 == 0o700
