"""Signs of a break-in, against real files; what the journal says of people is told by `tests/core/test_sign_ins.py`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.checks import KEPT_LIMIT, login
from opsagent.checks.login import MOST_FILES, Check
from opsagent.core.observation import Reading, Severity, Status
from opsagent.core.sign_ins import How, SignIn
from opsagent.host.people import JournalError

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/bash\n"


class Journal:
    """What the journal says, in the place of the one of the machine that runs the tests."""

    def __init__(self) -> None:
        self.lines: list[SignIn] = []
        self.broken = False

    def __call__(self, since: datetime | str, now: datetime) -> tuple[tuple[SignIn, ...], str]:
        if self.broken:
            raise JournalError("cannot read the journal: no permission")
        del now
        read = int(since) if isinstance(since, str) else 0
        return tuple(self.lines[read:]), str(len(self.lines))

    def says(self, how: How, count: int = 1, source: str = "192.0.2.7") -> None:
        now = datetime.now(UTC)
        begun = now - timedelta(seconds=count)
        self.lines += [
            SignIn(how=how, user="ann", source=source, at=begun + timedelta(seconds=n)) for n in range(count)
        ]


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Journal:
    said = Journal()
    monkeypatch.setattr(login, "sign_ins", said)
    monkeypatch.setattr(login, "ACCOUNTS", str(tmp_path / "passwd"))
    (tmp_path / "passwd").write_text(ACCOUNTS)
    return said


def look(check: Check, kept: str = "") -> tuple[Reading, str]:
    return check.observe_since(kept)


def test_the_first_look_only_learns_how_things_are(journal: Journal, tmp_path: Path) -> None:
    reading, _ = look(Check(files=(str(tmp_path / "*"),)))

    assert reading.status is Status.OK
    assert "1 files as they were" in reading.message


def test_who_is_let_in_after_ten_failures_is_told_once_and_at_once(journal: Journal) -> None:
    _, kept = look(Check())
    journal.says(How.FAILED, 10)
    quiet, kept = look(Check(), kept)
    journal.says(How.ACCEPTED)
    alarm, kept = look(Check(), kept)
    after, _ = look(Check(), kept)

    assert quiet.status is Status.OK
    assert quiet.measures[0].value == 10
    assert (alarm.status, alarm.severity, alarm.conclusive) == (Status.CRITICAL, Severity.SEV1, True)
    assert alarm.failure_class == "break-in"
    assert alarm.message.startswith("ann was let in from 192.0.2.7 at ")
    assert after.status is Status.OK


def test_the_figures_are_settings(journal: Journal) -> None:
    check = Check(failures=3, within=timedelta(minutes=1))
    journal.says(How.FAILED, 3)
    journal.says(How.ACCEPTED)

    assert look(check)[0].failure_class == "break-in"
    assert look(Check())[0].status is Status.OK


def test_a_second_root_is_told_and_an_ordinary_account_is_not(journal: Journal, tmp_path: Path) -> None:
    _, kept = look(Check())
    (tmp_path / "passwd").write_text(f"{ACCOUNTS}bob:x:1001:1001::/home/bob:/bin/sh\n")
    plain, kept = look(Check(), kept)
    (tmp_path / "passwd").write_text(f"{ACCOUNTS}toor:x:0:0::/root:/bin/sh\n")
    alarm, kept = look(Check(), kept)

    assert plain.status is Status.OK
    assert (alarm.failure_class, alarm.message) == ("account", "the account toor has the rights of root now")
    assert look(Check(), kept)[0].status is Status.OK
    assert look(Check(accounts=False), kept)[0].status is Status.OK


def test_a_listed_file_that_is_changed_made_or_taken_away_is_told(journal: Journal, tmp_path: Path) -> None:
    keys, folder = tmp_path / "authorized_keys", tmp_path / "sudoers.d"
    folder.mkdir()
    keys.write_text("ssh-ed25519 A ann\n")
    check = Check(files=(str(keys), f"{folder}/*"))
    _, kept = look(check)
    keys.write_text("ssh-ed25519 A ann\nssh-ed25519 B eve\n")
    (folder / "eve").write_text("eve ALL=(ALL) NOPASSWD: ALL\n")
    changed, kept = look(check, kept)
    keys.unlink()
    removed, kept = look(check, kept)

    assert changed.message == f"{keys} was changed; {folder / 'eve'} was created"
    assert changed.failure_class == "file"
    assert removed.message == f"{keys} was removed"
    assert "NOPASSWD" not in kept
    assert look(check, kept)[0].status is Status.OK


def test_without_the_journal_it_is_blind_but_still_sees_files(journal: Journal, tmp_path: Path) -> None:
    file = tmp_path / "sshd_config"
    file.write_text("a")
    check = Check(files=(str(file),))
    _, kept = look(check)
    journal.broken = True
    blind, kept = look(check, kept)
    file.write_text("b")
    alarm, _ = look(check, kept)

    assert (blind.status, blind.failure_class) == (Status.UNKNOWN, "journal")
    assert alarm.status is Status.CRITICAL


def test_a_flood_of_failures_is_kept_within_what_a_check_may_keep(journal: Journal, tmp_path: Path) -> None:
    for n in range(MOST_FILES):
        (tmp_path / f"{n:0100}.conf").write_text("a")
    check = Check(failures=50, files=(f"{tmp_path}/*.conf",))
    for n in range(400):
        journal.says(How.FAILED, 60, source=f"{n:0999}")

    _, kept = look(check)

    assert len(kept) < KEPT_LIMIT


@pytest.mark.parametrize("kept", ["nonsense", "[]", '{"cursor": 5}', '{"files": "x"}'])
def test_what_was_kept_and_cannot_be_read_is_begun_anew(journal: Journal, kept: str) -> None:
    assert look(Check(), kept)[0].status is Status.OK


@pytest.mark.parametrize(
    "wrong", [{"failures": 0}, {"failures": 51}, {"within": timedelta(seconds=1)}, {"files": ("etc/passwd",)}]
)
def test_what_could_never_be_true_is_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="cannot"):
        Check(**wrong)
