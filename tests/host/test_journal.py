"""What the journal of a real host says: who was stopped on purpose, and the lines of a unit."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.host.harness import TREE, Host

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HELD = "/bin/sh -c 'while test -e /run/held; do sleep 0.05; done'"
SLEEP = "ExecStart=/bin/sleep 1000"
OFTEN = "[Unit]\nStartLimitIntervalSec=0\n"
TRAP = "ExecStart=/bin/bash -c 'trap \"exit 143\" TERM; while :; do read -t 0.05 <>/dev/null || :; done'"
UNITS = {
    "lone.service": f"{OFTEN}[Service]\n{SLEEP}\n",
    "by-143.service": f"{OFTEN}[Service]\n{TRAP}\n",
    "root.service": f"{OFTEN}[Service]\n{SLEEP}\n",
    "revived.service": f"{OFTEN}[Service]\n{SLEEP}\nRestart=always\nRestartSec=100ms\n",
    "bound.service": f"{OFTEN}BindsTo=root.service\nAfter=root.service\n[Service]\n{SLEEP}\n",
    "required.service": f"{OFTEN}Requires=root.service\nAfter=root.service\n[Service]\n{SLEEP}\n",
    "part.service": f"{OFTEN}PartOf=root.service\n[Service]\n{SLEEP}\n",
    "slow.service": f"{OFTEN}Requires=root.service\nAfter=root.service\n[Service]\n{SLEEP}\nExecStop=/bin/sleep 2.5\n",
    "slowly-bound.service": f"{OFTEN}BindsTo=root.service\nAfter=root.service\n[Service]\n{SLEEP}\nExecStop={HELD}\n",
    "bound-to-revived.service": f"{OFTEN}BindsTo=revived.service\nAfter=revived.service\n[Service]\n{SLEEP}\n",
}
BOUND_TO = {
    "lone.service": (),
    "by-143.service": (),
    "root.service": (),
    "revived.service": (),
    "bound.service": ("root.service",),
    "required.service": ("root.service",),
    "part.service": ("root.service",),
    "slow.service": ("root.service",),
    "slowly-bound.service": ("root.service",),
    "bound-to-revived.service": ("revived.service",),
}


def install(host: Host) -> None:
    script = "".join(f"cat >/etc/systemd/system/{name} <<'END'\n{text}END\n" for name, text in UNITS.items())
    host.run(["sh", "-e"], stdin=f"{script}systemctl daemon-reload\n")


@pytest.fixture(scope="module")
def manager(shared_host: Host) -> Host:
    install(shared_host)
    return shared_host


def ask(host: Host, *lines: str, argument: object = None) -> Any:
    """Return what a program inside says, as JSON; `given` there is `argument` here."""
    script = "\n".join(
        (
            "import dataclasses, json, os, sys",
            "from datetime import datetime, timedelta",
            "from opsagent.host import journal",
            "from opsagent.host.systemd import utc_now",
            "given = json.load(sys.stdin)",
            "def plain(value): return value.isoformat() if isinstance(value, datetime) else dataclasses.asdict(value)",
            "def say(value): print(json.dumps(value, default=plain))",
            *lines,
        )
    )
    python = ["env", f"PYTHONPATH={TREE}", "PYTHONDONTWRITEBYTECODE=1", sys.executable, "-c", script]
    return json.loads(host.run(python, stdin=json.dumps(argument)).stdout)


def stops_since(host: Host, since: float | str) -> tuple[dict[str, dict[str, str]], str]:
    """Return the stops after a moment or a cursor, by unit, and the new cursor."""
    seen, cursor = ask(
        host,
        "since, relations = given",
        "since = since if isinstance(since, str) else datetime.fromtimestamp(since).astimezone()",
        "say(journal.stops(since, relations))",
        argument=(since, BOUND_TO),
    )
    return {stop["unit"]: stop for stop in seen}, cursor


def do(host: Host, commands: str, start: Sequence[str] = (), wait: str = "") -> dict[str, dict[str, str]]:
    """Start units, run commands a moment later, and return the stops that the journal tells of."""
    if start:
        host.run(["systemctl", "start", *start])
    host.run(["journalctl", "--sync"])
    began = time.time()
    host.run(["sh", "-ec", commands])
    if wait:
        host.wait_for(lambda: host.show(wait, "ActiveState") in {"inactive", "failed"}, within=10, what=wait)
    host.run(["journalctl", "--sync"])
    return stops_since(host, began)[0]


def fell(stops: dict[str, dict[str, str]]) -> dict[str, str]:
    return {unit: stop["fell_with"] for unit, stop in stops.items()}


def test_a_persons_stop_is_seen_with_its_time(manager: Host) -> None:
    before = time.time()

    stops = do(manager, "systemctl stop lone.service", start=["lone.service"])

    assert fell(stops) == {"lone.service": ""}
    assert before <= datetime.fromisoformat(stops["lone.service"]["at"]).timestamp() <= time.time()


def test_a_stop_is_a_stop_also_when_the_unit_ends_failed(manager: Host) -> None:
    stops = do(manager, "systemctl stop by-143.service", start=["by-143.service"])

    assert manager.show("by-143.service", "ActiveState") == "failed"
    assert fell(stops) == {"by-143.service": ""}


@pytest.mark.parametrize(
    "commands",
    [
        "systemctl restart lone.service",
        "systemctl kill -s KILL lone.service",
        "systemctl kill -s TERM lone.service",
        "systemctl reload-or-restart lone.service",
        "systemctl try-restart lone.service",
    ],
)
def test_a_restart_and_a_death_are_no_stop(manager: Host, commands: str) -> None:
    assert do(manager, f"{commands}; sleep 0.1", start=["lone.service"]) == {}


def test_a_restart_that_spreads_is_no_stop_of_anybody(manager: Host) -> None:
    start = ["root.service", "required.service", "bound.service", "part.service"]

    assert do(manager, "systemctl restart root.service", start=start) == {}


def test_what_is_bound_to_a_killed_unit_fell_with_it(manager: Host) -> None:
    stops = do(
        manager,
        "systemctl kill -s KILL root.service",
        start=["root.service", "bound.service", "required.service"],
        wait="bound.service",
    )

    assert fell(stops) == {"bound.service": "root.service"}
    assert manager.show("required.service", "ActiveState") == "active"


def test_what_needs_a_unit_that_a_person_stopped_fell_with_it(manager: Host) -> None:
    stops = do(
        manager,
        "systemctl stop root.service",
        start=["root.service", "bound.service", "required.service", "part.service"],
    )

    assert fell(stops) == {
        "root.service": "",
        "bound.service": "root.service",
        "required.service": "root.service",
        "part.service": "root.service",
    }


def test_a_unit_that_takes_long_to_stop_still_fell_with_the_one_it_waited_for(manager: Host) -> None:
    stops = do(manager, "systemctl stop root.service", start=["root.service", "slow.service"])

    assert fell(stops) == {"root.service": "", "slow.service": "root.service"}


def test_what_is_bound_to_a_unit_that_systemd_revives_fell_with_it(manager: Host) -> None:
    stops = do(
        manager,
        "systemctl kill -s KILL revived.service",
        start=["revived.service", "bound-to-revived.service"],
        wait="bound-to-revived.service",
    )

    assert fell(stops) == {"bound-to-revived.service": "revived.service"}


def test_a_stop_just_after_a_restart_of_what_it_needs_is_the_persons_own(manager: Host) -> None:
    stops = do(
        manager,
        "systemctl restart root.service; systemctl stop required.service",
        start=["root.service", "required.service"],
    )

    assert fell(stops) == {"required.service": ""}


def test_who_used_sudo_to_stop_a_unit_is_named(manager: Host) -> None:
    manager.run(["systemctl", "start", "lone.service", "by-143.service"])
    # this machine may have no sudo: what counts is the path of the program that wrote the line
    manager.run(["cp", "--dereference", "/usr/bin/python3", "/usr/bin/sudo"])
    line = "   alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/systemctl stop lone"
    script = (
        "import subprocess, syslog\n"
        f"syslog.openlog('sudo'); syslog.syslog({line!r})\n"
        "subprocess.run(['systemctl', 'stop', 'lone.service', 'by-143.service'])\n"
    )
    manager.write("/usr/local/share/as-sudo.py", script)

    stops = do(manager, "/usr/bin/sudo /usr/local/share/as-sudo.py")

    assert {unit: stop["by"] for unit, stop in stops.items()} == {"lone.service": "alice", "by-143.service": ""}


def test_after_a_cursor_only_what_is_new_is_told_and_its_cause_is_still_known(manager: Host) -> None:
    began = time.time()
    do(manager, "systemctl stop lone.service", start=["lone.service"])
    first, cursor = stops_since(manager, began)
    do(manager, "systemctl kill -s KILL root.service", start=["root.service", "bound.service"], wait="bound.service")

    second, later = stops_since(manager, cursor)
    third, last = stops_since(manager, later)

    assert fell(first) == {"lone.service": ""}
    assert fell(second) == {"bound.service": "root.service"}
    assert (third, last) == ({}, later)


def test_a_cause_that_an_earlier_reading_passed_over_is_still_known(manager: Host) -> None:
    unit = "slowly-bound.service"
    began = time.time()
    manager.run(["systemctl", "start", "root.service", unit])
    manager.run(["touch", "/run/held"])
    manager.run(["systemctl", "kill", "-s", "KILL", "root.service"])
    manager.wait_for(lambda: manager.show(unit, "ActiveState") == "deactivating", within=5, what="the fall")
    manager.run(["journalctl", "--sync"])

    first, cursor = stops_since(manager, began)
    manager.run(["rm", "/run/held"])
    manager.wait_for(lambda: manager.show(unit, "ActiveState") == "inactive", within=10, what="its end")
    manager.run(["journalctl", "--sync"])
    second, _ = stops_since(manager, cursor)

    assert first == {}
    assert fell(second) == {unit: "root.service"}


def test_a_cursor_whose_line_is_gone_still_tells_what_came_after_it(manager: Host) -> None:
    stamp = int(time.time() * 1e6)
    do(manager, "systemctl stop lone.service", start=["lone.service"])

    seen, _ = stops_since(manager, f"s=0;i=1;b=0;m=1;t={stamp:x};x=0")

    assert fell(seen) == {"lone.service": ""}


def test_a_cursor_from_before_the_clock_was_set_back_still_finds_what_is_new(manager: Host) -> None:
    began = time.time()
    do(manager, "systemctl stop lone.service", start=["lone.service"])
    _, cursor = stops_since(manager, began)
    place = next(part for part in cursor.split(";") if part.startswith("t="))
    ahead = cursor.replace(place, f"t={int((time.time() + 3600) * 1e6):x}")
    fresh = (
        "import opsagent.host.journal as j",
        "j._after = lambda found, cursor, real=j._after: real(found, given[1])",  # the line itself has not moved
        "say(journal.stops(given[0], given[2])[0])",
    )
    do(manager, "systemctl stop by-143.service", start=["by-143.service"])

    seen = ask(manager, *fresh, argument=(ahead, cursor, BOUND_TO))

    assert [stop["unit"] for stop in seen] == ["by-143.service"]


def test_a_shutdown_is_nobodys_stop(host: Host) -> None:
    install(host)
    began = time.time()
    host.run(["systemctl", "start", "lone.service"])

    host.reboot(clean=True)

    told = host.run(["journalctl", "UNIT=lone.service", "JOB_TYPE=stop", "-o", "cat"]).stdout
    assert "Stopped lone.service" in told
    assert stops_since(host, began)[0] == {}


def test_the_users_own_manager_is_read_too(manager: Host) -> None:
    text = UNITS["lone.service"]
    manager.write("/etc/systemd/user/mine.service", text)
    manager.run(["systemctl", "start", "user@65534.service"])
    began = time.time()

    seen, named = ask(
        manager,
        "import subprocess, time",
        "from opsagent.host.bus import BusLostError",
        "from opsagent.host.systemd import Systemd",
        "def read(systemd, tries=100):",
        "    try: return systemd.snapshot('mine.service').active_state",
        "    except BusLostError:",  # the user's bus starts when it is first asked
        "        if tries == 0: raise",
        "    time.sleep(0.02)",
        "    return read(systemd, tries - 1)",
        "os.setgroups([int(given[1])]); os.setgid(65534); os.setuid(65534)",
        "os.environ['XDG_RUNTIME_DIR'] = '/run/user/65534'",
        "subprocess.run(['systemctl', '--user', 'start', 'mine.service'], check=True)",
        "name = read(Systemd('user'))",
        "subprocess.run(['systemctl', '--user', 'stop', 'mine.service'], check=True)",
        "since = datetime.fromtimestamp(given[0]).astimezone()",
        "say([journal.stops(since, {'mine.service': ()}, scope='user')[0], name])",
        argument=(began, manager.run(["sh", "-c", "getent group systemd-journal | cut -d: -f3"]).stdout),
    )

    assert [stop["unit"] for stop in seen] == ["mine.service"]
    assert named == "active"


def test_the_lines_of_a_unit_are_its_last_ones_in_order_cut_and_one_line_each(manager: Host) -> None:
    hostile = r"printf 'one\ntwo\033[2J\n'; printf '%0600d\n' 7; printf 'not \377 utf-8\n'; printf 'last\n'"
    manager.write("/usr/local/bin/talk", f"#!/bin/sh\n{hostile}\n", mode=0o755)
    manager.unit("talker.service", "[Service]\nType=oneshot\nExecStart=/usr/local/bin/talk\n")
    manager.run(["systemctl", "start", "talker.service"])
    manager.run(["journalctl", "--sync"])

    lines, few = ask(
        manager,
        "since = utc_now() - timedelta(minutes=5)",
        "say([journal.lines('talker.service', since, limit=limit) for limit in (50, 2)])",
    )

    own = [line.partition("]: ")[2] for line in lines if " talk[" in line]
    assert own[:2] == ["one", "two\x1b[2J"]
    assert own[2].startswith("000")
    assert own[3:] == ["not \ufffd utf-8", "last"]
    assert max(map(len, lines)) == 500
    stamps = [line.partition(" ")[0] for line in lines]
    assert stamps == sorted(stamps)
    assert few == lines[-2:]
    assert few[-1].endswith("systemd[1]: Finished talker.service.")


def test_lines_are_asked_for_by_time(manager: Host) -> None:
    manager.run(["systemctl", "restart", "lone.service"])
    manager.run(["journalctl", "--sync"])

    recent, none = ask(
        manager,
        "now = utc_now()",
        "say([journal.lines('lone.service', now - timedelta(seconds=20)), journal.lines('lone.service', now)])",
    )

    assert recent[-1].endswith("systemd[1]: Started lone.service.")
    assert none == []


@pytest.fixture
def with_kernel_log() -> Iterator[Host]:
    host = Host.up("kernel", kernel_log=True)
    yield host
    host.down()


def test_the_kernels_lines_are_there(with_kernel_log: Host) -> None:
    with_kernel_log.write("/dev/kmsg", "Out of memory: Killed process 4242 (greedy)\n", mode=0o666)
    with_kernel_log.run(["journalctl", "--sync"])

    lines = ask(with_kernel_log, "say(journal.kernel_lines(datetime(2020, 1, 1).astimezone(), limit=2000))")

    assert any("Killed process 4242 (greedy)" in line for line in lines)


def test_who_may_not_read_the_journal_is_told_so(manager: Host) -> None:
    told = ask(
        manager,
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)",
        "try: journal.lines('lone.service', utc_now() - timedelta(minutes=5))",
        "except journal.JournalError as error: say(str(error))",
    )

    assert told.startswith("cannot read the journal: ")


COUNTING = (
    "import subprocess",
    "from opsagent.checks.journal import Check",
    "def shout(unit, count, word='<3>boom'):",
    "    text = f'for i in $(seq {count}); do echo \"{word} $i\"; done'",
    "    argv = ['systemd-run', '-q', '--wait', f'--unit={unit}', 'sh', '-c', text]",
    "    subprocess.run(argv, check=True)",
    "    subprocess.run(['journalctl', '--sync'], check=True)",
    "def look(check, kept=''):",
    "    reading, kept = check.observe_since(kept)",
    "    return [reading.status, reading.measures[0].value if reading.measures else None, reading.message], kept",
)


def test_errors_of_a_unit_are_counted_once_each_from_look_to_look(manager: Host) -> None:
    looks = ask(
        manager,
        *COUNTING,
        "check, every = Check(unit='shouter.service'), Check()",
        "first, kept = look(check)",
        "shout('shouter', 19); shout('other', 30); shout('shouter', 5, '<4>hm')",
        "second, kept = look(check, kept)",
        "third, kept = look(check, kept)",
        "shout('shouter', 1)",
        "fourth, kept = look(check, kept)",
        "say([first, second, third, fourth, look(check)[0], look(every)[0]])",
    )

    assert [(status, count) for status, count, _ in looks[:4]] == [
        ("ok", 0),
        ("ok", 19),
        ("ok", 19),
        ("critical", 20),
    ]
    assert looks[4][:2] == ["critical", 20]  # the journal tells a first look what came before it
    assert looks[5][1] >= 50


def test_a_line_that_matches_is_found_and_a_flood_costs_no_more_than_the_bound(manager: Host) -> None:
    found, kept, flooded, evidence = ask(
        manager,
        *COUNTING,
        "check = Check(unit='speaker.service', expression='(?i)cannot (write|read) sector [0-9]+')",
        "_, kept = look(check)",
        "shout('speaker', 3, '<6>Cannot read sector')",
        "found, kept = look(check, kept)",
        "shout('speaker', 5000, '<6>cannot write sector')",
        "flooded, _ = look(check, kept)",
        "say([found, kept, flooded, check.evidence()])",
    )

    assert found[:2] == ["critical", 3]
    assert "sector" not in kept.replace("sector [0-9]+", "")
    assert flooded[1] == 2003
    assert "more than 2000 lines" in flooded[2]
    assert (len(evidence), evidence[-1]) == (20, "cannot write sector 5000")


def test_a_journal_that_was_vacuumed_since_the_last_look_is_told_and_is_not_bad(manager: Host) -> None:
    reading = ask(
        manager,
        *COUNTING,
        "import json, re",
        "check = Check(unit='shouter.service')",
        "_, kept = look(check)",
        "told = json.loads(kept); told.update(at='2020-01-01T00:00:00+00:00', steps=[], cursor='')",
        "say(look(check, json.dumps(told))[0])",
    )

    assert "no longer reaches back to the last look" in reading[2]


def test_a_count_without_the_right_to_the_journal_is_not_known(manager: Host) -> None:
    reading = ask(
        manager,
        *COUNTING,
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)",
        "say(look(Check(unit='shouter.service'))[0])",
    )

    assert reading[0] == "unknown"
    assert reading[2].startswith("cannot read the journal: ")
