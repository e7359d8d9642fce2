"""What programs say when they fail: the words of errno(3) in many languages, and of well-known servers.

A service chooses its words, so that none of them makes us surer than likely: the host's own facts do that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsagent.core.diagnosis.finding import Cause, Certainty, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.diagnosis.evidence import Evidence, Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """A pattern for one line, of which cause it speaks, and how that is said to a person."""

    cause: Cause
    pattern: re.Pattern[str]
    because: str


def _saying(cause: Cause, because: str, *words: str) -> Saying:
    return Saying(cause=cause, pattern=re.compile("|".join(words), re.IGNORECASE), because=because)


_OF_NO_MEANING = re.compile(r"Can't open PID file .{1,200} \(yet\?\) after start")
"""What systemd adds to every failed start of a service that forks."""
_VAGUE = re.compile(
    r"configuration file \S+ test failed|FATAL CONFIG FILE ERROR|^bad directive or wrong number of arguments$"
    r"|Failed to run '\S+' task",
    re.IGNORECASE,
)
"""Lines that say that something is wrong beside others that say what."""


SAYINGS = (
    _saying(
        Cause.DISK_FULL, "it could not write: no space left", r"\bENOSPC\b", r"no space left on device|disk is full$"
    ),
    _saying(Cause.DISK_FULL, "it could not write: its quota is used up", r"\bEDQUOT\b", r"disk quota exceeded"),
    _saying(
        Cause.READ_ONLY, "it could not write: the file system is read-only", r"\bEROFS\b", r"read-only file ?system"
    ),
    _saying(
        Cause.OUT_OF_MEMORY,
        "it got no memory",
        *(r"\bENOMEM\b", r"cannot allocate memory", r"\bMemoryError\b", r"java\.lang\.OutOfMemoryError"),
        *(r"\bstd::bad_alloc\b", r"heap out of memory", r"fatal error: (?:runtime: )?out of memory"),
        r"OOM command not allowed",
    ),
    _saying(
        Cause.PORT_TAKEN,
        "its port is in use",
        *(r"\bEADDRINUSE\b", r"address already in use", r"port \d+ is (?:already )?in use"),
        *(r"could not bind .{0,80}in use", r"only one usage of each socket address"),
    ),
    _saying(
        Cause.TOO_MANY_OPEN_FILES,
        "it may open no more files",
        *(r"\bE[MN]FILE\b", r"too many open files", r"worker_connections are not enough"),
    ),
    _saying(
        Cause.CERTIFICATE_EXPIRED,
        "a certificate has expired",
        *(r"certificate has expired", r"certificate (?:is )?expired", r"\bCERT_HAS_EXPIRED\b", r"x509: .{0,80}expired"),
        r"SSL_ERROR_EXPIRED_CERT",
    ),
    _saying(
        Cause.DNS,
        "a name could not be resolved",
        *(r"\bEAI_(?:AGAIN|NONAME)\b", r"temporary failure in name resolution", r"name or service not known"),
        *(r"could not resolve host", r"host not found in upstream", r"no such host", r"getaddrinfo (?:failed|E[A-Z]+)"),
        *(r"could not translate host name", r"\bUnknownHostException\b"),
    ),
    _saying(
        Cause.DEPENDENCY_DOWN,
        "something that it needs does not answer",
        *(r"\bECONNREFUSED\b", r"connection refused", r"\bETIMEDOUT\b", r"connect(?:ion)? .{0,60}timed out"),
        *(r"dial tcp .{0,80}i/o timeout", r"\bConnectTimeout", r"timeout was reached", r"timeout expired"),
        r"TimeoutError: (?:\[Errno 110\]|timed out)",
        *(r"\bEHOSTUNREACH\b", r"no route to host", r"\bENETUNREACH\b", r"network is unreachable"),
        *(r"could not connect to (?:server|redis|database)", r"can't connect to .{0,60}server", r"no live upstreams"),
        *(r"server closed the connection unexpectedly", r"database system is starting up", r"can't reach database"),
    ),
    _saying(
        Cause.PERMISSION_DENIED,
        "it was refused permission",
        *(r"\bEACCES\b", r"\bEPERM\b", r"permission denied", r"operation not permitted", r"\bPermissionError\b"),
    ),
    _saying(
        Cause.PERMISSION_DENIED,
        "the access rights of a file are not as it wants them",
        *(r"has (?:invalid|wrong|unsafe) (?:permissions|ownership)", r"has group or world access"),
        r"permissions .{0,80}are too open",
    ),
    _saying(
        Cause.MISSING_FILE,
        "a file that it needs is missing",
        *(r"\bENOENT\b", r"no such file or directory", r"\bFileNotFoundError\b"),
        *(r"\bModuleNotFoundError\b", r"cannot find module", r"cannot open shared object file"),
        r"\b(?:NoClassDefFoundError|ClassNotFoundException)\b",
    ),
    _saying(
        Cause.UNKNOWN_USER,
        "its user or group does not exist",
        *(r"no such user", r"unknown user", r"failed to determine user credentials", r"getpwnam\(.{0,60}\) failed"),
    ),
    _saying(
        Cause.BAD_CONFIGURATION,
        "its configuration is refused",
        *(
            r"configuration file \S+ test failed",
            r"bad configuration",
            r"invalid configuration",
            r"config(?:uration)? error",
        ),
        *(r"FATAL CONFIG FILE ERROR", r"bad directive or wrong number of arguments", r"unknown directive"),
        *(r"unrecognized configuration parameter", r"configuration file .{0,120}contains errors", r"bad config"),
        *(
            r"error in config",
            r"(?:cannot|failed to|could not) (?:load|parse|read) (?:the )?config\w*",
            r"config\w* invalid",
        ),
        *(r"syntax error .{0,80}\.(?:conf|cfg|ini|ya?ml|toml|json)\b", r"\[emerg\] .{0,200} in \S+:\d+"),
        *(r"\bin .{0,80}\.ya?ml\b.{0,40}line \d+", r"unknown option\b", r"unrecognized (?:option|argument)"),
        *(r"error: unrecognized arguments", r"^>>> '.{1,200}'$", r"arguments are required: -", r"key values mismatch"),
        *(r"unknown (?:keyword|variable|flag)\b", r"invalid value .{1,80} for flag", r"\bTOMLDecodeError\b"),
        *(r"yaml: (?:line \d|unmarshal)", r"\byaml\.(?:scanner|parser)\.", r"\bconfigparser\.\w+Error\b"),
    ),
    _saying(
        Cause.CRASHED,
        "it crashed",
        *(r"segmentation fault", r"\bSIGSEGV\b", r"panicked at", r"\bcore dumped\b", r"panic: runtime error"),
        *(r"double free or corruption", r"all goroutines are asleep"),
    ),
)


def of_log(evidence: Evidence) -> Iterator[Finding]:
    """Return what the unit's own lines say, the latest first: what was said last was nearest to the end."""
    vague = [bool(_VAGUE.search(line.text)) for line in evidence.log]
    for wanted in (False, True):
        for line, is_vague in reversed(tuple(zip(evidence.log, vague, strict=True))):
            if is_vague is wanted:
                yield from _of_line(line)


def _of_line(line: Line) -> Iterator[Finding]:
    if _OF_NO_MEANING.search(line.text):
        return
    for saying in SAYINGS:
        if saying.pattern.search(line.text):
            because = f"{saying.because}: {line.text.strip()}"
            yield Finding(cause=saying.cause, certainty=Certainty.LIKELY, because=because, seen=line.text)
            return
