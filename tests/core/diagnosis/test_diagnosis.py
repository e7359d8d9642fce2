"""Which cause is named first, from the very words of real programs and of systemd."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.change import Change, ChangeKind
from opsagent.core.diagnosis import Cause, Certainty, diagnose
from opsagent.core.diagnosis.evidence import Evidence, FileSystem, Line, Neighbour, line_of
from opsagent.core.diagnosis.exits import OF_SYSTEMD
from opsagent.core.diagnosis.ports import ports_in
from opsagent.core.environment import Listener
from opsagent.core.unit import UnitSnapshot

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
NGINX = Listener(protocol="tcp", port=80, addresses=("0.0.0.0",), unit="nginx.service", process="nginx")


def unit(result: str = "exit-code", code: int = 1, status: int = 1, active: str = "failed") -> UnitSnapshot:
    return UnitSnapshot(
        name="api.service",
        read_at=NOW,
        active_state=active,
        result=result,
        exec_main_code=code,
        exec_main_status=status,
    )


def log(*texts: str, program: str = "api", pid: int = 0) -> tuple[Line, ...]:
    return tuple(Line(text=text, program=program, pid=pid) for text in texts)


def first(evidence: Evidence) -> tuple[Cause, Certainty]:
    found = diagnose(evidence)[0]
    return found.cause, found.certainty


SAID = [
    ("OSError: [Errno 28] No space left on device: '/var/lib/api/x'", Cause.DISK_FULL),
    ('PANIC:  could not write to file "pg_wal/xlogtemp.1": No space left on device', Cause.DISK_FULL),
    ("nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)", Cause.PORT_TAKEN),
    ("Could not create server TCP listening socket *:6379: bind: Address already in use", Cause.PORT_TAKEN),
    ("Error: listen EADDRINUSE: address already in use :::3000", Cause.PORT_TAKEN),
    ("listen tcp :8080: bind: address already in use", Cause.PORT_TAKEN),
    ('LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', Cause.PORT_TAKEN),
    (
        "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.",
        Cause.DEPENDENCY_DOWN,
    ),
    ("Error: connect ECONNREFUSED 127.0.0.1:5432", Cause.DEPENDENCY_DOWN),
    ("connect() failed (111: Connection refused) while connecting to upstream", Cause.DEPENDENCY_DOWN),
    ('nginx: [emerg] unknown directive "lisen" in /etc/nginx/nginx.conf:12', Cause.BAD_CONFIGURATION),
    ("nginx: configuration file /etc/nginx/nginx.conf test failed", Cause.BAD_CONFIGURATION),
    ("*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***", Cause.BAD_CONFIGURATION),
    ('FATAL:  configuration file "/etc/postgresql/15/main/postgresql.conf" contains errors', Cause.BAD_CONFIGURATION),
    (
        'yaml.scanner.ScannerError: mapping values are not allowed here in "/etc/api.yaml", line 3',
        Cause.BAD_CONFIGURATION,
    ),
    ("FileNotFoundError: [Errno 2] No such file or directory: '/etc/api/key.pem'", Cause.MISSING_FILE),
    ("ModuleNotFoundError: No module named 'flask'", Cause.MISSING_FILE),
    ("api: error while loading shared libraries: libpq.so.5: cannot open shared object file", Cause.MISSING_FILE),
    ("PermissionError: [Errno 13] Permission denied: '/var/log/api.log'", Cause.PERMISSION_DENIED),
    ("accept4() failed (24: Too many open files)", Cause.TOO_MANY_OPEN_FILES),
    ("java.net.SocketException: Too many open files", Cause.TOO_MANY_OPEN_FILES),
    ("x509: certificate has expired or is not yet valid: current time 2026-11-27", Cause.CERTIFICATE_EXPIRED),
    ("socket.gaierror: [Errno -3] Temporary failure in name resolution", Cause.DNS),
    ('psql: error: could not translate host name "db" to address', Cause.DNS),
    ('[emerg] host not found in upstream "backend" in /etc/nginx/conf.d/a.conf:3', Cause.DNS),
    ('Exception in thread "main" java.lang.OutOfMemoryError: Java heap space', Cause.OUT_OF_MEMORY),
    ("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", Cause.OUT_OF_MEMORY),
    ("dial tcp 10.0.0.5:5432: i/o timeout", Cause.DEPENDENCY_DOWN),
    ("curl: (28) Connection timed out after 1000 milliseconds", Cause.DEPENDENCY_DOWN),
    ("TimeoutError: timed out", Cause.DEPENDENCY_DOWN),
    ("open(/data/x): Read-only file system", Cause.READ_ONLY),
    ("thread 'main' panicked at src/main.rs:2:5", Cause.CRASHED),
    ('FATAL: getpwnam("www-dat") failed in /etc/nginx/nginx.conf:1', Cause.UNKNOWN_USER),
]


@pytest.mark.parametrize(("text", "cause"), SAID)
def test_the_words_of_real_programs_name_a_likely_cause(text: str, cause: Cause) -> None:
    assert first(Evidence(unit=unit(), log=log("starting", text, "bye"))) == (cause, Certainty.LIKELY)


@pytest.mark.parametrize(
    ("result", "code", "status", "cause"),
    [
        ("oom-kill", 2, 9, Cause.OUT_OF_MEMORY),
        ("watchdog", 2, 6, Cause.HANG),
        ("start-limit-hit", 0, 0, Cause.START_LIMIT),
        ("core-dump", 3, 11, Cause.CRASHED),
        ("signal", 2, 11, Cause.CRASHED),
        ("exit-code", 1, 203, Cause.CANNOT_RUN),
        ("exit-code", 1, 217, Cause.UNKNOWN_USER),
        ("exit-code", 1, 226, Cause.SANDBOX),
    ],
)
def test_the_words_of_systemd_are_sure(result: str, code: int, status: int, cause: Cause) -> None:
    assert first(Evidence(unit=unit(result, code, status))) == (cause, Certainty.SURE)


@pytest.mark.parametrize("status", sorted(OF_SYSTEMD))
def test_each_exit_status_of_systemd_is_a_sentence_with_its_number(status: int) -> None:
    found = diagnose(Evidence(unit=unit(status=status)))[0]
    assert (found.certainty, f"(exit status {status})" in found.because) == (Certainty.SURE, True)


@pytest.mark.parametrize(("signal", "name"), [(9, "SIGKILL"), (15, "SIGTERM"), (2, "SIGINT")])
def test_a_signal_that_others_send_is_told_by_its_name(signal: int, name: str) -> None:
    found = diagnose(Evidence(unit=unit("signal", 2, signal)))[0]
    assert (found.cause, found.certainty, name in found.because) == (Cause.KILLED, Certainty.LIKELY, True)


KILLED = replace(unit("signal", 2, 9), exec_main_pid=4711)


@pytest.mark.parametrize(
    ("program", "text", "words"),
    [
        (
            "sudo",
            "  ann : TTY=pts/0 ; USER=root ; COMMAND=/usr/bin/kill -9 4711",
            "ann sent it SIGKILL by sudo: /usr/bin/",
        ),
        ("sudo", "ann : USER=root ; COMMAND=/usr/bin/pkill api", "ann sent it SIGKILL by sudo: /usr/bin/pkill api"),
        (
            "sudo",
            "ann : COMMAND=/usr/bin/systemctl kill api.service",
            "ann sent it SIGKILL by sudo: /usr/bin/systemctl",
        ),
        ("earlyoom", 'sending SIGTERM to process 4711 uid 0 "api"', "earlyoom sent it SIGKILL: sending SIGTERM to"),
        ("sudo", "ann : USER=root ; COMMAND=/usr/bin/kill -9 47110", "somebody sent it SIGKILL"),
        ("sudo", "ann : USER=root ; COMMAND=/usr/bin/pkill rapid", "somebody sent it SIGKILL"),
        ("sudo", "ann : USER=root ; COMMAND=/usr/bin/less api", "somebody sent it SIGKILL"),
        ("sudo", "no sense at all", "somebody sent it SIGKILL"),
    ],
)
def test_who_sent_the_signal_is_named_where_the_journal_knows(program: str, text: str, words: str) -> None:
    found = diagnose(Evidence(unit=KILLED, log=log("working", pid=4711), killers=log(text, program=program)))[0]
    assert (found.cause, found.because.startswith(words)) == (Cause.KILLED, True), found.because


def test_a_signal_by_way_of_systemd_is_told_from_one_that_came_straight() -> None:
    line = "api.service: Sent signal SIGKILL to main process 4711 (api) on client request."
    by_systemd = log(line, program="systemd", pid=1)
    assert "systemctl kill" in diagnose(Evidence(unit=KILLED, log=by_systemd))[0].because
    assert "systemctl kill" not in diagnose(Evidence(unit=KILLED, log=log(line)))[0].because


def test_what_needs_a_unit_that_failed_was_not_started_by_systemd() -> None:
    waits = replace(unit("success", 0, 0, "inactive"), pulls=("db.service", "sysinit.target"))
    line = log("Dependency failed for api.service - The API.", program="systemd", pid=1)
    found = diagnose(Evidence(unit=waits, log=line))[0]
    assert (found.cause, found.certainty) == (Cause.DEPENDENCY_DOWN, Certainty.SURE)
    assert found.because == "systemd did not start api.service: a unit that it needs failed (db.service)"


def test_a_dependency_by_name_is_likely_and_sure_once_the_service_says_so_too() -> None:
    needs = (Neighbour(check="cache", is_bad=True, message="nobody listens"),)
    assert first(Evidence(unit=unit(), needs=needs)) == (Cause.DEPENDENCY_DOWN, Certainty.LIKELY)
    said = log("ConnectionRefusedError: [Errno 111] Connection refused")
    found = diagnose(Evidence(unit=unit(), log=said, needs=needs))[0]
    assert found.certainty is Certainty.SURE
    assert found.because.startswith("it needs cache, which is bad: nobody listens; it said: ")


@pytest.mark.parametrize(
    ("kind", "took", "usual", "certainty"),
    [
        ("latency", 0.6, 0.012, Certainty.SURE),
        ("status", 0.6, 0.012, Certainty.POSSIBLE),
    ],
)
def test_five_times_its_usual_time_is_slow(kind: str, took: float, usual: float, certainty: Certainty) -> None:
    found = diagnose(Evidence(failure_class=kind, message="answered 200 in 600 ms", took=took, usual=usual))[0]
    assert (found.cause, found.certainty) == (Cause.SLOW, certainty)
    assert found.because.endswith("50 times its usual 12 ms (the median of the week before)")


@pytest.mark.parametrize(("took", "usual"), [(0.05, 0.012), (0.04, 0.001), (0.6, None), (None, 0.012)])
def test_less_than_that_or_nothing_to_compare_with_is_not(took: float | None, usual: float | None) -> None:
    assert diagnose(Evidence(failure_class="status", took=took, usual=usual)) == ()


def test_exit_status_1_alone_says_nothing() -> None:
    assert diagnose(Evidence(unit=unit(), log=log("hello", "bye"))) == ()


def test_a_command_before_the_program_that_failed_is_told_from_the_program() -> None:
    line = "api.service: Control process exited, code=exited, status=1/FAILURE"
    found = diagnose(Evidence(unit=unit(code=0, status=0), log=log(line, program="systemd", pid=1)))
    assert [one.cause for one in found] == [Cause.BAD_CONFIGURATION]
    assert "ExecStartPre" in found[0].because


def test_a_program_cannot_speak_in_the_name_of_systemd() -> None:
    line = "api.service: Main process exited, code=exited, status=217/USER"
    assert diagnose(Evidence(unit=unit(), log=log(line, program="api"))) == ()
    assert diagnose(Evidence(unit=unit(), log=log(line, program="systemd", pid=4711))) == ()
    sure = (Cause.UNKNOWN_USER, Certainty.SURE)
    assert first(Evidence(unit=unit(), log=log(line, program="systemd", pid=1))) == sure
    assert first(Evidence(unit=replace(unit(), scope="user"), log=log(line, program="systemd", pid=901))) == sure


def test_who_holds_the_port_is_named_and_then_it_is_sure() -> None:
    said = log("bind() to 0.0.0.0:80 failed (98: Address already in use)")
    found = diagnose(Evidence(unit=unit(), log=said, listeners=(NGINX,)))[0]
    assert (found.certainty, found.because) == (Certainty.SURE, "port 80 is held by nginx (nginx.service)")


def test_since_when_it_is_held_is_told_in_the_zone_of_the_settings() -> None:
    since = replace(NGINX, since=datetime(2026, 11, 26, 2, 5, tzinfo=UTC))
    said = log("bind() to 0.0.0.0:80 failed (98: Address already in use)")
    found = diagnose(Evidence(unit=unit(), log=said, listeners=(since,), zone="Europe/Berlin"))[0]
    assert found.because == "port 80 is held by nginx (nginx.service) since 2026-11-26 03:05 Europe/Berlin"


def test_a_message_without_its_port_is_read_with_the_port_that_the_check_looks_at() -> None:
    said = log("OSError: [Errno 98] Address already in use")
    found = diagnose(Evidence(unit=unit(), ports=(80,), log=said, listeners=(NGINX,)))[0]
    assert found.because == "port 80 is held by nginx (nginx.service)"


def test_a_stray_process_of_the_same_unit_is_no_stranger() -> None:
    mine = Listener(protocol="tcp", port=80, addresses=("::",), unit="api.service", process="api")
    said = log("listen tcp :80: bind: address already in use")
    found = diagnose(Evidence(unit=unit(), log=said, listeners=(mine,)))[0]
    assert (found.certainty, "older process of api.service itself" in found.because) == (Certainty.LIKELY, True)


def test_a_dependency_is_named_by_its_check_when_that_is_bad_too() -> None:
    redis = Neighbour(check="cache", ports=(6379,), is_bad=True, message="nobody listens")
    said = log("Error 111 connecting to localhost:6379. Connection refused.")
    found = diagnose(Evidence(unit=unit(), log=said, neighbours=(redis,)))[0]
    assert (found.cause, found.certainty) == (Cause.DEPENDENCY_DOWN, Certainty.SURE)
    assert found.because == "it needs port 6379, and cache is bad: nobody listens"


def test_a_port_where_nobody_listens_is_likely_the_dependency() -> None:
    found = diagnose(Evidence(unit=unit(), log=log("connect ECONNREFUSED 127.0.0.1:5432")))[0]
    assert (found.certainty, "port 5432, and nobody listens there" in found.because) == (Certainty.LIKELY, True)


@pytest.mark.parametrize(
    "text",
    [
        "connect ECONNREFUSED 10.0.0.5:5432",
        'connection to server at "db.example.org" (10.0.0.5), port 5432 failed: Connection refused',
        "dial tcp [2001:db8::5]:5432: connect: connection refused",
        "Error 111 connecting to db.example.org:5432. Connection refused.",
    ],
)
def test_of_a_port_of_another_host_our_own_listeners_say_nothing(text: str) -> None:
    mine = Neighbour(check="own-db", ports=(5432,), is_bad=True, message="nobody listens")
    found = diagnose(Evidence(unit=unit(), log=log(text), neighbours=(mine,)))[0]
    assert (found.cause, found.certainty) == (Cause.DEPENDENCY_DOWN, Certainty.LIKELY)
    assert "nobody listens" not in found.because


def test_a_dependency_on_another_host_is_named_by_the_check_that_asks_that_host() -> None:
    there = Neighbour(check="db", host="db.example.org", ports=(5432,), is_bad=True, message="refused")
    found = diagnose(Evidence(unit=unit(), log=log("ECONNREFUSED db.example.org:5432"), neighbours=(there,)))[0]
    assert (found.certainty, found.because) == (Certainty.SURE, "it needs port 5432, and db is bad: refused")
    other = diagnose(Evidence(unit=unit(), log=log("ECONNREFUSED 127.0.0.1:5432"), neighbours=(there,)))[0]
    assert (other.certainty, "db is bad" in other.because) == (Certainty.LIKELY, False)


def test_the_end_of_another_unit_for_memory_makes_no_words_sure() -> None:
    line = "oom-kill:constraint=CONSTRAINT_MEMCG,task_memcg=/system.slice/batch.service,task=batch,pid=7,uid=0"
    evidence = Evidence(unit=unit(), log=log("fork: Cannot allocate memory"), kernel=log(line))
    assert first(evidence) == (Cause.OUT_OF_MEMORY, Certainty.LIKELY)


def test_the_holder_of_a_tcp_port_is_no_listener_of_udp() -> None:
    udp = Listener(protocol="udp", port=80, addresses=("::",), unit="quic.service", process="quic")
    said = log("bind() to 0.0.0.0:80 failed (98: Address already in use)")
    found = diagnose(Evidence(unit=unit(), log=said, listeners=(udp, NGINX)))[0]
    assert found.because == "port 80 is held by nginx (nginx.service)"


def test_no_space_left_on_a_full_disk_is_sure_and_on_one_without_inodes_is_that() -> None:
    said = log("write failed: No space left on device")
    full, no_inodes = FileSystem(path="/var", used=100.0), FileSystem(path="/var", inodes=100.0)
    assert first(Evidence(unit=unit(), log=said, systems=(full,))) == (Cause.DISK_FULL, Certainty.SURE)
    assert first(Evidence(unit=unit(), log=said, systems=(no_inodes,))) == (Cause.INODES_USED_UP, Certainty.SURE)


def test_a_full_disk_alone_is_possible_and_stands_behind_what_is_known() -> None:
    found = diagnose(Evidence(unit=unit(status=217), systems=(FileSystem(path="/srv", used=100.0),)))
    assert [(one.cause, one.certainty) for one in found] == [
        (Cause.UNKNOWN_USER, Certainty.SURE),
        (Cause.DISK_FULL, Certainty.POSSIBLE),
    ]


def test_the_kernel_names_the_unit_that_it_killed_for_memory() -> None:
    line = "oom-kill:constraint=CONSTRAINT_MEMCG,task_memcg=/system.slice/api.service,task=api,pid=7,uid=0"
    killed = unit("signal", 2, 9)
    assert first(Evidence(unit=killed, kernel=log(line))) == (Cause.OUT_OF_MEMORY, Certainty.SURE)
    other = line.replace("api.service", "batch.service")
    assert first(Evidence(unit=killed, kernel=log(other))) == (Cause.KILLED, Certainty.LIKELY)


@pytest.mark.parametrize(
    ("constraint", "group", "words"),
    [
        ("CONSTRAINT_MEMCG", "/system.slice/api.service", "its own limit (MemoryMax=) was reached"),
        ("CONSTRAINT_MEMCG", "/system.slice", "the limit of system.slice was reached"),
        ("CONSTRAINT_NONE", "", "the host had none left"),
    ],
)
def test_whose_limit_was_reached_is_told(constraint: str, group: str, words: str) -> None:
    group = f",oom_memcg={group}" if group else ",global_oom"
    line = f"oom-kill:constraint={constraint}{group},task_memcg=/system.slice/api.service,task=api,pid=7,uid=0"
    found = diagnose(Evidence(unit=unit("oom-kill", 2, 9), kernel=log(line)))
    assert found[0].because == f"the kernel killed api of api.service for memory: {words}"


def test_where_the_host_may_write_and_the_unit_may_not_it_is_its_own_sandbox() -> None:
    said = log("touch: cannot touch '/var/lib/x': Read-only file system")
    open_, closed = FileSystem(path="/"), FileSystem(path="/var", read_only=True)
    found = diagnose(Evidence(unit=unit(), log=said, systems=(open_,)))[0]
    assert (found.cause, found.certainty, "ProtectSystem=" in found.because) == (
        Cause.READ_ONLY,
        Certainty.LIKELY,
        True,
    )
    assert first(Evidence(unit=unit(), log=said, systems=(open_, closed))) == (Cause.READ_ONLY, Certainty.SURE)


def test_an_image_that_is_always_full_is_no_full_disk() -> None:
    image = FileSystem(path="/snap/core", used=100.0, inodes=100.0, read_only=True)
    said = log("write failed: No space left on device")
    assert first(Evidence(unit=unit(), log=said, systems=(image,))) == (Cause.DISK_FULL, Certainty.LIKELY)


def test_a_crash_that_the_kernel_saw_is_the_units_when_the_process_is() -> None:
    said = (Line(text="starting", program="api", pid=77),)
    mine, other = (log(f"api[{pid}]: segfault at 0 ip 7f sp 7f error 4 in libc.so.6") for pid in (77, 78))
    assert first(Evidence(unit=unit(), log=said, kernel=mine)) == (Cause.CRASHED, Certainty.SURE)
    assert first(Evidence(unit=unit(), log=said, kernel=other)) == (Cause.CRASHED, Certainty.POSSIBLE)


def test_a_process_that_a_signal_stopped_is_frozen_and_not_merely_silent() -> None:
    silent = Evidence(unit=unit(active="active", result="success"), timed_out=True, message="no answer within 3 s")
    assert first(silent) == (Cause.HANG, Certainty.LIKELY)
    stopped = Evidence(unit=silent.unit, timed_out=True, message="no answer", stopped=("api (4711)",))
    assert first(stopped) == (Cause.FROZEN, Certainty.SURE)
    many = diagnose(replace(stopped, stopped=tuple(f"api ({pid})" for pid in range(500))))[0].because
    assert "api (4) and 495 more" in many


def test_a_change_of_its_own_is_likely_and_a_known_cause_goes_before_it() -> None:
    change = Change(kind=ChangeKind.DEPLOY, subject="api", what="2.0", at=NOW, units=("api.service",))
    assert first(Evidence(unit=unit(), changes=(change,))) == (Cause.CHANGED, Certainty.LIKELY)
    said = diagnose(Evidence(unit=unit(), changes=(change,), log=log("segment 7 does not sum up")))[0].because
    assert said.endswith("; its log ends: segment 7 does not sum up")
    found = diagnose(Evidence(unit=unit(status=203), changes=(change,)))
    assert [one.cause for one in found] == [Cause.CANNOT_RUN, Cause.CHANGED]


def test_a_busy_host_explains_a_silence_and_only_perhaps_a_death() -> None:
    silent = Evidence(timed_out=True, overload="CPU pressure 80")
    assert first(silent) == (Cause.HOST_BUSY, Certainty.LIKELY)
    assert first(Evidence(overload="CPU pressure 80")) == (Cause.HOST_BUSY, Certainty.POSSIBLE)


def test_a_unit_that_waits_by_its_own_limit_is_late_by_that_unless_the_host_is_busy() -> None:
    held = "it waited for a processor 95 % of 10 s, by CPUQuota=5% of api.service"
    late = Evidence(unit=unit(result="success", active="active"), timed_out=True, held=held)
    assert first(late) == (Cause.CPU_LIMIT, Certainty.SURE)
    assert first(replace(late, timed_out=False, failure_class="latency")) == (Cause.CPU_LIMIT, Certainty.SURE)
    assert first(replace(late, timed_out=False)) == (Cause.CPU_LIMIT, Certainty.POSSIBLE)
    assert first(replace(late, overload="CPU pressure 80")) == (Cause.HOST_BUSY, Certainty.LIKELY)


@pytest.mark.parametrize("result", ["watchdog", "timeout"])
def test_a_busy_host_explains_that_systemd_waited_in_vain(result: str) -> None:
    late = Evidence(unit=unit(result=result), overload="CPU pressure 80")
    assert first(late) == (Cause.HOST_BUSY, Certainty.LIKELY)


def test_a_clock_that_was_set_is_likely_where_the_service_speaks_of_time() -> None:
    said = log("token is not yet valid")
    jumped = timedelta(hours=-2)
    assert first(Evidence(unit=unit(), log=said, jumped=jumped)) == (Cause.CLOCK_JUMP, Certainty.LIKELY)
    assert first(Evidence(unit=unit(), jumped=jumped)) == (Cause.CLOCK_JUMP, Certainty.POSSIBLE)


def test_what_expired_when_the_clock_was_set_ahead_comes_of_the_clock() -> None:
    jumped = timedelta(hours=26)
    for told in (
        Evidence(unit=unit(), log=log("certificate has expired"), jumped=jumped),
        Evidence(failure_class="expired", message="cannot trust web: certificate has expired", jumped=jumped),
    ):
        clock, certificate = diagnose(told)[:2]
        assert (clock.cause, certificate.cause) == (Cause.CLOCK_JUMP, Cause.CERTIFICATE_EXPIRED)
        assert clock.because.startswith("the clock was set ahead by 26 h before it; it said: ")


def test_files_open_up_to_the_limit_make_its_words_sure() -> None:
    said = log("accept4() failed (24: Too many open files)")
    assert first(Evidence(unit=unit(), log=said, files=(1020, 1024)))[1] is Certainty.SURE


def test_a_line_of_the_journal_is_read_as_program_and_text() -> None:
    assert line_of("2026-11-27T03:00:00.123Z nginx[12]: a: b") == Line(program="nginx", pid=12, text="a: b")
    assert line_of("2026-11-27T03:00:00Z (redis): x") == Line(program="(redis)", text="x")
    assert line_of("no stamp: at all") == Line(text="no stamp: at all")


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("bind() to 0.0.0.0:80 failed (98: Address already in use)", (80,)),
        ("12:34:56 listen tcp [::]:8080: bind", (8080,)),
        ("is the server running on port 5432?", (5432,)),
        ("at 10:15 nothing", ()),
        ("port 99999", ()),
    ],
)
def test_ports_are_found_and_times_of_day_are_none(text: str, ports: tuple[int, ...]) -> None:
    assert ports_in(text) == ports


def test_the_line_that_says_what_is_wrong_is_told_before_the_one_that_something_is() -> None:
    nginx = log(
        '2026/11/27 10:00:00 [emerg] 12#12: unknown directive "htpp" in /etc/nginx/nginx.conf:1',
        "nginx: configuration file /etc/nginx/nginx.conf test failed",
    )
    assert 'unknown directive "htpp"' in diagnose(Evidence(unit=unit(), log=nginx))[0].because
    redis = log(
        "*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***", ">>> 'maxmemory lots'", "argument must be a memory value"
    )
    assert ">>> 'maxmemory lots'" in diagnose(Evidence(unit=unit(), log=redis))[0].because
    misspelt = log("at line 138", ">>> 'porrt 6379'", "Bad directive or wrong number of arguments")
    assert ">>> 'porrt 6379'" in diagnose(Evidence(unit=unit(), log=misspelt))[0].because
    lost = log(
        "api.service: Failed to load environment files: No such file or directory",
        "api.service: Failed to run 'start' task: No such file or directory",
    )
    assert "environment files" in diagnose(Evidence(unit=unit(), log=lost))[0].because


def test_who_listens_and_does_not_answer_is_named() -> None:
    found = diagnose(Evidence(unit=unit(), log=log("dial tcp 127.0.0.1:80: i/o timeout"), listeners=(NGINX,)))[0]
    assert (found.cause, found.certainty) == (Cause.DEPENDENCY_DOWN, Certainty.LIKELY)
    assert "it needs port 80, where nginx (nginx.service) listens and does not answer" in found.because


def test_a_unit_file_that_nothing_was_started_from_breaks_nothing() -> None:
    edited = Change(kind=ChangeKind.UNIT_FILE, subject="/etc/x", what="edited", at=NOW, units=("api.service",))
    runs = replace(unit("success", 0, 0, "active"), inactive_exit_at=NOW - timedelta(hours=1))
    assert diagnose(Evidence(unit=runs, changes=(edited,))) == ()
    assert first(Evidence(unit=replace(runs, inactive_exit_at=NOW + timedelta(hours=1)), changes=(edited,)))[0] == (
        Cause.CHANGED
    )
    assert first(Evidence(unit=unit(), changes=(edited,)))[0] == Cause.CHANGED


ELSEWHERE = Evidence(
    systems=(FileSystem(path="/mnt/other", used=100.0, inodes=100.0), FileSystem(path="/mnt/cd", read_only=True)),
    kernel=log(
        "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/x,task_memcg=/system.slice/batch.service,task=b,pid=7,uid=0",
        "Out of memory: Killed process 7 (b)",
        "b[7]: segfault at 0 ip 7f sp 7f error 4 in libc.so.6",
    ),
    listeners=(replace(NGINX, port=9999),),
    neighbours=(Neighbour(check="other", ports=(9998,), is_bad=True, message="refused"),),
    changes=(Change(kind=ChangeKind.DEPLOY, subject="other", what="2", at=NOW, units=("other.service",)),),
    killers=log("ann : USER=root ; COMMAND=/usr/bin/kill -9 77", program="sudo"),
)
"""What goes on on a host where others fail at the same time."""
ENDED = [unit(status=code) for code in sorted(OF_SYSTEMD)] + [
    unit(*how)
    for how in (("oom-kill", 2, 9), ("watchdog", 2, 6), ("core-dump", 3, 11), ("signal", 2, 9), ("timeout", 0, 0))
]


def beside(evidence: Evidence) -> Evidence:
    """Return the evidence as it is on a host where others fail at the same time."""
    parts = ("systems", "kernel", "listeners", "neighbours", "changes", "killers")
    return replace(evidence, **{part: getattr(ELSEWHERE, part) for part in parts})


@pytest.mark.parametrize("evidence", [Evidence(unit=one) for one in ENDED], ids=lambda one: one.unit.result)
def test_the_failures_of_others_are_not_this_ones_cause(evidence: Evidence) -> None:
    assert first(beside(evidence)) == first(evidence)


@pytest.mark.parametrize("text", [text for text, cause in SAID if cause is not Cause.DISK_FULL])
def test_the_failures_of_others_change_nothing_of_what_it_said(text: str) -> None:
    evidence = Evidence(unit=unit(), log=log(text))
    assert first(beside(evidence)) == first(evidence)


HEALTHY = (
    '10.0.0.9 - - [27/Nov/2026:10:00:00 +0000] "GET /missing HTTP/1.1" 404 153 "-" "curl/7.88.1"',
    "LOG:  checkpoint complete: wrote 3 buffers (0.0%); 0 WAL file(s) added",
    "Ready to accept connections",
    "Configuration loaded from /etc/api/api.yaml",
    "config reloaded, 12 options changed",
    "the configuration file /etc/nginx/nginx.conf syntax is ok",
    "configuration file /etc/nginx/nginx.conf test is successful",
    "connected to 10.0.0.5:5432 in 12 ms, pool timeout 30 s",
    "certificate /etc/ssl/api.pem expires in 41 days",
    "session of ann timed out after 30 min, signed out",
    "mail to bob: 250 ok; permission to relay granted",
    "listening on port 8080, reuse of address is on",
    "disk usage 71 %, space left 12 GiB",
    "killed 0 stale workers, memory 120 MiB",
)


@pytest.mark.parametrize("text", HEALTHY)
def test_what_healthy_services_write_is_no_cause(text: str) -> None:
    runs = unit("success", 0, 0, "active")
    found = diagnose(beside(Evidence(unit=runs, log=log(text), files=(40, 1024), took=0.012, usual=0.010)))
    assert all(one.certainty is Certainty.POSSIBLE for one in found), found


@given(
    texts=st.lists(st.text(max_size=300) | st.sampled_from([text for text, _ in SAID]), max_size=12),
    status=st.integers(0, 255),
    code=st.integers(0, 6),
    result=st.sampled_from(["success", "exit-code", "signal", "core-dump", "timeout", "?"]),
)
def test_each_cause_is_named_once_the_surest_first_whatever_is_said(
    texts: list[str], status: int, code: int, result: str
) -> None:
    found = diagnose(Evidence(unit=unit(result, code, status), log=log(*texts), kernel=log(*texts)))
    assert len({one.cause for one in found}) == len(found)
    assert [one.certainty for one in found] == sorted((one.certainty for one in found), reverse=True)
    assert all(one.because for one in found)


def test_what_ends_by_a_status_of_custom_is_told_with_its_last_words() -> None:
    ended = unit(status=77)
    found = diagnose(Evidence(unit=ended, log=log("alice may not open the vault")))[0]
    assert found.cause is Cause.PERMISSION_DENIED
    assert found.because.endswith("; its log ends: alice may not open the vault")


def test_what_systemd_could_not_do_for_a_start_is_told_by_its_path() -> None:
    words = "api.service: Failed to locate executable /srv/app: No such file or directory"
    found = diagnose(Evidence(unit=unit(status=203), log=log(words, program="(app)", pid=7)))[0]
    assert found.because == (
        "systemd could not start it: its program cannot be executed (exit status 203): "
        "failed to locate executable /srv/app: No such file or directory"
    )


def test_systemd_s_words_of_a_user_are_left_out_they_would_be_cut_as_a_secret() -> None:
    words = "api.service: Failed to determine user credentials: No such process"
    found = diagnose(Evidence(unit=unit(status=217), log=log(words, program="(app)", pid=7)))[0]
    assert (found.cause, found.because.endswith("(exit status 217)")) == (Cause.UNKNOWN_USER, True)


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ('FATAL:  data directory "/var/lib/postgresql/15/main" has invalid permissions', Cause.PERMISSION_DENIED),
        ('FATAL:  private key file "/etc/ssl/private/x.key" has group or world access', Cause.PERMISSION_DENIED),
        ("sqlite3.OperationalError: database or disk is full", Cause.DISK_FULL),
        ("java.net.UnknownHostException: db.internal", Cause.DNS),
        ("FATAL:  the database system is starting up", Cause.DEPENDENCY_DOWN),
        ("java.lang.NoClassDefFoundError: org/x/Y", Cause.MISSING_FILE),
        ("yaml: line 12: mapping values are not allowed in this context", Cause.BAD_CONFIGURATION),
        (
            "[ALERT] (12) : config : parsing [/etc/haproxy/haproxy.cfg:12] : unknown keyword 'sever'",
            Cause.BAD_CONFIGURATION,
        ),
        ("tomllib.TOMLDecodeError: Invalid value (at line 3, column 7)", Cause.BAD_CONFIGURATION),
        ("app: error: the following arguments are required: --config", Cause.BAD_CONFIGURATION),
        ('invalid value "x" for flag -port: parse error', Cause.BAD_CONFIGURATION),
        ("panic: runtime error: invalid memory address or nil pointer dereference", Cause.CRASHED),
    ],
)
def test_the_words_of_well_known_programs(words: str, cause: Cause) -> None:
    assert diagnose(Evidence(unit=unit(), log=log(words)))[0].cause is cause


def test_what_systemd_adds_to_every_failed_start_of_a_forking_service_means_nothing() -> None:
    said = log(
        "FATAL:  lock file exists", "pg.service: Can't open PID file /run/pg.pid (yet?) after start: No such file"
    )
    assert diagnose(Evidence(unit=unit(), log=said)) == ()
