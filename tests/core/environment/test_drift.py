"""What is said of a host that is another than at the look before."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.environment import CertificateKnown, Environment, MountKnown, Timer, UnitKnown
from opsagent.core.environment.drift import MOST_LINES, drift
from tests.core.environment.hosts import END, host, listener, program

ROOT = MountKnown(path="/", source="/dev/sda1", fs_type="ext4")
NIGHTLY = Timer(name="dump.timer", starts="dump.service", when=("*-*-* 02:00:00",))
API = UnitKnown(name="api.service", package="api", version="1.4", variables=("DB_URL", "PORT"))
WWW = CertificateKnown(where="/etc/www.pem", subject="example.org", ends=END)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (listener(6379), listener(6380), "redis-server: port 6379 → 6380"),
        (
            listener(6379),
            listener(6380, "redis-server", "0.0.0.0"),
            "redis-server: port 6379 → 6380 (127.0.0.1 → 0.0.0.0)",
        ),
        (
            listener(6379),
            listener(6379, "redis-server", "0.0.0.0"),
            "redis-server: port 6379 is open to the network now (127.0.0.1 → 0.0.0.0)",
        ),
        (
            listener(6379, "redis-server", "::"),
            listener(6379, "redis-server", "::1"),
            "redis-server: port 6379 is closed to the network now (:: → ::1)",
        ),
        (listener(80, "nginx"), listener(80, "apache2"), "port 80: nginx → apache2"),
        (listener(53, "named", protocol="udp"), listener(54, "named", protocol="udp"), "named: udp port 53 → 54"),
        (None, program(8081, "python3", "0.0.0.0"), "new listener 0.0.0.0:8081 (python3)"),
        (None, listener(53, "named", "::", protocol="udp"), "new listener udp [::]:53 (named)"),
        (None, program(9000, ""), "new listener 127.0.0.1:9000 (an unknown process)"),
        (listener(6379), None, "no listener any more at 127.0.0.1:6379 (redis-server)"),
    ],
)
def test_a_listener_that_is_another_is_one_line(before: object, after: object, said: str) -> None:
    def one(found: object) -> Environment:
        return host(listener(22, "ssh", "0.0.0.0"), *filter(None, [found]))  # type: ignore[arg-type]

    assert drift(one(before), one(after)) == (said,)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (listener(53, "named", "127.0.0.1", "10.0.0.1"), listener(53, "named", "10.0.0.1", "172.17.0.1")),
        (listener(40001, "rpc-statd", "0.0.0.0", chosen=True), listener(41234, "rpc-statd", "0.0.0.0", chosen=True)),
        (listener(6379), listener(6379, watched_by=("redis",))),
        (listener(6379, process="redis-server"), listener(6379, process="redis")),
    ],
    ids=["an interface more", "a port that the kernel chose", "a check more", "another process of the unit"],
)
def test_what_comes_and_goes_by_itself_is_no_line(before: object, after: object) -> None:
    assert drift(host(before), host(after)) == ()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"kernel": "6.1.0-1"}, {"kernel": "6.1.0-2"}, ["kernel: 6.1.0-1 → 6.1.0-2"]),
        ({"system": "Debian 12"}, {"system": "Debian 13"}, ["system: Debian 12 → Debian 13"]),
        ({"units": (API,)}, {"units": (replace(API, version="1.5"),)}, ["api 1.4 → 1.5"]),
        (
            {"units": (API, replace(API, name="worker.service"))},
            {"units": (replace(API, version="2"), replace(API, name="worker.service", version="2"))},
            ["api 1.4 → 2"],
        ),
        (
            {"units": (API,)},
            {"units": (replace(API, variables=("PORT", "VAT_RATE")),)},
            ["api: new variable VAT_RATE", "api: variable DB_URL is gone"],
        ),
        ({"units": (API,)}, {"units": (API, replace(API, name="new.service"))}, []),
        ({"units": (replace(API, version=""),)}, {"units": (API,)}, []),
        (
            {"units": (replace(API, variables=(), unread=("/etc/default/api",)),)},
            {"units": (API,)},
            [],
        ),
        ({"mounts": ()}, {"mounts": (ROOT,)}, ["new mount / (ext4, /dev/sda1)"]),
        ({"mounts": (ROOT,)}, {"mounts": ()}, ["/ is not mounted any more (ext4, /dev/sda1)"]),
        ({"mounts": (ROOT,)}, {"mounts": (replace(ROOT, read_only=True),)}, ["/: read-write → read-only"]),
        (
            {"mounts": (ROOT,)},
            {"mounts": (replace(ROOT, source="/dev/sdb1"),)},
            ["/: ext4, /dev/sda1 → ext4, /dev/sdb1"],
        ),
        ({"timers": ()}, {"timers": (NIGHTLY,)}, ["new timer dump.timer (*-*-* 02:00:00)"]),
        ({"timers": (NIGHTLY,)}, {"timers": ()}, ["timer dump.timer is gone"]),
        (
            {"timers": (NIGHTLY,)},
            {"timers": (replace(NIGHTLY, when=("*-*-* 03:00:00",)),)},
            ["timer dump.timer: *-*-* 02:00:00 → *-*-* 03:00:00"],
        ),
        (
            {"certificates": (WWW,)},
            {"certificates": (replace(WWW, ends=END.replace(month=5)),)},
            ["certificate /etc/www.pem: valid until: 2027-02-01 → 2027-05-01"],
        ),
        ({"certificates": ()}, {"certificates": (WWW,)}, []),
    ],
)
def test_every_other_part_says_what_is_another(before: dict, after: dict, said: list[str]) -> None:
    assert list(drift(host(**before), host(**after))) == said


def test_a_hundred_changes_are_counted() -> None:
    lines = drift(host(), host(*(program(1000 + n, f"p{n}") for n in range(100))))

    assert len(lines) == MOST_LINES + 1
    assert lines[-1] == "and 50 more"


LISTENERS = st.lists(
    st.builds(
        program,
        st.integers(1, 5),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["127.0.0.1", "0.0.0.0", "::"]),
        protocol=st.sampled_from(["tcp", "udp"]),
    ),
    max_size=6,
    unique_by=lambda one: (one.port, one.protocol, one.who),
)


@given(LISTENERS, LISTENERS)
def test_there_are_lines_exactly_when_some_listener_is_another(before: list, after: list) -> None:
    lines = drift(host(*before), host(*after))

    assert bool(lines) == ({one.key for one in before} != {one.key for one in after})
    assert len(lines) <= len(before) + len(after)
