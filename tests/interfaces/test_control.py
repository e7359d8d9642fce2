"""The control socket against real clients: other users, slow ones, loud ones, and too many at once."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.core.asking import IncidentAsked, IncidentsAsked, Question, StatusAsked
from opsagent.core.commands import Answer, Command, Note, Ping
from opsagent.core.log_row import StoreError, StoreTrouble
from opsagent.interfaces import client, control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = 65534
GROUP = "adm"
ROOT = Path(__file__).parents[2]
CLIENT = """
import json, os, sys
from pathlib import Path
from opsagent.interfaces import client
user, groups = json.loads(sys.argv[3])  # only now: the work tree may lie where nobody else may read
os.setgroups(groups)
os.setresgid(user, user, user)
os.setresuid(user, user, user)
print(json.dumps(client.ask(Path(sys.argv[1]), json.loads(sys.argv[2]))))
"""


class Daemon:
    """Answers every request and remembers it."""

    def __init__(self) -> None:
        self.asked: list[Command | Question] = []

    def ask(self, request: Command | Question) -> control.Reply:
        self.asked.append(request)
        if isinstance(request, StatusAsked):
            return {"host": "web-1"}
        if isinstance(request, Note) and request.text == "hang":
            raise TimeoutError
        if isinstance(request, IncidentsAsked):
            raise StoreError(StoreTrouble.BUSY, "cannot read the incidents: database is locked")
        return Answer(accepted=True, text="noted")


@pytest.fixture
def directory() -> Iterator[Path]:
    """A place that every user of this machine may enter."""
    path = Path(tempfile.mkdtemp(prefix="opsagent-control-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_LOOK_AT_STOP", 0.02)


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
def path(directory: Path, daemon: Daemon) -> Iterator[Path]:
    with serving(directory / "run" / "control.sock", daemon) as path:
        yield path


@contextlib.contextmanager
def serving(path: Path, daemon: Daemon, may: Callable[[Command | Question, str], bool] | None = None) -> Iterator[Path]:
    server = control.Server(path, daemon.ask, group=GROUP, **({"may": may} if may else {}))  # type: ignore[arg-type]
    server.open()
    stop = threading.Event()
    thread = threading.Thread(target=server.serve, args=(stop,))
    thread.start()
    try:
        yield path
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def ask_as(path: Path, body: dict[str, Any], *, uid: int = NOBODY, groups: tuple[int, ...] = ()) -> Any:
    argv = [sys.executable, "-c", CLIENT, str(path), json.dumps(body), json.dumps([uid, groups])]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, cwd=ROOT, timeout=30)
    return json.loads(done.stdout)


def connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(20)
    connection.connect(str(path))
    return connection


def last_line(connection: socket.socket) -> Any:
    with connection, connection.makefile("rb") as stream:
        return json.loads(stream.readline())


NOTE = {"kind": "note", "incident": "OPS-20260301-001", "text": "seen"}


def test_a_question_is_answered_with_data_and_a_command_with_what_came_of_it(path: Path) -> None:
    assert client.ask(path, {"kind": "status"}) == {"data": {"host": "web-1"}}
    assert client.ask(path, NOTE) == {"accepted": True, "text": "noted"}


def test_the_socket_is_open_to_all_and_its_directory_too(path: Path) -> None:
    assert oct(path.stat().st_mode & 0o777) == "0o666"
    assert oct(path.parent.stat().st_mode & 0o777) == "0o755"


def test_several_requests_may_come_on_one_connection(path: Path) -> None:
    with connected(path) as connection, connection.makefile("rwb") as stream:
        for _ in range(3):
            stream.write(b'{"kind": "status"}\n')
            stream.flush()

            assert json.loads(stream.readline()) == {"data": {"host": "web-1"}}


def test_another_user_may_ask_for_the_status(path: Path) -> None:
    assert ask_as(path, {"kind": "status"}) == {"data": {"host": "web-1"}}


@pytest.mark.parametrize(
    "body", [NOTE, {"kind": "show", "incident": "001"}, {"kind": "environment"}, {"kind": "changes"}]
)
def test_another_user_may_neither_change_anything_nor_see_evidence(
    path: Path, daemon: Daemon, body: dict[str, Any]
) -> None:
    answer = ask_as(path, body)

    assert answer == {"error": "cannot do this as nobody, allowed: root and members of the group adm"}
    assert daemon.asked == []


def test_another_user_may_ask_what_the_daemon_lets_that_user_ask(directory: Path, daemon: Daemon) -> None:
    ping = {"kind": "ping", "job": "backup", "state": "ok"}
    with serving(
        directory / "own.sock", daemon, lambda asked, user: isinstance(asked, Ping) and user == "nobody"
    ) as path:
        assert ask_as(path, ping)["accepted"]
        refused = ask_as(path, ping, uid=54321)
        assert refused["error"].endswith("members of the group adm, and for a job the `user` that its check names")
        assert "error" in ask_as(path, NOTE)


def test_a_member_of_the_group_may_change_and_is_named(path: Path, daemon: Daemon) -> None:
    answer = ask_as(path, NOTE, groups=(4,))

    assert answer["accepted"]
    assert [command.by for command in daemon.asked if isinstance(command, Command)] == ["nobody"]


def test_a_user_without_a_name_is_named_by_number(path: Path, daemon: Daemon) -> None:
    ask_as(path, NOTE, uid=54321, groups=(4,))

    assert [command.by for command in daemon.asked if isinstance(command, Command)] == ["uid 54321"]


def test_only_root_is_believed_about_who_asks(path: Path, daemon: Daemon) -> None:
    ask_as(path, {**NOTE, "by": "ann"}, groups=(4,))
    client.ask(path, {**NOTE, "by": "ann"})
    client.ask(path, NOTE)

    assert [command.by for command in daemon.asked if isinstance(command, Command)] == ["nobody", "ann (root)", "root"]


def test_root_sees_evidence(path: Path, daemon: Daemon) -> None:
    client.ask(path, {"kind": "show", "incident": "001"})

    assert daemon.asked == [IncidentAsked(incident="001")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "cannot read this line as JSON: JSONDecodeError"),
        (b"\xff\xfe", "cannot read this line as JSON: UnicodeDecodeError"),
        (b"[" * 60_000, "cannot read this line as JSON: RecursionError"),
        (b"[]", "allowed: a JSON object"),
        (b"", "cannot read this line as JSON"),
        (b'{"kind": "reboot"}', "cannot find a request of kind 'reboot', allowed: status"),
    ],
)
def test_nonsense_gets_an_answer_and_the_connection_stays(path: Path, line: bytes, words: str) -> None:
    with connected(path) as connection, connection.makefile("rwb") as stream:
        stream.write(line + b"\n" + b'{"kind": "status"}\n')
        stream.flush()

        assert words in json.loads(stream.readline())["error"]
        assert json.loads(stream.readline()) == {"data": {"host": "web-1"}}


def test_a_line_without_end_is_cut_off(path: Path) -> None:
    connection = connected(path)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for _ in range(200):
            connection.sendall(b"x" * 4096)

    assert last_line(connection) == {"error": "cannot read a line of more than 65536 bytes"}


def test_a_line_a_little_too_long_is_refused(path: Path) -> None:
    body = {**NOTE, "text": "x" * control.LARGEST}

    assert client.ask(path, body) == {"error": "cannot read a line of more than 65536 bytes"}


def test_a_client_that_drips_is_sent_away_although_it_never_stops(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "LINE_WITHIN", timedelta(seconds=1))
    connection, started = connected(path), time.monotonic()
    ended = threading.Event()

    def drip() -> None:
        with contextlib.suppress(OSError):
            while not ended.wait(0.05):
                connection.send(b" ")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        answer = last_line(connection)
    finally:
        ended.set()
        thread.join(5)

    assert answer == {"error": "cannot wait longer than 1 s for a whole line"}
    assert time.monotonic() - started < 5


def test_a_client_that_takes_no_answer_does_not_hold_its_thread(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "LINE_WITHIN", timedelta(seconds=1))
    monkeypatch.setattr(Daemon, "ask", lambda _, __: {"much": "x" * 4_000_000})
    with connected(path) as connection:
        connection.sendall(b'{"kind": "status"}\n')
        connection.recv(1)
        until = time.monotonic() + 10
        while any(thread.name == "control" for thread in threading.enumerate()):
            assert time.monotonic() < until
            threading.Event().wait(0.02)


def test_forty_connections_of_another_user_do_not_keep_root_out(path: Path) -> None:
    code = (
        "import os, socket, sys\n"
        "os.setgroups([]); user = int(sys.argv[2]); os.setresgid(user, user, user); os.setresuid(user, user, user)\n"
        "held = []\n"
        "for _ in range(40):\n"
        "    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM); one.connect(sys.argv[1]); held.append(one)\n"
        "held[-1].settimeout(10)\n"
        "print(held[-1].recv(999).decode(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    argv = [sys.executable, "-c", code, str(path), str(NOBODY)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crowd:
        assert crowd.stdout is not None
        assert "cannot serve more than 8 connections of nobody at once" in crowd.stdout.readline()
        assert client.ask(path, {"kind": "status"}) == {"data": {"host": "web-1"}}
        crowd.communicate("")


def test_forty_connections_of_an_operator_are_bounded_too(path: Path) -> None:
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connected(path)) for _ in range(40)]

        assert json.loads(held[-1].recv(999)) == {"error": "cannot serve more than 32 connections at once, try again"}


def test_one_connection_does_not_ask_for_ever(path: Path) -> None:
    with connected(path) as connection, connection.makefile("rwb") as stream:
        stream.write(b'{"kind": "status"}\n' * (control.MOST_REQUESTS + 1))
        stream.flush()
        lines = stream.readlines()

    assert len(lines) == control.MOST_REQUESTS + 1
    assert json.loads(lines[-1])["error"].startswith("cannot serve more than 100 requests on one connection")


def test_a_busy_daemon_is_told_of_within_the_bound(path: Path) -> None:
    answer = client.ask(path, {**NOTE, "text": "hang"})

    assert answer == {"error": "cannot answer in time: the daemon is busy, it may still carry this out"}


def test_a_log_that_cannot_be_read_now_is_said_rather_than_the_line_cut(path: Path) -> None:
    assert client.ask(path, {"kind": "incidents"}) == {"error": "cannot read the incidents: database is locked"}


def test_the_socket_of_a_killed_daemon_is_taken_over(directory: Path, daemon: Daemon) -> None:
    path = directory / "control.sock"
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(path))
    left.close()

    with serving(path, daemon):
        assert client.ask(path, {"kind": "status"}) == {"data": {"host": "web-1"}}


def test_a_file_in_the_place_of_the_socket_is_not_removed(directory: Path, daemon: Daemon) -> None:
    path = directory / "control.sock"
    path.write_text("somebody's")

    with pytest.raises(OSError, match="Address already in use"):
        control.Server(path, daemon.ask).open()

    assert path.read_text() == "somebody's"


def test_after_the_end_nobody_answers_and_the_socket_is_gone(directory: Path, daemon: Daemon) -> None:
    path = directory / "control.sock"
    with serving(path, daemon):
        pass

    assert not path.exists()
    with pytest.raises(client.DownError, match="No such file or directory"):
        client.ask(path, {"kind": "status"})


def test_stopping_does_not_wait_for_a_client_that_says_nothing(directory: Path, daemon: Daemon) -> None:
    path = directory / "control.sock"
    with serving(path, daemon):
        silent = connected(path)
        client.ask(path, {"kind": "status"})
        started = time.monotonic()

    assert time.monotonic() - started < control.LINE_WITHIN.total_seconds()
    assert silent.recv(99) == b""
    silent.close()


def test_a_path_longer_than_a_socket_address_works(directory: Path, daemon: Daemon) -> None:
    deep = directory / ("d" * 120)
    deep.mkdir()

    with serving(deep / "control.sock", daemon) as path:
        assert client.ask(path, {"kind": "status"}) == {"data": {"host": "web-1"}}


def test_a_daemon_that_is_stopped_dead_is_not_the_same_as_one_that_is_down(directory: Path) -> None:
    path = directory / "control.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as hung:
        hung.bind(str(path))
        hung.listen(1)

        with pytest.raises(client.NoAnswerError, match=r"within 0 s|within 1 s"):
            client.ask(path, {"kind": "status"}, timeout=0.5)


def test_an_answer_that_breaks_off_is_no_answer(directory: Path) -> None:
    path = directory / "control.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(1)

        def break_off() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(999)
                connection.sendall(b'{"data": ')

        thread = threading.Thread(target=break_off)
        thread.start()
        with pytest.raises(client.NoAnswerError, match="it ended the connection"):
            client.ask(path, {"kind": "status"})
        thread.join(5)


def test_the_tests_above_run_as_root() -> None:
    assert os.geteuid() == 0, "other users are tried with setpriv, which needs root"


def crowd(path: Path) -> list[socket.socket]:
    """Fill the queue of a socket that nobody serves."""
    waiting = []
    while True:
        one = socket.socket(socket.AF_UNIX)
        one.setblocking(False)
        try:
            one.connect(str(path))
        except BlockingIOError:
            one.close()
            return waiting
        waiting.append(one)


@pytest.fixture
def queue(directory: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(directory / "control.sock"))
        listener.listen(0)
        listener.settimeout(20)
        yield listener


def test_a_daemon_before_which_a_crowd_stands_is_not_taken_for_dead(directory: Path, queue: socket.socket) -> None:
    waiting = crowd(directory / "control.sock")

    with pytest.raises(client.NoAnswerError, match="no more connections now"):
        client.ask(directory / "control.sock", {"v": 1, "kind": "status"}, timeout=0.2)

    for one in waiting:
        one.close()


def test_who_stands_behind_a_crowd_gets_an_answer_in_turn(directory: Path, queue: socket.socket) -> None:
    waiting = crowd(directory / "control.sock")
    answers: list[dict[str, Any]] = []
    body = {"v": 1, "kind": "status"}
    asking = threading.Thread(target=lambda: answers.append(client.ask(directory / "control.sock", body, 20)))
    asking.start()

    for one in waiting:
        queue.accept()[0].close()
        one.close()
    ours, _ = queue.accept()
    with ours:
        assert json.loads(ours.recv(1000)) == body
        ours.sendall(b'{"data": {}}\n')
    asking.join(20)

    assert answers == [{"data": {}}]
