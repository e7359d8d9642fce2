"""The notifier `apprise`: mail, chat and telephone services by one address each; every target is tracked apart."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from opsagent.core.message import Delivered, Message, MessageKind
from opsagent.core.text import visible
from opsagent.host import process
from opsagent.notifiers import NotifyError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

# Run by path, isolated: importing apprise costs 53 MB and asyncio, which the daemon must not keep.
CHILD = Path(__file__).parent / "wire" / "apprise_child.py"
_FILE_LIMIT = 65_536
_NO = {"no", "false", "0", "off", "n", "f", "disable", "never", "deny"}
_TYPES = {
    MessageKind.PAGE: "failure",
    MessageKind.REMINDER: "failure",
    MessageKind.RECOVERY: "success",
    MessageKind.SUGGESTION: "warning",
    MessageKind.NOTICE: "warning",
    MessageKind.TEST: "info",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """Send by Apprise, which knows more than a hundred services (`mailto://`, `matrixs://`, `tgram://` …).

    Give one address per person: each is tried and tracked apart, and only those that failed are tried again.
    Certificates are always verified.

    url: one address or a list of them.
    url_file: a file with one address per line instead, so that their passwords stay out of the settings.
    ca_file: certificate authorities to trust instead of the usual ones.
    timeout: how long all targets together may take.
    """

    url: str | tuple[str, ...] = ()
    url_file: str = ""
    ca_file: str = ""
    timeout: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        """Refuse what could never work."""
        if bool(self.url) == bool(self.url_file):
            raise ValueError("cannot send: give either url or url_file")
        _named((self.url,) if isinstance(self.url, str) else self.url)

    def send(self, message: Message, *, now: datetime, done: frozenset[str] = frozenset()) -> tuple[Delivered, ...]:  # noqa: ARG002 - nothing is signed here
        """Send to each target that is not in `done`, all at once; raises NotifyError."""
        targets = {name: url for name, url in self._targets().items() if name not in done}
        if not targets:
            return ()
        answers = self._ask(targets, message)
        delivered = tuple(Delivered(target=name) for name in targets if answers.get(name, {}).get("ok") is True)
        if len(delivered) == len(targets):
            return delivered
        late = {"said": f"no answer within {self.timeout.total_seconds():g} s"}
        failed = {name: answers.get(name, late) for name in targets if name not in {d.target for d in delivered}}
        said = "; ".join(f"{name}: {_safe(str(answer.get('said')), targets)}" for name, answer in failed.items())
        again = any(answer.get("final") is not True for answer in failed.values())
        raise NotifyError(f"cannot notify {said}", retryable=again, delivered=delivered)

    def _targets(self) -> Mapping[str, str]:
        if not self.url_file:
            return _named((self.url,) if isinstance(self.url, str) else self.url)
        try:
            with Path(self.url_file).open("rb") as file:
                lines = [line.strip() for line in file.read(_FILE_LIMIT).decode().splitlines()]
            targets = _named([line for line in lines if line and not line.startswith("#")])
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise NotifyError(f"cannot use url_file {self.url_file}: {reason}", retryable=False) from error
        if not targets:
            raise NotifyError(f"cannot use url_file {self.url_file}: no address in it", retryable=False)
        return targets

    def _ask(self, targets: Mapping[str, str], message: Message) -> Mapping[str, Mapping[str, object]]:
        order = {
            "targets": targets,
            "title": visible(message.title, 300),
            "body": message.body,
            "type": _TYPES[message.kind],
            "key": message.key,
            "ca_file": self.ca_file,
        }
        argv = (sys.executable, "-I", str(CHILD))
        try:
            finished = process.run(argv, timeout=self.timeout, stdin=json.dumps(order).encode("ascii"))
        except process.CannotRunError as error:
            raise NotifyError(str(error), retryable=True) from error
        if not finished.timed_out and finished.code != 0:
            words = finished.errors.decode(errors="replace").strip().rpartition("\n")[2]
            raise NotifyError(f"cannot run apprise: {_safe(words, targets)}", retryable=True)
        answers = [json.loads(line) for line in finished.output.splitlines(keepends=True) if line.endswith(b"\n")]
        return {answer["target"]: answer for answer in answers}


def _named(urls: tuple[str, ...] | list[str]) -> Mapping[str, str]:
    # A name that stays the same when the list is reordered and tells nothing of the password in the address.
    return {f"{_scheme(url)}-{hashlib.sha256(url.encode()).hexdigest()[:8]}": url for url in urls}


def _scheme(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    if not mark or not scheme.isalnum() or not scheme.isascii():
        raise ValueError("cannot use this address: it must look like service://…, for example mailto://…")
    options = {key.lower(): value.lower() for key, value in parse_qsl(rest.partition("?")[2])}
    if options.get("verify", "yes") in _NO:
        raise ValueError(f"cannot use this {scheme} address: verify=no is not allowed, name a ca_file instead")
    return scheme.lower()


def _safe(said: str, targets: Mapping[str, str]) -> str:
    for name, url in targets.items():
        said = said.replace(url, name)
    return visible(said, 200)
