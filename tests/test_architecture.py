"""The import rules of the house: which room may know which, and where the outside world may be touched."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
ROOMS = {
    "core": {"core"},
    "checks": {"core", "checks", "host"},
    "remedies": {"core", "remedies", "host"},
    "notifiers": {"core", "notifiers", "host"},
    "store": {"core", "store"},
    "memory": {"core", "memory"},
    "host": {"core", "host"},
    "archive": {"core", "host", "memory", "settings", "archive"},
    "backups": {"core", "host", "backups"},
    "acts": {"core", "host", "redact", "acts"},
    "settings": {"core", "settings"},
    "agent": {"core"},
    "logs": set(),
    "redact": {"redact"},
    "review": {"core", "host", "redact", "review"},
    "replay": {"core", "store", "settings", "checks", "agent", "replay"},
    "daemon": {
        *("core", "checks", "remedies", "notifiers", "store", "memory", "host", "settings", "agent", "logs", "redact"),
        "archive",
        "daemon",
    },
}
HOMES = {
    "psutil": {"checks", "host"},
    "requests": {"checks", "notifiers"},
    "urllib3": {"checks", "notifiers"},
    "apscheduler": {"daemon"},
    "structlog": {"logs", "daemon"},
    "ruamel": {"settings"},
    "pydantic": {"settings"},
    "pydantic_core": {"settings"},
    "jeepney": {"host"},
    "re2": {"redact", "checks", "review", "archive"},
    "typer": {"interfaces"},
    "click": {"interfaces"},
    "rich": {"interfaces"},
    "apprise": {"notifiers"},
    "drain3": {"review"},
}
PURE = {
    *(
        "__future__",
        "base64",
        "bisect",
        "collections",
        "dataclasses",
        "datetime",
        "enum",
        "fnmatch",
        "functools",
        "hashlib",
    ),
    *("heapq", "html", "ipaddress", "itertools", "json", "math", "operator", "re", "statistics", "string", "textwrap"),
    *("types", "typing", "unicodedata", "zoneinfo"),
}
# Only the daemon has threads, signals, sleep and the wall clock; only these start programs.
RUNS_PROGRAMS = ("host/", "checks/command.py", "remedies/command.py", "notifiers/command.py")
PROGRAMS = {"subprocess", "os.system", "os.popen", "os.fork", "os.execv", "os.execve", "os.posix_spawn", "pty"}
DAEMON_ONLY = {
    *("threading", "sched", "asyncio", "multiprocessing", "concurrent.futures", "_thread"),
    *("signal.signal", "signal.sigwait", "signal.alarm", "signal.setitimer", "signal.set_wakeup_fd"),
    *("time.sleep", "time.time", "time.time_ns", "time.localtime", "time.gmtime"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
}
# Each with the reason why this file may do what its room may not.
GRANTED: dict[tuple[str, str], str] = {
    ("checks/wire/names.py", "threading"): "getaddrinfo cannot be interrupted: it runs beside the look, bounded",
    ("checks/wire/names.py", "concurrent.futures"): "the answer of that look-up, shared by all who wait for the name",
    ("checks/wire/x509.py", "time.time"): "how long a certificate is still valid is a question to the wall clock",
    ("checks/clock.py", "time.time"): "how long ago the clock was set right is a question to the wall clock",
    (
        "checks/container.py",
        "time.time",
    ): "how often a container was restarted within ten minutes of the wall clock",
    ("checks/gauge.py", "time.time"): "peak hours, and how fast a number rises, are questions to the wall clock",
    ("checks/wire/sntp.py", "time.time"): "the clock that is compared with another is the wall clock",
    ("checks/file.py", "time.time"): "the age of a file is a question to the wall clock",
    ("checks/backup.py", "time.time"): "the age of a backup is a question to the wall clock",
    ("notifiers/wire/apprise_child.py", "os.fork"): "a program of its own, outside the daemon: one process per target",
    ("acts/keep.py", "time.time"): "how long a unit has run is a question to the wall clock",
    ("acts/restore.py", "time.gmtime"): "what is put aside is named by the time of it",
    ("acts/reclaim.py", "time.time"): "the age of a file is a question to the wall clock",
    (
        "acts/reclaim.py",
        "signal.signal",
    ): "a program of its own, outside the daemon: a lease that is broken tells by SIGIO",
    ("host/systemd.py", "threading"): "threading.local: a D-Bus connection belongs to one thread",
    ("host/systemd.py", "datetime.datetime.now"): "the default stamp of a reading; whoever decides passes a clock",
    ("host/wrapped.py", "signal.signal"): "the wrapper of a job is a program of its own, and passes signals on",
    ("interfaces/control.py", "threading"): "a small thread for each connection, so that a slow client harms nobody",
    ("interfaces/cli/checking.py", "threading"): "without the daemon a command looks with its own threads",
    ("interfaces/cli/clock.py", "datetime.datetime.now"): "the one clock of all commands",
    ("interfaces/cli/service.py", "os.execve"): "`run` becomes the daemon: one process, without the command line",
    ("interfaces/running.py", "threading"): "the HTTP door is served beside the control socket, each by a thread",
    ("interfaces/web/server.py", "threading"): "a small thread for each connection, of which there are few",
}


parsed = cache(ast.parse)


@cache
def names_used(source: str) -> tuple[tuple[int, str], ...]:
    """Return every import and every dotted use of an imported name, spelled out from its module."""
    return tuple(names_in(parsed(source)))


def names_in(tree: ast.Module) -> Iterator[tuple[int, str]]:
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                known[alias.asname or top] = alias.name if alias.asname else top
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                full = f"{'.' * node.level}{node.module or ''}.{alias.name}"
                known[alias.asname or alias.name] = full
                yield node.lineno, full
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            first, *others = dotted(node)
            yield node.lineno, ".".join([known.get(first, first), *others])


def dotted(node: ast.expr) -> tuple[str, ...]:
    """Return the names of `a.b.c`; what is asked of a result begins with ()."""
    if isinstance(node, ast.Attribute):
        return (*dotted(node.value), node.attr)
    return (node.id,) if isinstance(node, ast.Name) else ("()",)


def starts_with(name: str, prefixes: set[str]) -> str | None:
    return next((p for p in sorted(prefixes) if name == p or name.startswith(p + ".")), None)


def why_not(file: str, name: str) -> str | None:
    """Say why this file of the package may not use this name, or None."""
    room = PurePosixPath(file).parts[0].removesuffix(".py")
    top, _, rest = name.partition(".")
    other = rest.partition(".")[0]
    reasons = (
        (name.startswith("."), "relative import"),
        (is_foreign(room, top, other), f"{room} may not import {other}"),
        (room == "core" and top in sys.stdlib_module_names - PURE, "core imports only pure data types"),
        (room not in HOMES.get(top, {room}), f"{top} lives in {', '.join(sorted(HOMES.get(top, ())))}"),
        (starts_with(name, PROGRAMS) and not file.startswith(RUNS_PROGRAMS), f"only {', '.join(RUNS_PROGRAMS)}"),
        (starts_with(name, DAEMON_ONLY) and room != "daemon", "only the daemon"),
    )
    return next((why for broken, why in reasons if broken), None)


def is_foreign(room: str, top: str, other: str) -> bool:
    return top == "opsagent" and room != "interfaces" and other in {*ROOMS, "interfaces"} - ROOMS.get(room, set())


def complaints(file: str, source: str) -> list[str]:
    """Return every broken rule of one file of the package as `file:line: name: why`."""
    found = {(line, name, why_not(file, name)) for line, name in names_used(source)}
    return [
        f"{file}:{line}: {name}: {why}"
        for line, name, why in sorted((f for f in found if f[2]), key=str)
        if not any(file == granted and starts_with(name, {what}) for granted, what in GRANTED)
    ]


def too_long(file: str, source: str) -> list[str]:
    """Return the file and its functions that no longer fit on a page."""
    long = [f"{file}: {n} lines, at most 400"] if (n := source.count("\n")) > 400 else []
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            long += [f"{file}:{node.lineno}: {node.name} has {lines} lines, at most 40"] if lines > 40 else []
    return long


def sources(*folders: str) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def test_every_room_imports_only_what_it_may() -> None:
    found = [c for f, s in sources("opsagent") for c in complaints(f.removeprefix("opsagent/"), s)]

    assert found == []


def test_files_and_functions_fit_on_a_page() -> None:
    found = [line for f, s in sources("opsagent", "scripts") for line in too_long(f, s)]

    assert found == []


def test_there_is_no_room_for_leftovers() -> None:
    leftovers = {"utils", "helpers", "common", "misc", "manager", "managers", "base"}

    assert [f for f, _ in sources("opsagent") if leftovers & set(PurePosixPath(f).with_suffix("").parts)] == []


def test_every_granted_exception_is_still_needed() -> None:
    used = {(f.removeprefix("opsagent/"), n) for f, s in sources("opsagent") for _, n in names_used(s)}

    assert [g for g in GRANTED if not any(f == g[0] and starts_with(n, {g[1]}) for f, n in used)] == []


@pytest.mark.parametrize(
    ("file", "source", "reason"),
    [
        ("core/timing.py", "import time", "core imports only pure data types"),
        ("core/timing.py", "from opsagent.host import clock", "core may not import host"),
        ("agent.py", "from opsagent.checks.disk import Check", "agent may not import checks"),
        ("store/log.py", "from opsagent.memory import daily", "store may not import memory"),
        ("daemon.py", "from opsagent.interfaces import cli", "daemon may not import interfaces"),
        ("core/state.py", "import pydantic", "pydantic lives in settings"),
        ("checks/disk.py", "import subprocess", "only host/, checks/command.py"),
        ("checks/disk.py", "import os\nos.system('df')", "only host/, checks/command.py"),
        ("checks/disk.py", "import time\ntime.sleep(1)", "only the daemon"),
        ("store/log.py", "from datetime import datetime as d\nd.now()", "only the daemon"),
        ("memory/daily.py", "import datetime\ndatetime.datetime.now()", "only the daemon"),
        ("host/bus.py", "from threading import Thread", "only the daemon"),
        ("host/bus.py", "from . import systemd", "relative import"),
    ],
)
def test_a_planted_breach_is_caught(file: str, source: str, reason: str) -> None:
    assert any(reason in complaint for complaint in complaints(file, source))


def test_what_a_room_may_do_is_not_complained_about() -> None:
    assert complaints("checks/command.py", "import subprocess, time\ntime.monotonic()") == []
    assert complaints("daemon/pool.py", "import threading\nfrom opsagent.host import systemd") == []


def test_a_planted_long_function_is_caught() -> None:
    source = "def f():\n" + "    pass\n" * 40

    assert too_long("x.py", source) == ["x.py:1: f has 41 lines, at most 40"]
