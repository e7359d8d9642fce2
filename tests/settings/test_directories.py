"""A draft is told at its line when what it names can never be written; a daemon in force is not stopped by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsagent import checks, notifiers, remedies
from opsagent.settings import Account, Settings, SettingsError, load

KINDS = {name: checks.kind(name) for name in checks.KINDS}
NOTIFIERS = {name: notifiers.kind(name) for name in notifiers.KINDS}
ROOT = Account(uid=0, name="root", home=Path("/root"))


def ada(home: Path) -> Account:
    return Account(uid=1000, name="ada", home=home)


def read(tmp_path: Path, text: str, account: Account, *, draft: bool = True) -> Settings:
    path = tmp_path / "draft.yaml"
    path.write_text(text)
    return load(path, KINDS, remedies.KINDS, NOTIFIERS, account, draft=draft)


def problems(tmp_path: Path, text: str, account: Account = ROOT) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text, account)
    return [str(problem) for problem in caught.value.problems]


def test_what_lies_under_a_file_or_belongs_to_the_kernel_can_never_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    said = problems(tmp_path, f"host: h\nstate: {tmp_path}/file/state\nmemory: /proc/memory\nzone: Mars\n")

    assert [line.removeprefix(f"{tmp_path}/draft.yaml:")[0] for line in said] == ["2", "3", "4"]
    assert f"{tmp_path}/file is no directory, allowed: a directory that can be made and written (state)" in said[0]
    assert "cannot write '/proc/memory': only the kernel makes files there, allowed: " in said[1]
    assert "time zone 'Mars'" in said[2]


def test_a_read_only_file_system_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class ReadOnly:
        f_flag = 1

    monkeypatch.setattr("opsagent.settings.directories.os.statvfs", lambda _: ReadOnly)

    (said,) = problems(tmp_path, f"memory: {tmp_path}/new/memory\n")

    assert f"the file system of {tmp_path} is read-only" in said


def test_a_person_is_told_what_this_account_may_not_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsagent.settings.directories.os.access", lambda *_: False)

    (said,) = problems(tmp_path, "memory: ~/memory\n", ada(tmp_path))

    assert f"this account may not write in {tmp_path}" in said
    assert read(tmp_path, f"memory: {tmp_path}/memory\n", ROOT).memory == tmp_path / "memory"


def test_what_can_be_made_is_good(tmp_path: Path) -> None:
    assert read(tmp_path, f"memory: {tmp_path}/new/memory\n", ada(tmp_path)).memory == tmp_path / "new/memory"


def test_a_daemon_whose_memory_cannot_be_written_now_keeps_its_settings(tmp_path: Path) -> None:
    read_now = read(tmp_path, "memory: /proc/memory\n", ada(tmp_path), draft=False)

    assert read_now.memory == Path("/proc/memory")


def test_a_textfile_must_end_as_node_exporter_wants_it_in_a_directory_that_can_be_written(tmp_path: Path) -> None:
    (wrong,) = problems(tmp_path, f"metrics:\n  textfile: {tmp_path}/opsagent.txt\n")
    (relative,) = problems(tmp_path, "metrics:\n  textfile: opsagent.prom\n")
    (closed,) = problems(tmp_path, "host: h\nmetrics:\n  textfile: /proc/opsagent.prom\n")

    assert "allowed: a path from / or ~/ that ends in .prom (metrics.textfile)" in wrong
    assert "allowed: a path from / or ~/ without .." in relative
    assert ":3: cannot write '/proc/opsagent.prom': only the kernel makes files there" in closed
    written = read(tmp_path, "metrics: {textfile: ~/node/opsagent.prom}\n", ada(tmp_path))
    assert written.metrics.textfile == tmp_path / "node/opsagent.prom"
    assert read(tmp_path, "host: h\n", ROOT).metrics.textfile is None
