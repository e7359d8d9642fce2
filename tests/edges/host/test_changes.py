"""Files, packages and people as they are compared: what is a change, whose it is, and what of it is shown."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.core.change import MOST_DIFF
from opsagent.core.sign_ins import How, SignIn
from opsagent.host import installed
from opsagent.host.changes import Kept, commands, logins, of_boot, of_files
from opsagent.host.file_prints import LARGEST, LONGEST_TEXT, Print, difference, matches, same, taken
from opsagent.host.unit_paths import UnitPaths
from opsagent.host.watched_files import Why, is_ours, named_by, owners
from opsagent.redact import Redactor

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 18, 3, 0, tzinfo=UTC)


def compared(kept: Kept, *files: Path, **more: bool) -> tuple[Kept, list[tuple[str, str]]]:
    wanted = {str(path): Why(reason="/etc/shop/**", units=("shop.service",)) for path in files}
    silent = more.get("packages_changed", False)
    kept, found = of_files(kept, wanted, ("/etc/shop/**",), Redactor().redact, NOW, packages_changed=silent)
    return kept, [(one.subject, one.what) for one in found]


def test_a_file_is_told_of_when_its_content_changes_comes_or_goes(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a\nb\n")
    kept, first = compared(Kept(), one, two)
    one.write_text("a\nc\n")
    two.write_text("new")
    kept, second = compared(kept, one, two)
    one.unlink()
    kept, third = compared(kept, one, two)
    _, fourth = compared(kept, one, two)

    assert first == []  # the first look only learns how things are
    assert second == [(str(one), "changed: 1 added, 1 removed"), (str(two), "created")]
    assert third == [(str(one), "removed")]
    assert fourth == []


def test_a_touch_is_no_change_and_a_swap_for_the_same_content_is_none(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_text("a")
    kept, _ = compared(Kept(), path)
    path.touch()
    beside = tmp_path / "beside"
    beside.write_text("a")
    beside.rename(path)

    assert compared(kept, path)[1] == []


def test_a_secret_is_neither_kept_nor_shown_and_its_change_is_told_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "shop.conf"
    path.write_text("password: hunter2-of-old\n")
    before = taken(str(path), None, Redactor(key=b"one run").redact)
    path.write_text("password: hunter2-of-new\n")
    after = taken(str(path), before, Redactor(key=b"the next run").redact)

    assert before is not None
    assert after is not None
    assert "hunter2" not in before.text + after.text
    assert not same(before, after)
    assert difference(before, after) == ("changed only in what is secret, or in its line ends", ())


def test_a_difference_is_bounded_and_says_how_much_is_left_out() -> None:
    before = Print(stamp="1", digest="a", text="\n".join(str(n) for n in range(1000)))
    after = Print(stamp="2", digest="b", text="\n".join(str(n + 5000) for n in range(1000)))

    what, diff = difference(before, after)

    assert what == "changed: 1000 added, 1000 removed"
    assert len(diff) == MOST_DIFF
    assert diff[-1] == "… and 1962 lines more"


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (Print(stamp="1:2:3:4"), Print(stamp="1:2:9:9", closed="Permission denied"), "told by time and size alone"),
        (Print(stamp="1", digest="a"), Print(stamp="2", digest="b"), "changed"),
    ],
)
def test_what_cannot_be_read_is_told_without_a_difference(before: Print, after: Print, what: str) -> None:
    said, diff = difference(before, after)

    assert what in said
    assert diff == ()
    assert not same(before, after)


def test_of_a_long_or_binary_file_only_the_hash_is_kept_and_of_a_huge_one_not_even_that(tmp_path: Path) -> None:
    for name, content in (("long", b"x" * (LONGEST_TEXT + 1)), ("binary", b"a\0b"), ("huge", None)):
        path = tmp_path / name
        if content is None:
            with path.open("wb") as file:
                file.truncate(LARGEST + 1)
        else:
            path.write_bytes(content)
        found = taken(str(path), None, str)

        assert found is not None
        assert (found.text, bool(found.digest)) == ("", name != "huge")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    assert taken(str(fifo), None, str) is None
    assert taken(str(tmp_path), None, str) is None


def test_a_file_that_a_pattern_newly_names_was_there_before(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_text("a")
    kept, _ = compared(Kept())
    new = {str(path): Why(reason="/etc/new/**")}

    kept, found = of_files(kept, new, ("/etc/shop/**", "/etc/new/**"), str, NOW, packages_changed=False)
    late = tmp_path / "two"
    late.write_text("b")
    new[str(late)] = Why(reason="/etc/new/**")
    _, later = of_files(kept, new, ("/etc/shop/**", "/etc/new/**"), str, NOW, packages_changed=False)

    assert found == ()
    assert [(one.subject, one.what) for one in later] == [(str(late), "created")]


def test_a_pattern_reaches_any_depth(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "x.conf").write_text("")

    assert list(matches(f"{tmp_path}/**")) == [str(deep / "x.conf")]
    assert list(matches("/no/such/file")) == ["/no/such/file"]


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("/etc/shop/conf.d/10.conf", "shop.service"),
        ("/etc/default/shop", "shop.service"),
        ("/etc/shop.conf", "shop.service"),
        ("/etc/redis/redis.conf", "redis-server.service"),
        ("/etc/redis/users.acl", "redis-server.service"),
        ("/srv/app/settings.py", "app@1.service"),
        ("/etc/hosts", ""),
        ("/etc/ssl/openssl.cnf", ""),
    ],
)
def test_a_file_belongs_to_the_unit_that_is_given_it_or_is_called_so(path: str, unit: str) -> None:
    units = {
        "shop.service": UnitPaths(),
        "redis-server.service": UnitPaths(given=("/etc/redis/redis.conf",)),
        "app@1.service": UnitPaths(given=("/srv/app",)),
        "flat.service": UnitPaths(given=("/etc/flat.conf",)),
    }

    assert owners(path, units) == ((unit,) if unit else ())


def test_a_unit_file_names_its_unit_a_drop_in_too_and_a_template_all_its_instances() -> None:
    units = ("shop.service", "app@1.service", "app@2.service")

    assert named_by("/etc/systemd/system/shop.service", units) == ("shop.service",)
    assert named_by("/etc/systemd/system/shop.service.d/a.conf", units) == ("shop.service",)
    assert named_by("/etc/systemd/system/app@.service", units) == ("app@1.service", "app@2.service")
    assert named_by("/etc/systemd/system/app@.service.d/a.conf", units) == ("app@1.service", "app@2.service")


def test_our_own_unit_files_are_no_change_of_others() -> None:
    assert is_ours("/etc/systemd/system/opsagent-act-rotate.service")
    assert is_ours("/etc/systemd/system/opsagent.service.d/10-memory.conf")
    assert not is_ours("/etc/systemd/system/shop.service.d/10-memory.conf")
    assert not is_ours("/etc/opsagent-of-others/x.conf")


STATUS = """\
Package: nginx
Status: install ok installed
Architecture: amd64
Version: 1.22.1-9

