"""The clock check: what services say of the clock, and a small NTP server of our own that is right, wrong or rude."""

from __future__ import annotations

import math
import socket
import struct
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.checks import clock, observe
from opsagent.checks.clock import Check
from opsagent.checks.wire.sntp import _apart, _stamp
from opsagent.core.observation import Reading, Status
from opsagent.host.timekeeping import Timekeeping, from_chrony, from_ntpq, from_timesyncd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Reply = Callable[[bytes, float], bytes | None]

SHORT = timedelta(milliseconds=300)


class TimeServer:
    """An NTP server on loopback; `reply` turns a question and its time into the bytes to send, or None for silence."""

    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port: int = self.sock.getsockname()[1]
        self.asked: list[bytes] = []
        self.reply: Reply = lambda *_: None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while (came := self.sock.recvfrom(1024))[0] != b"stop":
            self.asked.append(came[0])
            if (answer := self.reply(came[0], time.time())) is not None:
                self.sock.sendto(answer, came[1])

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"stop", ("127.0.0.1", self.port))
        self.thread.join(timeout=5)
        self.sock.close()


@pytest.fixture(scope="module")
def running() -> Iterator[TimeServer]:
    server = TimeServer()
    yield server
    server.close()


@pytest.fixture
def server(running: TimeServer) -> TimeServer:
    running.asked.clear()
    return running


def ahead(seconds: float, *, first: int = 0x24, stratum: int = 2, refid: bytes = b"GPS\0") -> Reply:
    """Answer as a server whose clock is ahead of ours by so much."""

    def reply(asked: bytes, now: float) -> bytes:
        stamp = struct.pack("!Q", _stamp(now + seconds))
        head = bytes([first, stratum, 6, 0xE9]) + bytes(8) + refid + bytes(8)
        return head + asked[40:48] + stamp + stamp

    return reply


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say who keeps this host's clock, in place of the host."""

    def say(**facts: Any) -> None:
        monkeypatch.setattr(clock, "_kept", lambda: Timekeeping(**facts))

    return say


def look(**options: Any) -> Reading:
    return observe(Check(**options))


def verdict(reading: Reading) -> tuple[Status, str | None]:
    return reading.status, reading.failure_class


def number(reading: Reading, name: str) -> float:
    return next(measure.value for measure in reading.measures if measure.name == name)


def test_the_offset_is_measured_against_the_server(server: TimeServer, kept: Callable[..., None]) -> None:
    kept()
    server.reply = ahead(0.25)

    reading = look(server="127.0.0.1", port=server.port)

    assert verdict(reading) == (Status.WARNING, "offset")
    assert number(reading, "offset") == pytest.approx(0.25, abs=0.05)
    assert f"behind by 127.0.0.1:{server.port}" in reading.message
    assert len(server.asked[0]) == 48
    assert server.asked[0][0] == 0x23


@pytest.mark.parametrize(
    ("seconds", "expected", "word"),
    [
        (0.0, (Status.OK, None), ""),
        (-0.5, (Status.WARNING, "offset"), "ahead"),
        (2.0, (Status.CRITICAL, "offset"), "behind"),
        (-86_400.0, (Status.CRITICAL, "offset"), "24 h ahead"),
        (15 * 365 * 86_400.0, (Status.CRITICAL, "offset"), "behind"),  # past 2036, where NTP begins to count anew
    ],
)
def test_an_offset_is_judged_by_its_limits(
    server: TimeServer, kept: Callable[..., None], seconds: float, expected: tuple[Status, str | None], word: str
) -> None:
    kept()
    server.reply = ahead(seconds)

    reading = look(server="127.0.0.1", port=server.port)

    assert verdict(reading) == expected
    assert word in reading.message


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (ahead(0, first=0xE4), "is not synchronised itself"),
        (ahead(0, stratum=16), "is not synchronised itself"),
        (ahead(0, stratum=0, refid=b"RATE"), r"refuses to answer \(RATE\)"),
    ],
)
def test_a_server_that_does_not_know_the_time_proves_nothing(
    server: TimeServer, kept: Callable[..., None], reply: Reply, words: str
) -> None:
    kept(by="chrony", synchronised=True)
    server.reply = reply

    reading = look(server="127.0.0.1", port=server.port)

    assert verdict(reading) == (Status.UNKNOWN, "ntp")
    assert words.replace("\\", "") in reading.message


