"""Failures made for real, each with the cause that is to be named first. `docs/explanation/causes-shown.md` lists them.

Renew that page with `python -m tests.host.scenarios.failures`: it plays them on a host and writes down what was said.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.host import clock
from tests.host.harness import TREE, Host, HostError
from tests.host.scenarios.stage import CONFIRM, UNITS, Stage, furnish

if TYPE_CHECKING:
    from tests.host.scenarios.stage import Incident

PAGE = TREE / "docs" / "explanation" / "causes-shown.md"
RENEW = "python -m tests.host.scenarios.failures"
BEGIN, END = "<!-- failures -->\n", "<!-- end of failures -->\n"
PYTHON = "/usr/bin/python3 -c"
API = "/usr/bin/python3 /opt/scenario/api.py"
LOOK = f"timeout: 400ms, every: 1s, confirm: {CONFIRM.replace('start_within: 10s', 'start_within: 1s')}"
CERTIFICATE = """
cd /srv/expired
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out asked.pem -subj /CN=web
echo subjectAltName=IP:127.0.0.1 >names
openssl x509 -req -in asked.pem -signkey key.pem -days -1 -extfile names -out cert.pem
"""
VALID = """
cd /srv/clock
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem \\
    -subj /CN=web -days 1
"""
VERIFY = "openssl verify -CAfile /srv/clock/cert.pem /srv/clock/cert.pem >/dev/null"
# From here on opsagent sees the pressure that there is, instead of the calm of a stage: an average of ten seconds.
CROWDED = """
systemd-run -q --unit=crowd -p CPUSchedulingPolicy=idle -p RuntimeMaxSec=100 \\
    bash -c 'for one in $(seq $((3 * $(nproc)))); do while :; do :; done & done; wait'
