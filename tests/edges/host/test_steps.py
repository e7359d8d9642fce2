"""Looking as a playbook says: bounded in lines and time, below /var/log alone, and never behind a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opsagent.core.playbook.look import LogFile, Program
from opsagent.host import steps
from opsagent.host.mounts import Mount

if TYPE_CHECKING:
    from pathlib import Path


def test_a_program_says_what_it_says_in_few_lines() -> None:
    said = steps.run(Program(argv=("ls", "-1", "--", "/usr/bin")))

    assert len(said) == 20
    assert said[-1].endswith("more lines")


def test_one_that_fails_is_told_with_its_words_and_its_end() -> None:
    said = steps.run(Program(argv=("ls", "--", "/nowhere/at/all")))

    assert "No such file" in said[0]
    assert said[-1] == "ended with 2"


def test_one_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "WITHIN", steps.WITHIN / 20)

    assert steps.run(Program(argv=("sleep", "60")))[-1].startswith("no end within")


def test_only_the_hosts_own_programs_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "harmless-looking").write_text("#!/bin/sh\nid\n")
    (tmp_path / "harmless-looking").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(steps.StepError, match="is not on this host"):
        steps.run(Program(argv=("harmless-looking",)))


STATUS = """\
● api.service - the API
     Loaded: loaded (/etc/systemd/system/api.service; enabled; preset: enabled)
    Process: 90 ExecStartPre=/usr/bin/prepare hunter2 (code=exited, status=0/SUCCESS)
   Main PID: 91 (api)
     CGroup: /system.slice/api.service
             ├─91 /usr/bin/api --key hunter2
             └─92 /usr/bin/api-worker hunter2

Nov 27 07:54:55 web-1 api[91]: ready"""


def test_a_status_is_told_without_the_arguments_of_processes() -> None:
    said = steps.without_command_lines(STATUS.splitlines())

    assert "hunter2" not in "".join(said)
    assert [line.split()[0] for line in said if line] == ["●", "Loaded:", "Main", "CGroup:", "Nov"]


@pytest.mark.parametrize("path", ["/srv/far", "/srv/far/below", "/srv"])
@pytest.mark.parametrize("kind", ["nfs4", "autofs"])
def test_what_lies_behind_a_network_is_not_looked_at(monkeypatch: pytest.MonkeyPatch, path: str, kind: str) -> None:
    far = Mount(path="/srv/far", source="far:/x", fs_type=kind, device="0:9", read_only=False)
    monkeypatch.setattr(steps, "mounts", lambda: (far,))

    with pytest.raises(steps.StepError, match="network"):
        steps.run(Program(argv=("ls", "--", path)))


def log(folder: Path, lines: int = 50) -> Path:
    file = folder / "logs/api.log"
    file.parent.mkdir()
    file.write_text("".join(f"line {number}\n" for number in range(lines)))
    return file


def test_the_end_and_the_beginning_of_a_log_are_read(tmp_path: Path) -> None:
    file = log(tmp_path, 20_000)
    logs = str(file.parent)

    assert steps.log_lines(LogFile(path=str(file), lines=2), logs) == ("line 19998", "line 19999")
    assert steps.log_lines(LogFile(path=str(file), lines=2, from_end=False), logs) == ("line 0", "line 1")
    assert len(steps.log_lines(LogFile(path=str(file)), logs)) == 20


def test_a_link_is_followed_within_the_logs_and_not_out_of_them(tmp_path: Path) -> None:
    file = log(tmp_path)
    (file.parent / "current").symlink_to("api.log")
    (tmp_path / "secret").write_text("secret\n")
    (file.parent / "trap").symlink_to(tmp_path / "secret")
    (file.parent / "up").symlink_to(tmp_path)

    assert steps.log_lines(LogFile(path=str(file.parent / "current"), lines=1), str(file.parent)) == ("line 49",)
    for trap in ("trap", "up/secret"):
        with pytest.raises(steps.StepError, match="leads out of"):
            steps.log_lines(LogFile(path=str(file.parent / trap)), str(file.parent))


@pytest.mark.parametrize("trap", ["folder", "missing", "binary", "second name"])
def test_what_is_no_plain_log_is_not_read(tmp_path: Path, trap: str) -> None:
    file = log(tmp_path)
    (file.parent / "folder").mkdir()
    (file.parent / "binary").write_bytes(b"a\0b")
    (tmp_path / "other").write_text("x\n")
    (file.parent / "second name").hardlink_to(tmp_path / "other")

    with pytest.raises(steps.StepError):
        steps.log_lines(LogFile(path=str(file.parent / trap)), str(file.parent))