@pytest.mark.parametrize("reply", [lambda *_: None, lambda *_: b"short", lambda asked, _: bytes(48)])
def test_silence_and_forged_answers_are_no_answer(server: TimeServer, kept: Callable[..., None], reply: Reply) -> None:
    kept()
    server.reply = reply

    reading = look(server="127.0.0.1", port=server.port, timeout=SHORT)

    assert verdict(reading) == (Status.UNKNOWN, "timeout")
    assert len(server.asked) == 3


def test_a_lost_question_is_asked_again(server: TimeServer, kept: Callable[..., None]) -> None:
    kept()
    server.reply = lambda asked, now: ahead(0)(asked, now) if len(server.asked) > 1 else None

    assert look(server="127.0.0.1", port=server.port, timeout=SHORT).status is Status.OK


def test_a_port_where_nobody_listens_is_refused_at_once(kept: Callable[..., None]) -> None:
    kept()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]

    assert verdict(look(server="127.0.0.1", port=port)) == (Status.UNKNOWN, "refused")


def test_what_the_host_knows_to_be_wrong_is_told_though_the_server_is_silent(
    server: TimeServer, kept: Callable[..., None]
) -> None:
    kept(by="chrony", synchronised=False)
    server.reply = lambda *_: None

    reading = look(server="127.0.0.1", port=server.port, timeout=SHORT)

    assert verdict(reading) == (Status.WARNING, "unsynchronised")
    assert reading.message == "chrony runs, but the clock is not synchronised"


def test_an_offset_counts_only_as_far_as_the_way_cannot_explain_it(
    server: TimeServer, kept: Callable[..., None]
) -> None:
    kept()

    def slow(asked: bytes, now: float) -> bytes:
        threading.Event().wait(0.3)  # the answer is late, and its time of sending is that of the question's coming
        return ahead(0)(asked, now)

    server.reply = slow

    assert look(server="127.0.0.1", port=server.port).status is Status.OK


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"by": "chrony", "synchronised": True, "offset": 0.001}, (Status.OK, None)),
        ({"by": "chrony", "synchronised": True, "offset": -0.2}, (Status.WARNING, "offset")),
        ({"by": "chrony", "synchronised": True, "offset": 1.5}, (Status.CRITICAL, "offset")),
        ({"by": "chrony", "synchronised": False}, (Status.WARNING, "unsynchronised")),
        ({"by": "openntpd", "synchronised": True}, (Status.OK, None)),
        ({"by": "openntpd"}, (Status.UNKNOWN, "clock")),
        ({"synchronised": False}, (Status.WARNING, "unkept")),
        ({"synchronised": True}, (Status.OK, None)),
        ({}, (Status.UNKNOWN, "clock")),
    ],
)
def test_what_the_host_says_is_judged(
    kept: Callable[..., None], facts: dict[str, Any], expected: tuple[Status, str | None]
) -> None:
    kept(**facts)

    assert verdict(look()) == expected


def test_a_service_that_heard_nothing_for_hours_is_stale(kept: Callable[..., None]) -> None:
    kept(by="systemd-timesyncd", synchronised=True, offset=0.0, heard_at=time.time() - 5 * 3600, source="a.example")

    reading = look()

    assert verdict(reading) == (Status.WARNING, "stale")
    assert reading.message == ("systemd-timesyncd keeps the clock after a.example, heard from 5 h ago; it is right")
    assert look(max_age=None).status is Status.OK


