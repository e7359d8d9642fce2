"""`init`, `validate`, `settings`: what is said of a file before any daemon reads it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from opsagent.host import systemd
from opsagent.interfaces import address, known
from opsagent.interfaces.cli import build, place

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

    from tests.interfaces.instance import Instance


def run(*words: str) -> Result:
    return CliRunner().invoke(build([words[0]]), list(words))


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> str:
    text = "checks:\n  - {name: ram, kind: memory}\n"
    monkeypatch.setattr(known, "discovered", lambda: text)
    return text


def test_init_writes_what_was_found_for_the_owner_and_the_group(tmp_path: Path, found: str) -> None:
    path = tmp_path / "new" / "opsagent.yaml"

    result = run("init", str(path))

    assert result.exit_code == 0
    assert path.read_text() == found
    assert path.stat().st_mode & 0o777 == 0o640
    assert f"then: opsagent validate {path}" in result.stdout


def test_the_service_can_read_what_root_has_init_write_for_it(
    tmp_path: Path, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address, "SYSTEM_SETTINGS", tmp_path / "etc")
    monkeypatch.setattr(place, "SYSTEM_ACCOUNT", "nogroup")
    path = tmp_path / "etc" / "opsagent.yaml"

    assert run("init", str(path)).exit_code == 0

    assert (path.owner(), path.group()) == ("root", "nogroup")


def test_what_init_writes_is_good(tmp_path: Path) -> None:
    path = tmp_path / "opsagent.yaml"

    assert run("init", str(path)).exit_code == 0
    assert run("validate", str(path)).exit_code == 0, "found on this very host"


@pytest.mark.parametrize("kind", ["file", "link", "dangling", "directory"])
def test_init_never_overwrites(tmp_path: Path, found: str, kind: str) -> None:
    path, other = tmp_path / "opsagent.yaml", tmp_path / "other"
    other.write_text("kept")
    if kind == "file":
        path.write_text("kept")
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(other if kind == "link" else tmp_path / "nowhere")

    result = run("init", str(path))

    assert result.exit_code == 1
    assert f"cannot write {path}: it is there already" in result.stderr
    assert other.read_text() == "kept"
    assert not (tmp_path / "nowhere").exists()


def test_init_gives_way_to_somebody_who_was_faster(tmp_path: Path, found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "opsagent.yaml"
    path.write_text("faster")
    monkeypatch.setattr(os.path, "lexists", lambda _: False)

    result = run("init", str(path))

    assert (result.exit_code, path.read_text()) == (1, "faster")


def test_init_looks_only_where_it_may_write(tmp_path: Path, found: str) -> None:
    result = run("init", "/proc/nowhere/opsagent.yaml")

    assert result.exit_code == 1
    assert "cannot write /proc/nowhere/opsagent.yaml" in result.stderr


def test_validate_says_that_settings_are_good_and_what_is_armed(instance: Instance) -> None:
    result = run("validate", str(instance.settings))

    assert result.exit_code == 0
    assert result.stdout == f"{instance.settings}: good. 4 checks, armed: api, mode auto\n"


def test_validate_tells_every_error_of_every_file_with_its_line(instance: Instance) -> None:
    bad = instance.directory / "bad.yaml"
    bad.write_text("checks:\n  - {name: A, kind: tcp}\n  - {name: b, kind: nope}\nzone: Mars\n")

    result = run("validate", str(bad), str(instance.settings))

    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert {line.split(": ")[0] for line in lines[:-1]} >= {f"{bad}:2", f"{bad}:3", f"{bad}:4"}
    assert lines[-1].startswith(f"{instance.settings}: good.")


def test_validate_takes_the_settings_in_use_by_itself(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSAGENT_CONFIG", str(instance.settings))

    assert "good. 4 checks" in run("validate").stdout


def test_a_file_that_is_not_there_is_an_error_with_its_name(tmp_path: Path) -> None:
    result = run("validate", str(tmp_path / "no.yaml"))

    assert result.exit_code == 1
    assert f"{tmp_path / 'no.yaml'}:1: cannot open this file" in result.stdout


def test_the_schema_is_json_and_knows_every_kind_of_check() -> None:
    schema = json.loads(run("settings", "schema").stdout)

    kinds, notifiers = known.kinds()
    text = json.dumps(schema)
    assert "json-schema.org" in schema["$schema"]
    assert all(f'"const": "{kind}"' in text for kind in {**kinds, **notifiers})


def test_the_settings_in_force_are_shown_with_their_defaults(instance: Instance) -> None:
    shown = json.loads(run("settings", "show", "--json", "--config", str(instance.settings)).stdout)

    assert shown["state"] == str(instance.state)
    assert shown["heartbeat"] == "30m"
    assert [check["name"] for check in shown["checks"]] == ["api", "ram", "hostname", "failed-units"]
    assert shown["checks"][0]["repair"] == ["restart"]


def test_secrets_in_the_addresses_of_notifiers_are_not_shown(instance: Instance) -> None:
    with instance.settings.open("a") as file:
        file.write(
            'notifiers: [{name: hook, kind: webhook, url: "https://chat.example/hooks/s3cr3t-word-in-a-path"}]\n'
        )

    for words in (["--json"], []):
        shown = run("settings", "show", *words, "--config", str(instance.settings)).stdout

        assert "hook" in shown
        assert "s3cr3t" not in shown


def test_without_any_settings_what_was_found_is_shown(
    tmp_path: Path, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(place.address, "SYSTEM_SETTINGS", tmp_path / "etc")
    monkeypatch.delenv("OPSAGENT_CONFIG", raising=False)
    monkeypatch.setattr(systemd, "connection", lambda _: None)

    shown = run("settings", "show").stdout

    assert "ram" in shown
    assert "notifiers: none: nobody is told" in shown


def test_show_says_where_the_figures_are_written(instance: Instance) -> None:
    assert instance.json("settings", "show")["textfile"] is None

    instance.settings.write_text(f"{instance.settings.read_text()}metrics: {{textfile: /srv/node/opsagent.prom}}\n")

    assert instance.json("settings", "show")["textfile"] == "/srv/node/opsagent.prom"
