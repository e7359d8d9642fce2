"""The health check of the watcher itself, run as the timer runs it: by the system's Python, as a program."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scripts.conftest import Hook, Mailbox, State

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "healthcheck.py"


def check(state: State, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run the script on a state directory; return its exit code and what it printed."""
    known = {"STATE_DIRECTORY": str(state.path), "PATH": "/usr/bin:/bin", **environment}
    argv = [str(SCRIPT), *arguments]
    done = subprocess.run(argv, env=known, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_it_is_one_page_of_standard_library() -> None:
    lines = SCRIPT.read_text().splitlines()

    assert lines[0] == "#!/usr/bin/python3 -I"
    assert len(lines) < 150
    assert os.access(SCRIPT, os.X_OK)


def test_a_fresh_heartbeat_is_fine_and_nobody_is_told(state: State, hook: Hook) -> None:
    state.heartbeat(ago=20)
    state.watch(tell={"webhook": hook.url})

    code, said = check(state)

    assert code == 0
    assert re.fullmatch(r"OK - opsagent looked [2-5]\d s ago\n", said)
    assert state.spooled() == []
    assert hook.got == []


def test_a_silent_watcher_is_told_by_webhook_and_spooled(state: State, hook: Hook) -> None:
    state.heartbeat(ago=720)
    state.watch(tell={"webhook": hook.url})

    code, said = check(state)

    assert code == 2
    assert said.startswith("CRITICAL - opsagent has not looked for 12 min")
    [(request, headers, body)] = hook.got
    told = json.loads(body)
    assert request == "POST /hook"
    assert (told["v"], told["event"], told["incident"]) == (1, "watcher_down", None)
    assert told["reason"].startswith("opsagent has not looked for 12 min")
    [finding] = state.spooled()
    assert headers["Idempotency-Key"] == told["key"]
    assert (finding["v"], finding["kind"], finding["by"]) == (1, "healthcheck", "healthcheck")
    assert finding["findings"][0] == "opsagent has not looked for 12 min"


def test_the_spooled_file_is_one_that_the_daemon_takes(state: State) -> None:
    state.heartbeat(ago=720)

    check(state)

    [file] = (state.path / "spool").iterdir()
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.json", file.name)


@pytest.mark.parametrize("plant", [os.mkfifo, lambda draft: draft.symlink_to(draft.parent.parent / "theirs")])
def test_a_link_or_a_pipe_planted_at_its_draft_is_taken_away_and_not_written_through(
    state: State, plant: Callable[[Path], None]
) -> None:
    state.heartbeat(ago=720)
    check(state)
    [finding] = (state.path / "spool").iterdir()
    draft = finding.with_name(f".{finding.name}.new")
    finding.unlink()
    (state.path / "healthcheck.json").unlink()
    (state.path / "theirs").write_text("theirs")
    plant(draft)

    _, said = check(state)

    assert "cannot tell" not in said
    assert (state.path / "theirs").read_text() == "theirs"
    assert list((state.path / "spool").iterdir()) == [finding]
    assert finding.is_file()
    assert not finding.is_symlink()


def test_one_outage_is_told_once_and_the_next_again(state: State, hook: Hook) -> None:
    state.heartbeat(ago=720)
    state.watch(tell={"webhook": hook.url})

    codes = [check(state)[0], check(state)[0]]
    assert (codes, len(hook.got), len(state.spooled())) == ([2, 2], 1, 1)

    state.heartbeat(ago=400)
    check(state)
    assert (len(hook.got), len(state.spooled())) == (2, 2)


def test_what_could_not_be_told_is_tried_again(state: State, hook: Hook) -> None:
    state.heartbeat(ago=720)
    state.watch(tell={"webhook": hook.url})
    hook.status = 503

    _, said = check(state)
    assert "cannot tell: webhook: answered 503" in said

    hook.status = 200
    check(state)
    check(state)
    assert len(hook.got) == 2
    assert hook.got[0][1]["Idempotency-Key"] == hook.got[1][1]["Idempotency-Key"]
    assert len(state.spooled()) == 1


def test_a_redirect_is_not_followed(state: State, hook: Hook) -> None:
    state.heartbeat(ago=720)
    state.watch(tell={"webhook": hook.url})
    hook.status = 302

    assert "webhook: answered 302" in check(state)[1]


def test_a_proxy_of_the_environment_is_not_used(state: State, hook: Hook) -> None:
    state.heartbeat(ago=720)
    state.watch(tell={"webhook": hook.url})

    check(state, http_proxy="http://127.0.0.1:1", HTTP_PROXY="http://127.0.0.1:1")

    assert len(hook.got) == 1


def test_the_webhook_is_signed_when_there_is_a_secret(state: State, hook: Hook, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    state.heartbeat(ago=720)
    state.watch(tell={"webhook": hook.url, "secret_file": str(tmp_path / "secret")})

    check(state)

    [(_, headers, body)] = hook.got
    stamp, seal = (part.partition("=")[2] for part in headers["X-Opsagent-Signature"].split(","))
    assert seal == hmac.new(b"s3cret", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def test_a_silent_watcher_is_told_by_mail(state: State, mailbox: Mailbox, authority: Path) -> None:
    state.heartbeat(ago=720)
    to = {"host": "127.0.0.1", "port": mailbox.port, "from": "ops@example.org", "to": ["a@example.org"]}
    state.watch(tell={"smtp": to})

    code, said = check(state, SSL_CERT_FILE=str(authority))

    assert code == 2
    assert "cannot tell" not in said
    [letter] = mailbox.letters
    assert f"Subject: {socket.gethostname()}: opsagent is down" in letter
    assert "has not looked for 12 min" in letter


def test_a_mail_server_that_cannot_prove_its_name_gets_nothing(state: State, mailbox: Mailbox, hook: Hook) -> None:
    state.heartbeat(ago=720)
    to = {"host": "127.0.0.1", "port": mailbox.port, "from": "ops@example.org", "to": ["a@example.org"]}
    state.watch(tell={"smtp": to, "webhook": hook.url})

    _, said = check(state)

    assert "cannot tell: smtp:" in said
    assert "CERTIFICATE_VERIFY_FAILED" in said
    assert mailbox.letters == []
    assert len(hook.got) == 1


def test_it_looks_at_ports_addresses_and_disks_itself(state: State, hook: Hook, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        free = socket.create_server(("127.0.0.1", 0))
        closed = free.getsockname()[1]
        free.close()
        state.heartbeat(ago=720)
        state.watch(ports=[port, closed], urls=[hook.url, "ftp://x/"], paths=["/proc", str(tmp_path / "missing")])

        _, said = check(state)

    assert f"nothing listens on port {closed}" in said
    assert str(port) not in said
    assert hook.url not in said
    assert "ftp://x/: 'ftp'" in said
    assert f"{tmp_path}/missing: [Errno 2]" in said
    assert hook.got[0][0] == "GET /hook"


def test_an_address_that_hangs_costs_three_seconds_and_is_said(state: State) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/health"
        state.heartbeat(ago=720)
        state.watch(urls=[url])

        _, said = check(state)

    assert f"{url}: no answer in 3 s" in said


@pytest.mark.parametrize("content", ["", "nonsense", "[]", '{"fast_loop_at": 7}', '{"fast_loop_at": "yesterday"}'])
def test_a_heartbeat_that_cannot_be_read_is_silence(state: State, content: str) -> None:
    (state.path / "heartbeat.json").write_text(content)

    code, said = check(state)

    assert code == 2
    assert "opsagent has not looked yet" in said


def test_a_heartbeat_from_the_future_is_silence_too(state: State) -> None:
    state.heartbeat(ago=-7200)

    assert check(state)[0] == 2


def test_a_state_directory_that_is_not_there_is_unknown(state: State) -> None:
    state.path = state.path / "nowhere"

    assert check(state) == (3, f"UNKNOWN - cannot read {state.path}\n")


def test_a_spool_that_cannot_be_written_does_not_keep_it_from_telling(state: State, hook: Hook) -> None:
    (state.path / "spool").rmdir()
    state.heartbeat(ago=720)
    state.watch(tell={"webhook": hook.url})

    _, said = check(state)

    assert len(hook.got) == 1
    assert "spool" in said.partition("cannot tell")[2]


def test_a_unit_that_failed_for_good_is_told_even_while_the_heartbeat_is_fresh(state: State, hook: Hook) -> None:
    state.heartbeat(ago=3)
    state.watch(tell={"webhook": hook.url})

    code, said = check(state, "opsagent.service")

    assert code == 2
    assert "opsagent failed" in said
    assert len(hook.got) == 1


def test_a_slow_fast_loop_is_given_three_of_its_rounds(state: State) -> None:
    state.watch(fast_loop_seconds=600)

    state.heartbeat(ago=1500)
    assert check(state)[0] == 0
    state.heartbeat(ago=1900)
    assert check(state)[0] == 2


def test_a_return_ends_the_outage(state: State) -> None:
    state.heartbeat(ago=720)
    check(state)
    state.heartbeat(ago=1)

    assert check(state)[0] == 0
    assert not (state.path / "healthcheck.json").exists()
