"""`environment`: from the daemon, or from its log when it is down."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.environment import CertificateKnown, MountKnown, Page, Timer, UnitKnown
from opsagent.core.environment.shown import shown
from opsagent.core.unit import UnitSnapshot
from tests.core.environment.hosts import END, host, listener, program
from tests.interfaces.instance import row

if TYPE_CHECKING:
    from tests.interfaces.instance import Daemon, Instance, Log

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
API = UnitKnown(name="api.service", package="api", version="1.4", variables=("PORT",), unread=("/etc/default/api",))
WEB = host(
    listener(6379, "redis-server", watched_by=("redis",)),
    program(8081, "a[bold]b", "0.0.0.0"),
    program(53, "dnsmasq", protocol="udp", ignored=True),
    units=(API,),
    pages=(Page(check="api", url="http://127.0.0.1:8000/health"),),
    mounts=(MountKnown(path="/srv", source="/dev/sdb1", fs_type="ext4", read_only=True),),
    timers=(Timer(name="dump.timer", starts="dump.service", when=("*-*-* 02:00:00",)),),
    certificates=(CertificateKnown(where="/etc/www.pem", subject="example.org", ends=END),),
    unread=("timers: no answer",),
)
UNITS = {"api.service": UnitSnapshot(name="api.service", read_at=NOON, load_state="masked")}


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_it_is_shown_in_tables_and_what_nobody_watches_with_what_to_run(instance: Instance, daemon: Daemon) -> None:
    daemon.answer = lambda _: shown(WEB, NOON, UNITS)

    told = instance.run("environment").stdout

    assert told.startswith("Debian 12, kernel 6.1.0-1; as it has been since ")
    for expected in (
        "api.service masked api 1.4 PORT (/etc/default/api is closed to opsagent)",
        "tcp 6379 redis-server.service this host redis 127.0.0.1",
        "tcp 8081 a[bold]b the network nothing 0.0.0.0",
        "udp 53 dnsmasq this host ignored 127.0.0.1",
        "api http://127.0.0.1:8000/health",
        "/srv ext4 read-only /dev/sdb1",
        "dump.timer dump.service *-*-* 02:00:00",
        "2027-02-01 example.org /etc/www.pem",
        "nobody watches tcp port 8081 of a[bold]b; to watch it: opsagent init --add port-8081",
        "could not be read: timers: no answer",
    ):
        assert expected.split() in lines(told)


def test_before_the_first_look_it_says_so(instance: Instance, daemon: Daemon) -> None:
    daemon.answer = lambda _: shown(None, None, {})

    assert instance.run("environment").stdout == "not looked at yet: the first heartbeat does\n"


def test_while_the_daemon_is_down_its_log_tells_the_last_of_it(instance: Instance, log: Log) -> None:
    assert instance.json("environment") == shown(None, None, {})
    old = ev.EnvironmentLearned(environment=host(listener(1)))
    new = ev.EnvironmentDrifted(lines=("moved",), environment=WEB)
    log.log.append([row(old, NOON), row(new, NOON)], NOON)

    assert instance.json("environment") == shown(WEB, NOON, {})