nsenter --mount --target $(systemctl show --value -p MainPID opsagent.service) umount /proc/pressure/cpu
systemctl set-property --runtime busy.service CPUWeight=1
chrt --all-tasks --idle --pid 0 $(systemctl show --value -p MainPID busy.service)
echo works >/srv/busy/always
"""
# A queue of one that is full: whoever else comes is neither let in nor refused.
DEAF = (
    'import socket, time; s = socket.create_server(("127.0.0.1", 5998), backlog=0);'
    " a = [socket.socket() for _ in range(3)]; [(x.setblocking(False), x.connect_ex(s.getsockname())) for x in a];"
    " time.sleep(999)"
)


# Most test machines have no sudo: what counts is the path of the program that wrote the line. The journal looks that up
# while it runs, and sudo ends some time after its command: it closes the session.
SUDO = r"""
cp --dereference /usr/bin/python3 /usr/bin/sudo
cat >/srv/hunted/as-alice.py <<'END'
import os, sys, syslog, time
syslog.openlog("sudo")
syslog.syslog(f"   alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/kill -9 {sys.argv[1]}")
os.kill(int(sys.argv[1]), 9)
time.sleep(0.3)
END
"""


@dataclass(frozen=True)
class Failure:
    """One way to fail: how it is made, the lines of its unit, what is named first, and a part of what is said of it.

    `before` runs first, in a shell, `after` when it was started, `later` once opsagent has seen it good, `last` when
    all others have their cause: it disturbs them. The clock is the very last: for two minutes no time-out counts.
    `check` looks at it where its unit does not fail.
    """

    name: str
    how: str
    lines: str
    cause: str | None
    words: str
    before: str = ""
    after: str = ""
    check: str = ""
    later: str = ""
    last: str = ""

    @property
    def unit(self) -> str:
        """The unit that fails."""
        return f"{self.name}.service"

    @property
    def dies(self) -> bool:
        """Whether its unit fails by itself, before opsagent runs."""
        return not (self.after or self.check or self.later or self.last)

    def is_told(self, incident: Incident | None) -> bool:
        """Whether an incident names its cause first, in the words that count."""
        return incident is not None and incident["cause"] == self.cause and self.words in incident["because"]

    def look(self) -> str:
        """Return its check as the settings have it."""
        what = self.check or f"kind: unit, confirm: {CONFIRM}"
        return f"- {{name: {self.name}, unit: {self.unit}, {what}}}"


def http(port: int, more: str = "", scheme: str = "http") -> str:
    """Return a check that asks for a page."""
    return f"kind: http, url: '{scheme}://127.0.0.1:{port}/health', {LOOK}{more}"


def until_told(name: str, what: str) -> str:
    """Return a command that is healthy until it is restarted beside a file `new`, and then does something else."""
    return f"/bin/sh -c 'test -e /srv/{name}/new || exec sleep 999; exec {what}'"


FAILURES = (
    Failure(
        name="oom",
        how="a process takes 200 MB under `MemoryMax=24M`",
        lines=f"MemoryMax=24M\nMemorySwapMax=0\nExecStart={PYTHON} 'x = b\"1\" * 200_000_000'",
        cause="out-of-memory",
        words="its own limit (MemoryMax=) was reached",
    ),
    Failure(
        name="full",
        how="it writes to a file system of 64 KiB until that is full",
        before="mount -t tmpfs -o size=64k none /srv/full",
        lines="ExecStart=/bin/dd if=/dev/zero of=/srv/full/data bs=64k count=9",
        cause="disk-full",
        words="/srv/full is 100 % full",
    ),
    Failure(
        name="inodes",
        how="it makes files on a file system with `nr_inodes=3`",
        before="mount -t tmpfs -o size=1m,nr_inodes=3 none /srv/inodes",
        lines="ExecStart=/usr/bin/touch /srv/inodes/a /srv/inodes/b /srv/inodes/c /srv/inodes/d",
        cause="inodes-used-up",
        words="of its inodes",
    ),
    Failure(
        name="sealed",
        how="it writes below a bind mount that was remounted read-only",
        before="mount --bind /srv/sealed /srv/sealed; mount -o remount,bind,ro /srv/sealed",
        lines="ExecStart=/usr/bin/touch /srv/sealed/a",
        cause="read-only",
        words="/srv/sealed is mounted read-only",
    ),
    Failure(
        name="boxed",
        how="it writes to /var/lib, which its own `ProtectSystem=strict` forbids",
        lines="ProtectSystem=strict\nExecStart=/usr/bin/touch /var/lib/boxed",
        cause="read-only",
        words="ProtectSystem=",
    ),
    Failure(
        name="port",
        how="redis is given a port where another unit listens",
        lines="ExecStart=/usr/bin/redis-server --port 9009",
        cause="port-taken",
        words="port 9009 is held by python3 (hook.service) since 2",
    ),
    Failure(
        name="needs",
        how="it connects to a port where nobody listens, and no check looks at",
        lines=f"ExecStart={PYTHON} 'import socket; socket.create_connection((\"127.0.0.1\", 5999))'",
        cause="dependency-down",
        words="Connection refused",
    ),
    Failure(
        name="client",
        how="redis-cli asks a port where nobody listens; a check of yours looks at it and is bad",
        lines=f"ExecStart={until_told('client', '/usr/bin/redis-cli -p 5997 ping')}",
        later="touch /srv/client/new; systemctl restart client.service",
        cause="dependency-down",
        words="it needs port 5997, and cache is bad",
    ),
    Failure(
        name="waits",
        how="curl asks a port that answers nobody (its queue is full), until its time is out",
        before=f"systemd-run --unit=deaf {PYTHON} '{DEAF}'",
        lines="ExecStart=/usr/bin/curl -sS -m 1 http://127.0.0.1:5998/",
        cause="dependency-down",
        words="timed out",
    ),
    Failure(
        name="redis-config",
        how="redis is given `maxmemory lots`",
        before="echo 'maxmemory lots' > /srv/redis-config/redis.conf",
        lines="ExecStart=/usr/bin/redis-server /srv/redis-config/redis.conf",
        cause="bad-configuration",
        words=">>> 'maxmemory lots'",
    ),
    Failure(
        name="nginx-config",
        how="`nginx -t` in `ExecStartPre=` refuses a misspelt word",
        before="echo 'events {} htpp {}' > /srv/nginx-config/nginx.conf",
        lines="ExecStartPre=/usr/sbin/nginx -t -c /srv/nginx-config/nginx.conf\nExecStart=/bin/true",
        cause="bad-configuration",
        words="nginx-config/nginx.conf",
    ),
    Failure(
        name="exit-78",
        how="it ends with status 78, `EX_CONFIG`",
        lines="ExecStart=/bin/sh -c 'exit 78'",
        cause="bad-configuration",
        words="exit status 78",
    ),
    Failure(
        name="no-file",
        how="cat is asked for a file that is not there",
        lines="ExecStart=/bin/cat /srv/no-file/key.pem",
        cause="missing-file",
        words="/key.pem",
    ),
    Failure(
        name="no-right",
        how="nobody reads /etc/shadow",
        lines="User=nobody\nExecStart=/bin/cat /etc/shadow",
        cause="permission-denied",
        words="Permission denied",
    ),
    Failure(
        name="no-user",
        how="`User=` names nobody of this host",
        lines="User=nosuch\nExecStart=/bin/true",
        cause="unknown-user",
        words="exit status 217",
    ),
    Failure(
        name="no-program",
        how="`ExecStart=` names no file",
        lines="ExecStart=/usr/bin/nosuch",
        cause="cannot-run",
        words="exit status 203): failed to locate executable",
    ),
    Failure(
        name="no-path",
        how="`ReadWritePaths=` names no folder",
        lines="ReadWritePaths=/srv/nosuch\nExecStart=/bin/true",
        cause="sandbox",
        words="exit status 226): failed to set up mount namespacing",
    ),
    Failure(
        name="crash",
        how="it reads address 0",
        lines=f"ExecStart={PYTHON} 'import ctypes; ctypes.string_at(0)'",
        cause="crashed",
        words="SIGSEGV",
    ),
    Failure(
        name="core",
        how="it calls `abort()` and leaves a core",
        lines=f"LimitCORE=infinity\nWorkingDirectory=/srv/core\nExecStart={PYTHON} 'import os; os.abort()'",
        cause="crashed",
        words="SIGABRT",
    ),
    Failure(
        name="name",
        how="it connects to a name that does not resolve",
        lines=f"ExecStart={PYTHON} 'import socket; socket.create_connection((\"nosuch.invalid\", 80))'",
        cause="dns",
        words="could not be resolved",
    ),
    Failure(
        name="files",
        how="it opens 99 files under `LimitNOFILE=16`",
        lines=f"LimitNOFILE=16\nExecStart={PYTHON} 'a = [open(\"/dev/null\") for _ in range(99)]'",
        cause="too-many-open-files",
        words="Too many open files",
    ),
    Failure(
        name="limit",
        how="it fails at once and is restarted by systemd until that gives up",
        lines="Restart=always\nRestartSec=10ms\nExecStart=/bin/false",
        cause="start-limit",
        words="started too often",
    ),
    Failure(
        name="kill",
        how="`systemctl kill -s KILL`",
        lines="ExecStart=/bin/sleep 999",
        after="systemctl kill -s KILL kill.service",
        cause="killed",
        words="somebody had systemd send it SIGKILL (systemctl kill)",
    ),
    Failure(
        name="hunted",
        how="`sudo kill -9 PID` by alice",
        lines="ExecStart=/bin/sleep 999",
        before=SUDO,
        after="/usr/bin/sudo /srv/hunted/as-alice.py $(systemctl show --value -p MainPID hunted.service)",
        cause="killed",
        words="alice sent it SIGKILL by sudo: /usr/bin/kill -9",
    ),
    Failure(
        name="stabbed",
        how="`kill -9` by root, whose commands nobody writes down",
        lines="ExecStart=/bin/sleep 999",
        after="kill -9 $(systemctl show --value -p MainPID stabbed.service)",
        cause="killed",
        words="who, the journal does not say",
    ),
    Failure(
        name="leans",
        how="it has `Requires=` and `After=` of a unit that fails",
        before=f"printf '[Service]\\nType=oneshot\\nExecStart=/bin/false\\n' >{UNITS}/ground.service",
        lines="ExecStart=/bin/sleep 999\n[Unit]\nRequires=ground.service\nAfter=ground.service",
        check=f"kind: unit, confirm: {CONFIRM}",
        cause="dependency-down",
        words="a unit that it needs failed (ground.service",
    ),
    Failure(
        name="dog",
        how="it does not sign to systemd under `WatchdogSec=1`",
        lines="Type=notify\nNotifyAccess=all\nWatchdogSec=1\nExecStart=/bin/sh -c 'systemd-notify --ready; sleep 999'",
        cause="hang",
        words="WatchdogSec=",
    ),
    Failure(
        name="unready",
        how="it never says that it is ready under `TimeoutStartSec=1`",
        lines="Type=notify\nTimeoutStartSec=1\nExecStart=/bin/sleep 999",
        cause="slow-start",
        words="ready",
    ),
    Failure(
        name="frozen",
        how="a web service gets `SIGSTOP`",
        lines=f"ExecStart={API} 18301 /srv/frozen",
        check=http(18301),
        after="systemctl kill -s STOP frozen.service",
        cause="frozen",
        words="SIGCONT would let it go on",
    ),
    Failure(
        name="silent",
        how="a web service lives, its port is open, and it answers nothing",
        lines=f"ExecStart={API} 18302 /srv/silent",
        before="echo slow >/srv/silent/always",
        check=http(18302),
        cause="hang",
        words="runs and does not answer",
    ),
    Failure(
        name="late",
        how="a web service takes 300 ms where the check expects `max_latency: 100ms`",
        lines=f"ExecStart={API} 18303 /srv/late",
        before="echo late >/srv/late/always",
        check=http(18303, ", expect: {max_latency: 100ms}").replace("timeout: 400ms", "timeout: 2s"),
        cause="slow",
        words="100 ms",
    ),
    Failure(
        name="expired",
        how="a TLS server shows a certificate that ended yesterday",
        before=CERTIFICATE,
        lines="WorkingDirectory=/srv/expired\n"
        "ExecStart=/usr/bin/openssl s_server -quiet -accept 18304 -cert cert.pem -key key.pem -www",
        check=http(18304, ", ca_file: /srv/expired/cert.pem", scheme="https"),
        cause="certificate-expired",
        words="expired",
    ),
    Failure(
        name="busy",
        how="each answer of a web service takes 200 ms of processor time, which three endless loops a processor leave"
        " it little of (it and they are in the scheduler's idle class, to starve nobody else)",
        lines=f"ExecStart={API} 18305 /srv/busy",
        check=http(18305),
        last=CROWDED,
        cause="host-busy",
        words="the host is busy: cpu pressure (some) is at 60 % or more over 10 s",
    ),
    Failure(
        name="clock",
        how="it looks at a certificate that is valid for a day, and the host's clock is set 26 hours ahead",
        before=VALID,
        lines=f"ExecStart=/bin/sh -c 'while {VERIFY}; do sleep .1; done; exit 1'",
        last=clock.setting(timedelta(hours=26)),
        cause="clock-jump",
        words="the clock was set ahead by 26 h before it; it said: ",
    ),
    Failure(
        name="held",
        how="each answer of a web service takes 200 ms of processor time; its unit, where a loop runs too, has"
        " `CPUQuota=5%`",
        lines=f"ExecStartPost=/bin/sh -c 'while :; do :; done &'\nExecStart={API} 18306 /srv/held",
        check=http(18306).replace("timeout: 400ms", "timeout: 2s"),
        after="systemctl set-property --runtime held.service CPUQuota=5%",
        later="echo works >/srv/held/always",
        cause="cpu-limit",
        words="by CPUQuota=5% of held.service",
    ),
    Failure(
        name="deployed",
        how="it runs, its new version is reported (`opsagent change`), started, and ends with status 1 at once",
        lines=f"ExecStart={until_told('deployed', '/bin/false')}",
        later="opsagent change 'deployed 2.0' --kind deploy --unit deployed.service; touch /srv/deployed/new;"
        " systemctl restart deployed.service",
        cause="changed",
        words="deploy deployed 2.0",
    ),
    Failure(
        name="mute",
        how="it ends with status 1 and says nothing",
        lines="ExecStart=/bin/false",
        cause=None,
        words="no cause found; looked at",
    ),
)
NEIGHBOURS = f"- {{name: cache, kind: tcp, host: 127.0.0.1, port: 5997, {LOOK}}}"
"""Checks of what others need."""


def found() -> dict[str, Incident]:
    """Make every failure, and return the incident of each by its name once its cause was looked for.

    The journal of the host hears the kernel, which tells of memory and of crashes.
    """
    host = Host.up("causes", installed=True, kernel_log=True)
    try:
        furnish(host)
        clock.give(host)
        return _play(Stage(host))
    finally:
        host.down()


def _play(stage: Stage) -> dict[str, Incident]:
    units = [f"cat >{UNITS}/{one.unit} <<'END'\n[Service]\n{one.lines}\nEND" for one in FAILURES]
    _shell(stage, [f"mkdir -p {UNITS} {' '.join(f'/srv/{one.name}' for one in FAILURES)}", *units])
    _at_once(stage, [one.before for one in FAILURES])
    names = " ".join(one.unit for one in FAILURES)
    _shell(stage, ["systemctl daemon-reload", f"systemctl start --no-block {names}"])
    stage.until(lambda: _all_began(stage), what="the failures")
    _at_once(stage, [one.after for one in FAILURES])
    stage.begin("\n".join([*(one.look() for one in FAILURES), NEIGHBOURS]))
    late = [one for one in FAILURES if one.later]
    stage.good(*(one.name for one in FAILURES if one.later or one.last))
    stage.until(lambda: stage.incidents("cache"), what="the cache to be bad")
    _at_once(stage, [one.later for one in late])
    others = _told(stage, [one for one in FAILURES if not one.last])
    for one in FAILURES:
        if one.last:
            _shell(stage, [one.last])
            others |= _told(stage, [one])
    return others


def _told(stage: Stage, failures: list[Failure]) -> dict[str, Incident]:
    """Return what was said of these failures, once it is what is expected or is not going to be."""
    with suppress(HostError):
        stage.until(lambda: all(one.is_told(_explained(stage).get(one.name)) for one in failures), what="the causes")
    told = _explained(stage)
    missing = {one.name: stage.status(one.name) for one in failures if one.name not in told}
    assert missing == {}, "nothing was said of these"
    return {one.name: told[one.name] for one in failures}


def _shell(stage: Stage, commands: list[str]) -> None:
    stage.host.run(["bash", "-ec", "\n".join(commands)])


def _at_once(stage: Stage, commands: list[str]) -> None:
    """Run commands side by side, and wait for each."""
    begun = [f"(\n{one}\n) & all+=($!)" for one in commands if one]
    _shell(stage, [*begun, 'for one in "${all[@]}"; do wait "$one"; done'])


def _all_began(stage: Stage) -> bool:
    """Whether what dies is dead, and what lives has started."""
    states = stage.host.run(["systemctl", "is-active", *(one.unit for one in FAILURES)], check=False).stdout.split()
    wanted = ("failed" if one.dies else "inactive" if one.name == "leans" else "active" for one in FAILURES)
    return all(state == one for state, one in zip(states, wanted, strict=True))


def _explained(stage: Stage) -> dict[str, Incident]:
    names = {one.name for one in FAILURES}
    return {one["check"]: one for one in stage.incidents() if one["because"] and one["check"] in names}


def table(found: dict[str, Incident]) -> str:
    """Return the table of the page: how each was made, and what was said of it."""
    rows = [f"| {one.how} | {_said(found[one.name])} |" for one in FAILURES]
    return "\n".join(["| how it was made | cause | how sure | what was said |", "| --- | --- | --- | --- |", *rows, ""])


def _said(incident: Incident) -> str:
    words = re.sub(r"pid \d+", "pid 4711", incident["because"])
    words = re.sub(r" in \d+ ms\b", " in 312 ms", words)
    words = re.sub(r"[\d/]+ [\d:]+ \[emerg\] \d+#\d+", "2026/11/27 10:32:07 [emerg] 452#452", words)
    words = re.sub(r"kill -9 \d+", "kill -9 4711", words)
    words = re.sub(r"\d+ milliseconds", "1000 milliseconds", words)
    words = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "2026-11-27 10:32", words).replace("|", "\\|")
    words = re.sub(r"\b\d+ (?=lines of|listening|file systems|other)", "12 ", words)
    words = re.sub(r", \d+ changes? before it", "", words)
    words = re.sub(r"processor \d+ %", "processor 95 %", words)
    cause = f"`{incident['cause']}`" if incident["cause"] else "none"
    return f"{cause} | {incident['certainty'] or ''} | {words}"


def main() -> None:
    """Write the table anew."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}{table(found())}{END}{after}")


if __name__ == "__main__":
    main()
