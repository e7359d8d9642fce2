"""What a playbook may have run: a closed list of looks, and nothing that anybody who writes the memory makes of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.denied import malformed
from opsagent.core.playbook.grammar import PROGRAMS, look
from opsagent.core.playbook.look import MOST_LINES, LogFile, Look, NotAllowedError, Program, Question

SHOWN = (
    "LoadState,ActiveState,SubState,Result,UnitFileState,Type,Restart,NRestarts,MainPID,ExecMainCode,ExecMainStatus,"
    "ActiveEnterTimestamp,InactiveEnterTimestamp,MemoryCurrent,TasksCurrent,FragmentPath,TriggeredBy"
)
PS = ("ps", "-eo", "pid,user,stat,pcpu,pmem,etime,comm", "--sort=-pcpu")
JOURNAL = ("journalctl", "--no-pager", "--quiet", "--lines=20")


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        ("systemctl is-active api", ("systemctl", "is-active", "--", "api.service")),
        ("sudo systemctl status a", ("systemctl", "status", "--no-pager", "--full", "--lines=10", "--", "a.service")),
        ("systemctl show -p ActiveState,Result a.timer", ("systemctl", "show", f"--property={SHOWN}", "--", "a.timer")),
        ("journalctl -xeu api", (*JOURNAL, "--unit=api.service")),
        ("journalctl -u api -n 500 -f", (*JOURNAL, "--unit=api.service")),
        ("journalctl -S '1 min ago' -u a", (*JOURNAL, "--since=1 min ago", "--unit=a.service")),
        ("journalctl -p err --unit=a", (*JOURNAL, "--priority=err", "--unit=a.service")),
        ("ss -tlnp", ("ss", "-n", "-tlnp")),
        ("df -h /var", ("df", "-l", "-h", "--", "/var")),
        ("free -m", ("free", "-m")),
        ("/usr/bin/uptime", ("uptime",)),
        ("ps aux", PS),
        ("ps -ef", PS),
        ("ls -la /srv/chain/", ("ls", "-la", "--", "/srv/chain")),
        ("stat /srv/chain.db", ("stat", "--", "/srv/chain.db")),
        ("ip -br a", ("ip", "-br", "address", "show")),
        ("ip link show dev eth0", ("ip", "link", "show", "dev", "eth0")),
        ("ip route", ("ip", "route", "show")),
    ],
)  # fmt: skip
def test_a_harmless_command_is_made_anew_with_arguments_of_ours(command: str, argv: tuple[str, ...]) -> None:
    assert look(command) == Program(argv=argv)


@pytest.mark.parametrize(
    ("command", "file"),
    [
        ("tail -f /var/log/api.log", LogFile(path="/var/log/api.log")),
        ("tail -100f /var/log/api.log", LogFile(path="/var/log/api.log")),
        ("tail -n 5 /var/log/a/b.log", LogFile(path="/var/log/a/b.log", lines=5)),
        ("head -3 /var/log/api.log", LogFile(path="/var/log/api.log", lines=3, from_end=False)),
        ("cat /var/log/api.log", LogFile(path="/var/log/api.log")),
    ],
)
def test_a_log_is_read_by_ourselves_and_never_followed(command: str, file: LogFile) -> None:
    assert look(command) == file


@pytest.mark.parametrize(
    ("command", "question"),
    [
        ("curl http://localhost:8026/health", Question(url="http://localhost:8026/health")),
        ("curl -fsS -m 3 127.0.0.1:9000/api/healthz", Question(url="http://127.0.0.1:9000/api/healthz")),
        ("curl -k https://[::1]:8443/ready", Question(url="https://[::1]:8443/ready")),
        ("curl localhost/", Question(url="http://localhost/", body=False)),
        ("curl -s -o /dev/null -w '%{http_code}\\n' http://localhost/up", Question(url="http://localhost/up")),
    ],
)
def test_a_health_page_of_this_host_is_asked(command: str, question: Question) -> None:
    assert look(command) == question


def test_what_a_check_of_the_settings_asks_may_be_asked_and_another_page_may_not() -> None:
    asked = frozenset({"http://127.0.0.1:6379/orders", "http://10.0.0.5/orders"})

    assert look("curl http://127.0.0.1:6379/orders", asked) == Question(url="http://127.0.0.1:6379/orders")
    for other in ("http://127.0.0.1:6379/", "http://10.0.0.5/orders"):
        with pytest.raises(NotAllowedError):
            look(f"curl {other}", asked)


REFUSED = """\
rm -rf /
sh -c id
bash
python -c 1
env
/tmp/uptime
./uptime
sudo -u root uptime
uptime; id
uptime && id
uptime | tee /tmp/x
uptime > /tmp/x
uptime `id`
uptime $(id)
ls ~
ls /srv/*
ls {/a,/b}
ls # x
echo ${A}
ls /srvé
systemctl restart api
systemctl stop api
systemctl cat api
systemctl status
systemctl
systemctl -H a status b
systemctl status --host=evil api
systemctl status -M box api
systemctl show -p Environment api
systemctl status *
systemctl show-environment
systemctl status -- --help
systemctl edit api
journalctl
journalctl -u api --vacuum-size=1
journalctl --rotate
journalctl -D /srv -u api
journalctl _UID=0
journalctl -u api --file=/etc/shadow
journalctl -u api --output=export
journalctl -u api -n
ss -K
ss -tK dst 1.2.3.4
ss -D /tmp/x
ss -F /etc/shadow
ss -r
ss -N ns
ss --kill
ss -E
free -s 1
free -c 9
uptime --help
ps -o args
ps e1
ps --pid 1
df --output=x
df relative
ls
ls -R /
ls relative
ls /a/../etc
ls /proc/1
ls /sys
ls /net/evil
ls //etc
stat -f /
stat -c x /a
ip addr add 10.0.0.1/8 dev lo
ip link set eth0 down
ip route flush cache
ip -b /tmp/x
ip netns exec a b
ip monitor
ip -n x addr
ip
ip link show up
ip route get 1.1.1.1
tail /etc/shadow
tail /var/log
tail /var/log/../../etc/shadow
cat /etc/passwd
cat /var/log/a /etc/shadow
tail --pid=1 /var/log/a
tail -c 9 /var/log/a
head
cat -
tail -f
curl http://evil/
curl http://127.0.0.1@evil/health
curl http://localhost.evil/health
curl file:///etc/shadow
curl http://169.254.169.254/health
curl http://10.0.0.1/health
curl http://127.1/health
curl http://0.0.0.0/health
curl -X POST http://localhost/health
curl -d x http://localhost/health
curl http://localhost/health?x=1
curl -K /tmp/x
curl -o /srv/x http://localhost/health
curl -T /etc/shadow http://localhost/up
curl -x http://evil http://localhost/up
curl http://localhost:6379/
curl http://localhost:3306/health
curl http://localhost:22/
curl http://localhost:8500/v1/kv/a
curl http://localhost/shutdown
curl http://localhost/env
curl http://localhost/a/../up
curl http://localhost:8080/%2e/up
curl http://localhost/up http://evil/
curl --next http://localhost/up
curl -H @/etc/shadow http://localhost/up
curl -u a:b http://localhost/up
curl http://[::1]@evil/up
curl http://[::ffff:10.0.0.1]/up
ls [a]
"""
ODD = ["", "uptime\nid", "uptime\x00", "ls /srv\\x"]


@pytest.mark.parametrize("command", [*REFUSED.splitlines(), *ODD])
def test_everything_else_is_left_to_a_person_with_a_reason(command: str) -> None:
    with pytest.raises(NotAllowedError) as refused:
        look(command)

    assert str(refused.value)


WORDS = """
sudo status show restart -p -n 50 -f -u api -- -K -R add /var/log/a.log /etc/shadow /var/log/../x .. ~ ; | > $(id)
http://localhost:8080/health http://evil/health --since -o /dev/null link dev eth0 -xeu --host=evil
"""
PARTS = st.sampled_from([*sorted(PROGRAMS), *WORDS.split(), "'1 min ago'"])
COMMANDS = st.one_of(st.text(max_size=60), st.lists(PARTS, max_size=7).map(" ".join))


@given(COMMANDS, st.frozensets(st.text(max_size=30), max_size=2))
def test_whatever_is_written_only_a_look_of_these_forms_comes_of_it(command: str, urls: frozenset[str]) -> None:
    try:
        wanted = look(command, urls)
    except NotAllowedError:
        return

    assert is_harmless(wanted), wanted


def is_harmless(wanted: Look) -> bool:
    if isinstance(wanted, LogFile):
        good = re.fullmatch(r"/var/log(/[^/]+)+", wanted.path) and ".." not in wanted.path.split("/")
        return bool(good) and 1 <= wanted.lines <= MOST_LINES
    if isinstance(wanted, Question):
        return re.fullmatch(r"https?://(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?(/[^?#@]*)?", wanted.url) is not None
    return is_harmless_program(wanted.argv)


def is_harmless_program(argv: tuple[str, ...]) -> bool:
    name, *words = argv
    options = [word for word in words if word.startswith("-") and word != "--"]
    rest = [word for word in words if not word.startswith("-")]
    match name:
        case "systemctl":
            verb, *units = rest
            ours = {"--no-pager", "--full", "--lines=10", f"--property={SHOWN}"}
            known = verb in {"status", "show", "is-active", "is-failed", "is-enabled"}
            return known and set(options) <= ours and bool(units) and not any(map(malformed, units))
        case "journalctl":
            return not rest and argv[:4] == JOURNAL and options[-1].startswith("--unit=")
        case "ps":
            return argv == PS
        case "ip":
            fine = rest[0] in {"address", "link", "route"} and rest[1] == "show" and rest[2:3] in ([], ["dev"])
            return fine and set(options) <= {"-br", "-brief", "-4", "-6", "-s", "-o"}
        case "ss" | "free" | "uptime":
            return not rest and not any(sign in "".join(options) for sign in "KDFrNEc")
        case "df" | "ls" | "stat":
            return all(path.startswith("/") and ".." not in path.split("/") for path in rest) and "R" not in "".join(
                options
            )
    return False
