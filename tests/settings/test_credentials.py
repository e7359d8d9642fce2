from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opsagent.settings.credentials import secrets_of, unreadable
from opsagent.settings.tree import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.settings import Settings

    Read = Callable[..., Settings]
    Problems = Callable[..., list[str]]


def secrets(text: str) -> tuple[str, ...]:
    root, problems = parse("f", text)
    assert problems == []
    return secrets_of(root)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("mailto://ada:hunter2-and-more@mail.example.org/?to=bob@example.org", ("hunter2-and-more",)),
        ("mailto://ada:pass%21word%21@mail.example.org", ("pass%21word%21", "pass!word!")),
        ("mailto://mail.example.org?user=ada&pass=pass-word", ("pass-word",)),
        ("tgram://123456789:AAF-abcdefghijklmnop/4242", ("123456789:AAF-abcdefghijklmnop",)),
        ("https://hc.example/ping/3c1f0f5e-aaaa-bbbb", ("3c1f0f5e-aaaa-bbbb",)),
        ("https://hooks.example/hook?token=abcdefgh", ("abcdefgh",)),
        ("http://127.0.0.1:9009/hook", ()),
        ("https://www.example.org/health", ()),
        ("http://[broken", ()),
    ],
)
def test_passwords_and_tokens_of_an_address_are_known(url: str, found: tuple[str, ...]) -> None:
    assert secrets(f"notifiers: [{{name: a, kind: apprise, url: '{url}'}}]") == found
    assert secrets(f"notifiers: [{{name: a, kind: apprise, url: [x, '{url}']}}]") == found


def test_headers_are_secrets_with_and_without_their_scheme() -> None:
    assert secrets("checks: [{headers: {Authorization: Bearer abcdefgh12, Accept: short}}]") == (
        "Bearer abcdefgh12",
        "abcdefgh12",
    )


def test_what_secret_files_hold_is_known(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("the-signing-secret\n", encoding="utf-8")
    (tmp_path / "two").write_text("Bearer-of-the-token\n\n", encoding="utf-8")
    (tmp_path / "ca").write_text("-----BEGIN CERTIFICATE-----\n", encoding="utf-8")

    found = secrets(
        f"notifiers: [{{secret_file: {tmp_path}/one, ca_file: {tmp_path}/ca, token_file: {tmp_path}/none}}]\n"
        f"checks: [{{headers_from: {{X-Token: {tmp_path}/two}}}}]"
    )

    assert found == ("Bearer-of-the-token", "the-signing-secret")


def test_settings_carry_their_secrets_but_never_show_them(read: Read) -> None:
    settings = read("notifiers: [{name: mail, kind: apprise, url: 'mailto://ada:hunter2-and-more@mail.example.org'}]")

    assert settings.secrets == ("hunter2-and-more",)
    assert "hunter2-and-more" not in repr(settings.policy)


def test_a_file_that_is_named_and_not_there_is_told_at_its_line(problems: Problems, tmp_path: Path) -> None:
    found = problems(
        f"notifiers:\n- name: a\n  kind: webhook\n  url: 'http://127.0.0.1/'\n  secret_file: {tmp_path}/none\n"
        f"checks:\n- name: b\n  kind: http\n  url: 'http://127.0.0.1/'\n  headers_from: {{X-Token: {tmp_path}/none}}\n"
    )

    # the fixture writes the folder of the settings as nothing
    nowhere = "cannot open the file 'none': No such file or directory, allowed: a readable file"
    assert found == [f"5: {nowhere} (secret_file)", f"10: {nowhere} (headers_from)"]


def test_a_secret_that_only_the_service_may_read_is_no_mistake_of_who_looks() -> None:
    if os.geteuid() != 0:
        pytest.fail("cannot become another user without root; run the tests as root")
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        secret = Path(name) / "secret"
        secret.touch(mode=0o600)
        root, _ = parse("f", f"notifiers: [{{secret_file: {secret}}}]")
        os.seteuid(65534)
        try:
            looking, needing = (list(unreadable(root, looks_only=looks)) for looks in (True, False))
        finally:
            os.seteuid(0)

    assert looking == []
    assert [problem.text for problem in needing] == [
        f"cannot open the file '{secret}': Permission denied, allowed: a readable file (secret_file)"
    ]


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("{here}", "allowed: a regular file"),
        ("{here}/empty", "it is empty, allowed: a file with a secret in it"),
        ("token", "the daemon runs in another directory, allowed: a path from /"),
    ],
)
def test_a_file_that_can_hold_no_secret_is_refused(problems: Problems, tmp_path: Path, name: str, allowed: str) -> None:
    (tmp_path / "empty").touch()
    name = name.format(here=tmp_path)

    [problem] = problems(f"notifiers: [{{name: a, kind: webhook, url: 'http://127.0.0.1/', secret_file: '{name}'}}]")

    assert problem.endswith(f": {allowed} (secret_file)")
