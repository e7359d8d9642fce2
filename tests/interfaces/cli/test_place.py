"""Which instance a command means, told from one line of the settings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from opsagent.interfaces.cli import place

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("OPSAGENT_CONFIG", raising=False)
    monkeypatch.setattr(place.address, "SYSTEM_SETTINGS", tmp_path / "etc")
    return tmp_path / "home"


def settings(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "opsagent.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("state: /srv/o\n", "/srv/o"),
        ("checks: []\nstate:   /srv/o   # kept apart\n", "/srv/o"),
        ("# state: /no\nstate: /srv/o#1\n", "/srv/o#1"),
        ("\ufeffstate: /srv/o\n", "/srv/o"),
        ("---\nstate: /srv/o\n", "/srv/o"),
        ("checks: []\n", "/var/lib/opsagent"),
        ("checks:\n  - {name: a, kind: memory}\n  # state: /no\n", "/var/lib/opsagent"),
        ("", "/var/lib/opsagent"),
    ],
)
def test_the_state_directory_is_read_from_its_line(tmp_path: Path, text: str, state: str) -> None:
    assert place.find(str(settings(tmp_path, text))).state == Path(state)


@pytest.mark.parametrize(
    "text",
    [
        "state: '/srv/o'\nchecks: [{name: a, kind: memory}]\n",
        'state: "/srv/\\x6f"\nchecks: [{name: a, kind: memory}]\n',
        "{state: /srv/o, checks: [{name: a, kind: memory}]}\n",
        "# in one line\n{state: /srv/o, checks: [{name: a, kind: memory}]}\n",
        "  state: /srv/o\n  checks: [{name: a, kind: memory}]\n",
    ],
)
def test_what_is_more_than_a_plain_line_is_left_to_the_true_reader(tmp_path: Path, text: str) -> None:
    assert place.find(str(settings(tmp_path, text))).state == Path("/srv/o")


def test_the_quick_look_agrees_with_the_true_reader(tmp_path: Path) -> None:
    for text in ("state: ~/o\n", "state: /srv/o # x\n", "scope: user\n", "scope: system\n", "zone: UTC\n"):
        path = settings(tmp_path, f"{text}checks: [{{name: a, kind: memory}}]\n")

        assert place.find(str(path)).state == place.read(path).state, text


def test_a_file_of_conf_d_may_name_the_state_directory(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/state.yaml").write_text("state: /srv/o\n")

    assert place.find(str(settings(tmp_path, "checks: []\n"))).state == Path("/srv/o")


def test_a_users_scope_means_the_users_own_state(tmp_path: Path, home: Path) -> None:
    found = place.find(str(settings(tmp_path, "scope: user\n")))

    assert found.state == home / ".local/state/opsagent"
    assert not found.is_system


def test_without_any_settings_it_is_the_users_own_instance(home: Path) -> None:
    found = place.find()

    assert (found.settings, found.state) == (None, home / ".local/state/opsagent")
    assert found.socket == found.state / "control.sock"


def test_the_environment_names_the_settings_and_an_option_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = settings(tmp_path, "state: /srv/one\n")
    (tmp_path / "two").mkdir()
    two = settings(tmp_path / "two", "state: /srv/two\n")
    monkeypatch.setenv("OPSAGENT_CONFIG", str(one))

    assert place.find().state == Path("/srv/one")
    assert place.find(str(two)).state == Path("/srv/two")


def test_the_hosts_settings_go_before_the_users(tmp_path: Path, home: Path) -> None:
    (home / ".config/opsagent").mkdir(parents=True)
    users = settings(home / ".config/opsagent", "state: /srv/user\n")
    assert place.find().settings == users
    (tmp_path / "etc").mkdir()
    hosts = settings(tmp_path / "etc", "checks: []\n")

    found = place.find()

    assert (found.settings, found.is_system) == (hosts, True)


def test_an_ordinary_user_runs_an_instance_of_his_own_beside_the_hosts(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    hosts = settings(tmp_path / "etc", "checks: []\n")
    assert place.own().settings == hosts, "root runs the host's"
    monkeypatch.setattr(place.os, "geteuid", lambda: 65534)

    bare = place.own()
    (home / ".config/opsagent").mkdir(parents=True)
    users = settings(home / ".config/opsagent", "checks: []\n")

    assert (bare.settings, bare.state) == (None, home / ".local/state/opsagent")
    assert (place.own().settings, place.own().state) == (users, home / ".local/state/opsagent")
    assert place.own(str(hosts)).settings == hosts, "what is named is meant"


def test_settings_that_are_named_and_not_there_end_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as end:
        place.find("/nowhere/opsagent.yaml")

    assert end.value.exit_code == 2
    assert "cannot find the settings /nowhere/opsagent.yaml" in capsys.readouterr().err


def test_settings_that_another_user_may_not_read_still_mean_that_instance(tmp_path: Path) -> None:
    """As nobody: the directory is closed, so the file that may be there counts as there."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    code = (
        "import os, sys; from pathlib import Path; from opsagent.interfaces.cli import place\n"
        "os.setgroups([]); os.setresgid(*[65534] * 3); os.setresuid(*[65534] * 3)\n"
        "place.address.SYSTEM_SETTINGS = Path(sys.argv[1])\n"
        "print(place.find())"
    )

    argv = [sys.executable, "-c", code, str(closed)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, cwd=ROOT, timeout=30)

    assert f"settings=PosixPath('{closed}/opsagent.yaml')" in done.stdout
    assert "state=PosixPath('/var/lib/opsagent')" in done.stdout