Package: gone
Status: deinstall ok config-files
Version: 1

Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36
Description: a library
 Version: not this one

Package: libc6
Status: install ok installed
Architecture: i386
Version: 2.35
"""


def test_installed_packages_are_told_from_dpkgs_list() -> None:
    assert dict(installed.among(STATUS)) == {"nginx": "1.22.1-9", "libc6": "2.36", "libc6:i386": "2.35"}


def test_packages_differ_by_their_versions() -> None:
    found = installed.differences({"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "1"})

    assert [str(one) for one in found] == ["b 1 → 2", "c 1 removed", "d 1 installed"]


def test_when_dpkg_began_and_who_asked_apt_stand_in_their_logs() -> None:
    log = "2026-11-18 03:00:01 startup archives unpack\n2026-11-18 03:00:02 upgrade nginx:amd64 1.22 1.24\nnonsense\n"
    history = (
        "Start-Date: 2026-11-18  03:00:00\nCommandline: apt-get upgrade\nRequested-By: ann (1000)\n"
        "End-Date: 2026-11-18  03:00:09\n\n"
    )
    local = datetime(2026, 11, 18, 3, 0, 2).astimezone(UTC)  # dpkg writes local time

    assert list(installed.began_in(log, frozenset({"nginx"}))) == [local]
    assert list(installed.began_in(log, frozenset({"apache2"}))) == []
    assert installed.asker_in(history, local) == "ann"
    assert installed.asker_in(history, local + timedelta(hours=1)) == ""
    by_itself = history.replace("apt-get upgrade", "/usr/bin/unattended-upgrade").replace(
        "Requested-By: ann (1000)\n", ""
    )
    assert installed.asker_in(by_itself, local) == "unattended-upgrade"


def test_a_login_is_told_once_and_its_session_not_beside_it() -> None:
    def came(how: How, user: str, source: str = "") -> SignIn:
        return SignIn(how=how, user=user, source=source, at=NOW)

    found = logins(
        [
            came(How.ACCEPTED, "ann", "192.0.2.7"),
            came(How.SESSION, "ann"),
            came(How.ACCEPTED, "ann", "192.0.2.7"),
            came(How.SESSION, "bob"),
            came(How.FAILED, "eve", "192.0.2.9"),
        ]
    )

    assert [(one.subject, one.what, one.count) for one in found] == [
        ("ann", "from 192.0.2.7", 2),
        ("bob", "at this host", 1),
    ]


def test_commands_by_sudo_are_one_change_for_each_person_and_name_their_programs() -> None:
    typed = [
        SignIn(how=How.COMMAND, user="root", source="ann", at=NOW, words=f"/usr/bin/{word} --now")
        for word in ("systemctl", "vi", "systemctl", "cp", "mv")
    ]

    (found,) = commands(typed)

    assert (found.what, found.count, found.items[0]) == (
        "ran systemctl, vi, cp and 1 more as root",
        5,
        "/usr/bin/systemctl --now",
    )


def test_a_boot_and_a_kernel_are_told_once_each() -> None:
    kept, first = of_boot(Kept(), ended_well=True)
    older = replace(kept, boot="another", kernel="6.0")
    fresh, found = of_boot(older, ended_well=False)

    assert first == ()
    assert [one.kind for one in found] == ["reboot", "kernel"]
    assert "without a clean shutdown" in found[0].what
    assert of_boot(fresh, ended_well=True)[1] == ()