def test_chrony_is_understood() -> None:
    head = "C0A80001,192.168.0.1,3,1795751716.123456789,0.000123456,0.0001,0.00012,"
    good = head + "-12.3,0.01,0.05,0.02,0.001,64.5,Normal\n"
    lost = "7F7F0101,,0,0.000000000,0.000000000,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised\n"

    assert from_chrony(good) == Timekeeping(
        synchronised=True, offset=0.000123456, heard_at=1795751716.123456789, source="192.168.0.1"
    )
    assert from_chrony(lost) == Timekeeping(synchronised=False)
    assert from_chrony("506 Cannot talk to daemon") is None


def test_ntpd_is_understood() -> None:
    good = "leap=00, offset=-1.25, refid=192.0.2.1,\nreftime=eb38ab26.1c71c71c\n"

    assert from_ntpq(good) == Timekeeping(
        synchronised=True, offset=-0.00125, heard_at=0xEB38AB26 - 2_208_988_800, source="192.0.2.1"
    )
    # as ntpsec 1.2.2 said it before it had heard from anybody
    lost = "leap=11, refid=INIT, reftime=00000000.00000000 2036-02-07T06:28:16.000Z,\noffset=0.0\n"
    assert from_ntpq(lost) == Timekeeping(synchronised=False)
    assert from_ntpq("ntpq: read: Connection refused") is None


def test_timesyncd_is_understood() -> None:
    # as timesyncd 252 said it over D-Bus; timedatectl made "Offset: +250.522ms" of it
    stamps = (1795755588332796, 1795755588583909, 1795755588583909, 1795755588333977)
    message = (0, 4, 4, 2, -23, 0, 0, b"GPS\x00", *stamps, False, 1, 0)
    said = {"ServerName": ("s", "127.0.0.1"), "NTPMessage": ("(uuuuittayttttbtt)", message)}

    assert from_timesyncd(said) == Timekeeping(
        synchronised=True, offset=0.2505225, heard_at=1795755588.333977, source="127.0.0.1"
    )
    silent = {**said, "NTPMessage": ("(uuuuittayttttbtt)", (*message[:13], 0, 0))}
    assert from_timesyncd(silent) == Timekeeping(synchronised=False, source="127.0.0.1")


@given(st.floats(0, 4e9), st.floats(-2e9, 2e9))
def test_two_times_are_as_far_apart_as_they_are_also_over_the_end_of_an_era(at: float, by: float) -> None:
    assert _apart(_stamp(at + by), _stamp(at)) == pytest.approx(by, abs=1e-5)


@given(st.text(max_size=300))
def test_any_output_that_is_no_report_of_the_clock_is_none(said: str) -> None:
    assert from_chrony(said.replace(",", " ")) is None
    assert from_ntpq(said.replace("=", " ")) is None


WRITTEN = (
    st.floats().map(repr) | st.sampled_from(["nan", "-inf", "1e400", "", "0x1", "1_000"]) | st.text("-.0123456789e")
)


@given(WRITTEN, WRITTEN)
def test_the_offset_is_what_was_written_or_unknown(offset: str, heard: str) -> None:
    chrony = from_chrony(f"C0A80001,192.168.0.1,3,{heard},{offset}{',0' * 8},Normal\n")
    ntpq = from_ntpq(f"leap=00, offset={offset}, refid=192.0.2.1,\nreftime=eb38ab26.1c71c71c\n")

    for read, unit in ((chrony, 1), (ntpq, 1000)):
        if is_number(offset) and (is_number(heard) or read is ntpq):
            assert read is not None
            assert read.offset == float(offset) / unit
        else:
            assert read is None
    assert chrony is None or chrony.heard_at == float(heard)


def is_number(written: str) -> bool:
    try:
        return math.isfinite(float(written))
    except ValueError:
        return False


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"warning": timedelta(seconds=2)}, "cannot use warning 2s with critical 1s"),
        ({"critical": timedelta()}, "cannot use critical 0s"),
        ({"server": "127.1"}, "cannot use host '127.1'"),
        ({"port": 0}, "cannot use port 0"),
    ],
)
def test_settings_that_could_never_be_met_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Check(**options)
