"""Lines about people, as sshd, dropbear, logind, PAM and sudo write them, and what strangers write into them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.sign_ins import MOST_SOURCES, How, SignIn, break_ins, understood

AT = datetime(2026, 11, 18, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("program", "text", "how", "user", "source"),
    [
        (
            "sshd",
            "Accepted publickey for ann from 192.0.2.7 port 50122 ssh2: RSA SHA256:x",
            "accepted",
            "ann",
            "192.0.2.7",
        ),
        ("sshd-session", "Accepted password for root from 2001:db8::1 port 22 ssh2", "accepted", "root", "2001:db8::1"),
        ("sshd", "Failed password for root from 192.0.2.7 port 50122 ssh2", "failed", "root", "192.0.2.7"),
        ("sshd", "Failed password for invalid user bob from 192.0.2.7 port 1 ssh2", "failed", "bob", "192.0.2.7"),
        ("dropbear", "Bad password attempt for 'root' from 192.0.2.7:40222", "failed", "root", "192.0.2.7"),
        ("dropbear", "Password auth succeeded for 'root' from 192.0.2.7:40222", "accepted", "root", "192.0.2.7"),
        ("systemd-logind", "New session 12 of user ann.", "session", "ann", ""),
        (
            "sudo",
            "     ann : TTY=pts/0 ; PWD=/home/ann ; USER=root ; COMMAND=/usr/bin/systemctl stop api",
            "command",
            "root",
            "ann",
        ),
        (
            "vsftpd",
            "pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=bob rhost=192.0.2.9",
            "failed",
            "",
            "192.0.2.9",
        ),
    ],
)
def test_a_line_about_people_is_understood(program: str, text: str, how: str, user: str, source: str) -> None:
    found = understood(program, text, AT)

    assert found is not None
    assert (found.how, found.user, found.source, found.at) == (how, user, source, AT)


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("sshd", "Connection closed by 192.0.2.7 port 22 [preauth]"),
        ("sshd", "Failed publickey for ann from 192.0.2.7 port 22 ssh2"),  # an agent offers one key after the other
        ("sshd", "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7"),
        ("cron", "Accepted publickey for ann from 192.0.2.7 port 22 ssh2"),
        ("sudo", "pam_unix(sudo:session): session opened for user root(uid=0) by ann(uid=1000)"),
        ("", ""),
    ],
)
def test_all_other_lines_say_nothing(program: str, text: str) -> None:
    assert understood(program, text, AT) is None


def test_a_name_that_looks_like_an_address_is_the_name_of_nobody() -> None:
    text = "Failed password for invalid user x from 198.51.100.1 port 22 from 192.0.2.7 port 50122 ssh2"

    found = understood("sshd", text, AT)

    assert found is not None
    assert found.source == "192.0.2.7"


def failed(source: str, minute: float) -> SignIn:
    return SignIn(how=How.FAILED, user="root", source=source, at=AT + minute * MINUTE)


def let_in(source: str, minute: float) -> SignIn:
    return SignIn(how=How.ACCEPTED, user="ann", source=source, at=AT + minute * MINUTE)


def test_who_is_let_in_after_ten_failures_from_one_place_has_broken_in() -> None:
    tried = [failed("192.0.2.7", n / 10) for n in range(10)]

    alarms, kept = break_ins({}, [*tried, let_in("192.0.2.7", 2)], limit=10, within=10 * MINUTE)

    assert [(one.user, one.source, one.failures) for one in alarms] == [("ann", "192.0.2.7", 10)]
    assert kept == {}


@pytest.mark.parametrize(
    "story",
    [
        [*(failed("192.0.2.7", n / 10) for n in range(9)), let_in("192.0.2.7", 2)],
        [*(failed("192.0.2.7", n / 10) for n in range(30)), let_in("192.0.2.8", 4)],
        [*(failed("192.0.2.7", n / 10) for n in range(10)), let_in("192.0.2.7", 12)],
        [*(failed(f"192.0.2.{n}", 0) for n in range(99))],
    ],
    ids=["nine failures", "from elsewhere", "long after", "never let in"],
)
def test_everything_less_is_the_noise_of_the_internet(story: list[SignIn]) -> None:
    assert break_ins({}, story, limit=10, within=10 * MINUTE)[0] == ()


@given(cut=st.integers(min_value=0, max_value=11))
def test_it_does_not_matter_where_one_reading_ends_and_the_next_begins(cut: int) -> None:
    story = [*(failed("192.0.2.7", n / 10) for n in range(10)), let_in("192.0.2.7", 2)]

    first, kept = break_ins({}, story[:cut], limit=10, within=10 * MINUTE)
    second, _ = break_ins(kept, story[cut:], limit=10, within=10 * MINUTE)

    assert len(first + second) == 1


def test_a_flood_from_everywhere_is_remembered_of_the_last_places_only() -> None:
    flood = [failed(f"10.0.{n // 250}.{n % 250}", n / 1000) for n in range(3 * MOST_SOURCES)]

    _, kept = break_ins({}, flood, limit=10, within=600 * MINUTE)

    assert len(kept) == MOST_SOURCES
    assert flood[-1].source in kept
