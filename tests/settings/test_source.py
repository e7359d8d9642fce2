from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import pytest

from opsagent.settings import SettingsError, load, source
from opsagent.settings.source import LARGEST, Account, files_of, find, host_zone, read, this_account

ADA = Account(uid=1000, name="ada", home=Path("/home/ada"))


def told(path: Path, *, trusted_only: bool) -> list[str]:
    _, problems = read(path, trusted_only=trusted_only)
    return [problem.text for problem in problems]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A settings file that root owns, in a directory that only root may write to."""
    if os.geteuid() != 0:
        pytest.fail("cannot give files to other users without root; run the tests as root, as `make test` does in CI")
    directory = tmp_path / "etc"
    directory.mkdir(mode=0o755)
    path = directory / "opsagent.yaml"
    path.write_text("zone: UTC\n", encoding="utf-8")
    path.chmod(0o640)
    return path


MATRIX = [
    (0, 0o600, True),
    (0, 0o640, True),
    (0, 0o644, True),
    (0, 0o660, False),
    (0, 0o642, False),
    (0, 0o646, False),
    (0, 0o664, False),
    (0, 0o666, False),
    (1, 0o600, False),
    (1, 0o644, False),
    (65534, 0o644, False),
]


@pytest.mark.parametrize(("owner", "mode", "trusted"), MATRIX)
def test_only_a_file_that_root_alone_can_change_is_trusted(place: Path, owner: int, mode: int, trusted: bool) -> None:
    os.chown(place, owner, 0)
    place.chmod(mode)

    assert (told(place, trusted_only=True) == []) is trusted
    assert told(place, trusted_only=False) == []


@pytest.mark.parametrize(("owner", "mode", "trusted"), [(o, m | 0o111, t) for o, m, t in MATRIX] + [(0, 0o1777, False)])
def test_so_is_only_a_directory_that_root_alone_can_change(place: Path, owner: int, mode: int, trusted: bool) -> None:
    os.chown(place.parent, owner, 0)
    place.parent.chmod(mode)

    assert (told(place, trusted_only=True) == []) is trusted


def test_a_directory_further_up_counts_too(place: Path) -> None:
    place.parent.parent.chmod(0o777)

    assert told(place, trusted_only=True) == [
        (
            "cannot trust a directory of mode 0777, allowed: writable by its owner only (chmod go-w) "
            f"({place.parent.parent})"
        )
    ]


def test_a_sticky_directory_further_up_is_fine_since_nobody_can_rename_what_is_in_it(place: Path) -> None:
    place.parent.parent.chmod(0o1777)

    assert told(place, trusted_only=True) == []


def test_a_link_is_only_as_good_as_the_place_it_stands_in_and_the_one_it_leads_to(place: Path, tmp_path: Path) -> None:
    other = tmp_path / "open"
    other.mkdir()
    other.chmod(0o777)
    (other / "opsagent.yaml").symlink_to(place)
    real = other / "real.yaml"
    real.write_text("zone: UTC\n", encoding="utf-8")
    (place.parent / "link.yaml").symlink_to(real)

    assert told(other / "opsagent.yaml", trusted_only=True) != []
    assert told(place.parent / "link.yaml", trusted_only=True) != []


def test_every_reason_for_distrust_is_told_with_what_to_do(place: Path) -> None:
    os.chown(place, 1, 0)
    place.chmod(0o666)

    assert told(place, trusted_only=True) == [
        "cannot trust a file of user 1, allowed: owned by root (chown root)",
        "cannot trust a file of mode 0666, allowed: writable by its owner only (chmod go-w)",
    ]


def test_a_file_is_read_with_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("\ufeffzone: Üx\n".encode())

    source, problems = read(path, trusted_only=False)

    assert problems == []
    assert source is not None
    assert source.text == "zone: Üx\n"
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_of_more_than_a_mebibyte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"#" * LARGEST)
    assert told(path, trusted_only=False) == []

    path.write_bytes(b"#" * (LARGEST + 1))
    assert told(path, trusted_only=False) == ["cannot read more than 1 MiB of settings, split the file into conf.d"]


def test_bytes_that_are_no_text_are_refused_at_their_line(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")

    _, problems = read(path, trusted_only=False)

    assert [str(problem) for problem in problems] == [f"{path}:2: cannot read byte 0xff, allowed: UTF-8 text"]


def test_a_directory_a_pipe_and_a_device_are_no_settings_and_never_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        assert told(path, trusted_only=False) == ["cannot read settings from this, allowed: a regular file"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert told(tmp_path / "x", trusted_only=False) == [
        "cannot open this file: No such file or directory, allowed: a readable file"
    ]


def test_who_may_not_read_the_settings_hears_of_sudo() -> None:
    if os.geteuid() != 0:
        pytest.fail("cannot become another user without root; run the tests as root")
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        place = Path(name) / "opsagent.yaml"
        place.touch(mode=0o600)
        os.seteuid(65534)
        try:
            said = told(place, trusted_only=False)
        finally:
            os.seteuid(0)

    assert said == ["cannot open this file: Permission denied, try it with sudo"]


def test_files_of_conf_d_follow_the_main_file_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    for name in ("b.yaml", "a.yaml", ".hidden.yaml", "c.yaml~", "d.yml", "README"):
        (tmp_path / "conf.d" / name).touch()

    files, problems = files_of(tmp_path / "opsagent.yaml")

    assert problems == []
    assert [path.name for path in files] == ["opsagent.yaml", "a.yaml", "b.yaml"]


def test_a_conf_d_that_is_no_directory_or_not_there_is_none(tmp_path: Path) -> None:
    main = tmp_path / "opsagent.yaml"
    assert files_of(main) == ([main], [])

    (tmp_path / "conf.d").touch()
    assert files_of(main) == ([main], [])


def test_the_file_that_was_named_wins_even_when_it_is_not_there(tmp_path: Path) -> None:
    account = Account(uid=1000, name="ada", home=tmp_path)
    own = tmp_path / ".config/opsagent/opsagent.yaml"
    own.parent.mkdir(parents=True)

    assert find("given.yaml", {"OPSAGENT_CONFIG": "env.yaml"}, account) == Path("given.yaml")
    assert find(None, {"OPSAGENT_CONFIG": "env.yaml"}, account) == Path("env.yaml")

    own.touch()
    assert find(None, {"OPSAGENT_CONFIG": ""}, account) in {own, Path("/etc/opsagent/opsagent.yaml")}


def test_the_hosts_zone_is_where_localtime_points_to(tmp_path: Path) -> None:
    assert host_zone(tmp_path) == "UTC"

    (tmp_path / "timezone").write_text("Europe/Paris\n", encoding="utf-8")
    assert host_zone(tmp_path) == "Europe/Paris"

    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/America/Argentina/Ushuaia")
    assert host_zone(tmp_path) == "America/Argentina/Ushuaia"


@pytest.mark.parametrize(("uid", "name", "system"), [(0, "root", True), (990, "opsagent", True), (1000, "ada", False)])
def test_root_and_opsagent_are_the_systems_accounts(uid: int, name: str, system: bool) -> None:
    assert Account(uid=uid, name=name, home=ADA.home).is_system is system


def test_this_process_has_an_account() -> None:
    account = this_account()

    assert account.uid == os.geteuid()
    assert account.home.is_absolute()


def test_the_systems_instance_refuses_settings_that_others_can_change(place: Path) -> None:
    root = Account(uid=0, name="root", home=Path("/root"))
    assert load(place, {}, (), {}, root).zone == "UTC"

    (place.parent / "conf.d").mkdir()
    extra = place.parent / "conf.d/extra.yaml"
    extra.write_text("host: h", encoding="utf-8")
    extra.chmod(0o666)

    with pytest.raises(SettingsError, match=r"extra\.yaml:1: cannot trust a file of mode 0666"):
        load(place, {}, (), {}, root)
    assert load(place, {}, (), {}, ADA).host == "h"


def test_whoever_writes_to_the_systems_state_is_the_systems_instance(place: Path) -> None:
    place.write_text("state: /var/lib/opsagent/second\n", encoding="utf-8")
    place.chmod(0o660)

    with pytest.raises(SettingsError, match="cannot trust a file of mode 0660"):
        load(place, {}, (), {}, ADA)


def test_the_hosts_own_service_cannot_keep_its_memory_in_a_home_and_anybody_else_can(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write_text("zone: UTC\nmemory: /home/ada/notes\nstate: /root/x\nfoo: 1\n", encoding="utf-8")
    theirs = told_by_load(place)

    monkeypatch.setattr(source, "SYSTEM_DIRECTORY", place.parent)
    ours = told_by_load(place)

    assert [line for line, _ in theirs] == [4]
    assert [line for line, _ in ours] == [2, 3, 4]
    assert dict(ours)[2] == (
        "cannot use '/home/ada/notes', a home directory, for the host's own service, "
        "allowed: a path elsewhere, or run opsagent as that user with `scope: user` (memory)"
    )


def told_by_load(path: Path) -> list[tuple[int, str]]:
    with pytest.raises(SettingsError) as caught:
        load(path, {}, (), {}, ADA, draft=True)
    return sorted((problem.place.line, problem.text) for problem in caught.value.problems)
