"""What is promised of security holds in the source, and every test that the promise names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/explanation/security.md").read_text(encoding="utf-8")
UNVERIFIED = {"_create_unverified_context", "_create_stdlib_context", "CERT_NONE"}
SIGNALS = {"kill", "killpg", "pidfd_send_signal", "send_signal", "terminate"}
NEEDS_CONTEXT = {"SMTP_SSL", "starttls", "IMAP4_SSL", "FTP_TLS", "POP3_SSL"}
# Each with the reason why it may.
SIGNALLERS = {
    "opsagent/host/process.py": "ends the group of a program of ours that it has not reaped yet",
    "opsagent/host/restic.py": "asks its one child to end, which it has not reaped yet",
    "opsagent/host/wrapped.py": "passes signals on to its one child, which it has not reaped yet",
}
UNVERIFIERS = {
    "opsagent/checks/wire/dial.py": "`insecure: true` of one check, said in each of its messages",
    "opsagent/host/health_page.py": "asks loopback once whether a page is there, and sends nothing",
}


def sources() -> Iterator[tuple[str, str]]:
    for folder in ("opsagent", "scripts"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def breaches(file: str, source: str) -> list[str]:
    """Return where a file sends signals, or trusts a server without proof."""
    found = []
    for node in ast.walk(ast.parse(source)):
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if name in UNVERIFIED and file not in UNVERIFIERS:
            found.append(f"{file}:{node.lineno}: {name}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called, keywords = node.func.attr, {keyword.arg for keyword in node.keywords}
            if called in SIGNALS and file not in SIGNALLERS:
                found.append(f"{file}:{node.lineno}: {called}")
            if called in NEEDS_CONTEXT and "context" not in keywords:
                found.append(f"{file}:{node.lineno}: {called} without a context")
    return found


def test_no_server_is_trusted_without_proof_and_no_number_of_a_process_is_signalled() -> None:
    assert [line for file, source in sources() for line in breaches(file, source)] == []


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.kill(int(text), 9)",
        "import os\nos.killpg(0, 15)",
        "import smtplib\nsmtplib.SMTP('x').starttls()",
        "import smtplib\nsmtplib.SMTP_SSL('x')",
        "import ssl\ncontext = ssl._create_unverified_context()",
        "import ssl\ncontext.verify_mode = ssl.CERT_NONE",
    ],
)
def test_a_planted_breach_is_caught(source: str) -> None:
    assert len(breaches("opsagent/notifiers/mail.py", source)) == 1


def test_every_test_that_is_named_is_there() -> None:
    named = re.findall(r"\[(\w+)\]\(\.\./\.\./(tests/[\w/]+\.py)\)", PAGE)

    assert len(named) > 40
    assert [f"{file}: {name}" for name, file in named if f"def test_{name}(" not in (ROOT / file).read_text()] == []
