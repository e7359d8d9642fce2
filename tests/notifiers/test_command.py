"""A notifier command gets JSON on stdin, is never fed to a shell, and is ended at its deadline."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.core.message import Delivered, Message
from opsagent.notifiers import NotifyError
from opsagent.notifiers.command import Notifier

if TYPE_CHECKING:
    from pathlib import Path


def program(tmp_path: Path, script: str) -> str:
    path = tmp_path / "tell-me"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(stat.S_IRWXU)
    return str(path)


def test_the_message_is_on_stdin(tmp_path: Path, page: Message, now: datetime) -> None:
    tell = program(tmp_path, f"cat > {tmp_path}/got")

    delivered = Notifier(command=(tell,)).send(page, now=now)

    got = json.loads((tmp_path / "got").read_text())
    assert delivered == (Delivered(target=tell),)
    assert (got["event"], got["incident"]["id"], got["key"]) == ("page", "OPS-20261118-002", page.key)


def test_a_program_that_has_told_is_not_asked_again(tmp_path: Path, page: Message, now: datetime) -> None:
    tell = program(tmp_path, f"touch {tmp_path}/ran")

    assert Notifier(command=(tell,)).send(page, now=now, done=frozenset({tell})) == ()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 1", "exit status 1"),
        ("echo no route >&2; exit 75", "exit status 75: no route"),
        ("kill -KILL $$", "killed by signal 9"),
        ("sleep 20", "no end within 0.3 s"),
        ("printf 'a\\033[2Jb' >&2; exit 2", "exit status 2: a\\x1b[2Jb"),
    ],
)
def test_a_failure_is_tried_again_and_says_how(
    tmp_path: Path, page: Message, now: datetime, script: str, said: str
) -> None:
    notifier = Notifier(command=(program(tmp_path, script),), timeout=timedelta(milliseconds=300))

    with pytest.raises(NotifyError) as refused:
        notifier.send(page, now=now)

    assert refused.value.retryable
    assert str(refused.value).endswith(said)


def test_a_program_that_is_not_there_is_final(page: Message, now: datetime) -> None:
    with pytest.raises(NotifyError) as refused:
        Notifier(command=("/no/such/program",)).send(page, now=now)

    assert not refused.value.retryable


@pytest.mark.parametrize("command", [(), ("tell-me",), ("./tell-me",), ("",)])
def test_a_command_without_a_full_path_is_refused(command: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="full path"):
        Notifier(command=command)


def injections(marker: Path) -> list[str]:
    do = f"touch {marker}"
    forms = [
        "$({})",
        "`{}`",
        "; {}",
        "| {}",
        "&& {}",
        "|| {} ;",
        "\n{}\n",
        "& {} &",
        "'; {} #",
        '"; {} #',
        "${{IFS}}{}",
    ]
    wraps = ["{}", "a{}", "'{}'", '"{}"', "$'{}'", "\\{}", "{}\x00", "-{}", "--x={}", "%0a{}", "\r{}", "{{{}}}"]
    ends = ["", " ", "\n"]
    return [wrap.format(form.format(do)) + end for form in forms for wrap in wraps for end in ends][:240]


def test_words_in_a_message_are_never_run(tmp_path: Path, page: Message, now: datetime) -> None:
    marker = tmp_path / "marker"
    evil = injections(marker)
    # A careless receiver: it puts what it read into its own command line, quoted as a shell script should.
    tell = program(tmp_path, f'text=$(cat); printf "%s\\n" "$text" >> {tmp_path}/got')
    message = replace(page, body="\n".join(evil), title=evil[0], reason=evil[1], host=evil[2], key=evil[3])

    Notifier(command=(tell, *(text.replace("\0", "") for text in evil))).send(message, now=now)

    assert len(evil) >= 200
    assert json.loads((tmp_path / "got").read_text())["body"] == message.body
    assert not marker.exists()


def test_secrets_of_the_daemons_environment_stay_there(
    tmp_path: Path, page: Message, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "CREDENTIALS_DIRECTORY", "/run/credentials/opsagent")
    tell = program(tmp_path, f"env > {tmp_path}/got")

    Notifier(command=(tell,)).send(page, now=now)

    assert "CREDENTIALS" not in (tmp_path / "got").read_text()
