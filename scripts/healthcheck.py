#!/usr/bin/python3 -I
"""Is the watcher itself alive? If not: look at the host, spool a finding, tell someone. Standard library only."""

import hmac
import http.client
import json
import os
import signal
import smtplib
import ssl
import subprocess
import sys
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TROUBLE = (OSError, ValueError, LookupError, TypeError, http.client.HTTPException, KeyboardInterrupt)  # last: the alarm


def read(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError, TypeError):
        return dict(json.loads(path.read_text(encoding="utf-8")))
    return {}


def write(path: Path, content: dict[str, Any]) -> None:
    (beside := path.with_name(f".{path.name}.new")).unlink(missing_ok=True)
    with beside.open("xb", buffering=0) as file:  # new, or not at all: a group may plant a link or a pipe there
        file.write(json.dumps(content).encode())
        os.fsync(file.fileno())
    beside.replace(path)


def systemctl(*arguments: str) -> list[str]:
    argv = ["/usr/bin/timeout", "10", "/usr/bin/systemctl", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.splitlines()


def tried(seconds: int, *looks: Any) -> list[str]:
    """Call each (function, name, more …) within its time; return what went wrong, by name."""
    wrong = []
    for look, name, *more in looks:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            look(name, *more)
        except TROUBLE as error:
            wrong.append(f"{name}: {' '.join(str(error).split()) or f'no answer in {seconds} s'}")
    signal.setitimer(signal.ITIMER_REAL, 0)
    return wrong


def ask(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> None:
    """GET, or POST a body: no redirects, no proxies, certificates verified; 300 and above is a ValueError."""
    parts, kinds = urlsplit(url), {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    connection = kinds[parts.scheme](parts.hostname or "", parts.port, timeout=5)
    connection.request("POST" if body else "GET", f"{parts.path or '/'}?{parts.query}".rstrip("?"), body, headers or {})
    if (status := connection.getresponse().status) >= http.client.MULTIPLE_CHOICES:
        raise ValueError(f"answered {status}")


def room(what: str) -> None:
    """Raise a ValueError when the memory, or the file system of a path, has less than 5 % left."""
    rows = dict(row.split(":") for row in Path("/proc/meminfo").read_text("ascii").splitlines())
    left, whole = (int(rows[name].split()[0]) for name in ("MemAvailable", "MemTotal"))
    if what != "memory":
        left, whole = os.statvfs(what).f_bavail, os.statvfs(what).f_blocks
    if left < whole * 0.05:
        raise ValueError(f"{100 * left / whole:.0f} % left")


def findings(watch: dict[str, Any]) -> list[str]:
    """Return what is wrong with what the daemon watched. Ports are read, not connected to."""
    units = [str(unit) for unit in watch.get("units", [])]
    states = zip(units, systemctl("is-active", "--", *units) if units else [], strict=False)
    found = [f"unit {unit} is {state}" for unit, state in states if state not in {"active", "reloading"}]
    rows = [row.split() for kind in ("tcp", "tcp6") for row in Path("/proc/net", kind).read_text("ascii").splitlines()]
    listening = {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A"}
    found += [f"nothing listens on port {port}" for port in watch.get("ports", []) if port not in listening]
    spaces, urls = ["memory", *watch.get("paths", [])], watch.get("urls", [])[:20]
    return found + tried(3, *((room, space) for space in spaces), *((ask, url) for url in urls))


def post(name: str, ways: dict[str, Any], told: dict[str, Any]) -> None:
    body, headers = json.dumps(told).encode(), {"Content-Type": "application/json", "Idempotency-Key": told["key"]}
    if ways.get("secret_file"):
        secret, stamp = Path(ways["secret_file"]).read_bytes().strip(), b"%d" % datetime.now(UTC).timestamp()
        seal = hmac.digest(secret, stamp + b"." + body, "sha256").hex()
        headers["X-Opsagent-Signature"] = f"t={stamp.decode()},v1={seal}"
    ask(ways[name], body, headers)


def mail(name: str, ways: dict[str, Any], told: dict[str, Any]) -> None:
    """Send a mail; `tls` is starttls (verified, the default), tls (verified) or none."""
    letter, way, verified = EmailMessage(), ways[name], ssl.create_default_context()
    letter["From"], letter["To"] = way["from"], ", ".join(way["to"])
    letter["Subject"] = f"{told['host']}: opsagent is down"
    letter.set_content(told["reason"])
    to, tls = (way["host"], way.get("port", 587)), way.get("tls", "starttls")
    with smtplib.SMTP_SSL(*to, context=verified) if tls == "tls" else smtplib.SMTP(*to) as relay:
        if tls == "starttls":
            relay.starttls(context=verified)
        if way.get("user"):
            relay.login(way["user"], Path(way["password_file"]).read_text(encoding="utf-8").strip())
        relay.send_message(letter)


def outage(state: Path, since: str, reason: str) -> str:
    """Look, spool and tell, each once per outage and again only where it failed; return the story."""
    known, watch = read(state / "healthcheck.json"), read(state / "watch.json")
    if known.get("since") != since:
        known = {"since": since, "findings": [reason, *findings(watch)], "done": []}
    ways, at, host = watch.get("tell") or {}, datetime.now(UTC).isoformat(), os.uname().nodename
    key, story = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{host}/{since}")), "; ".join(known["findings"])
    told = {"v": 1, "event": "watcher_down", "incident": None, "reason": story, "as_of": at, "host": host, "key": key}
    finding = {"v": 1, "kind": "healthcheck", "at": at, "by": "healthcheck", "findings": known["findings"]}
    todo: dict[str, Any] = {"spool": (write, state / "spool" / f"{key}.json", finding)}
    todo |= {name: (send, name, ways, told) for name, send in (("webhook", post), ("smtp", mail)) if ways.get(name)}
    wrong = {name: tried(20, look) for name, look in todo.items() if name not in known["done"]}
    known["done"] += [name for name, trouble in wrong.items() if not trouble]
    wrong["record"] = tried(10, (write, state / "healthcheck.json", known))
    return "; ".join([story, *(f"cannot tell: {line}" for lines in wrong.values() for line in lines)])


def main() -> int:
    state, given_up, silent = Path(os.environ.get("STATE_DIRECTORY", "/var/lib/opsagent")), sys.argv[1:], float("inf")
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    unit = dict(row.split("=", 1) for row in systemctl("show", "-pSubState,Result", "opsagent.service"))
    seen, since = (unit.get("SubState"), unit.get("Result")), str(read(state / "heartbeat.json").get("fast_loop_at"))
    with suppress(ValueError, TypeError):
        silent = abs((datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds())
    how = f"failed ({seen[1]})" if given_up else f"has not looked for {silent / 60:.0f} min"
    if not os.access(state, os.R_OK | os.X_OK):
        code, story = 3, f"cannot read {state}"
    elif seen == ("dead", "success") or (given_up and seen[0] == "auto-restart"):
        code, story = 1, f"opsagent is {seen[0]} ({seen[1]}); nobody is told"
    elif not given_up and silent <= max(300, 3 * read(state / "watch.json").get("fast_loop_seconds", 60)):
        code, story = 0, f"opsagent looked {silent:.0f} s ago"
        (state / "healthcheck.json").unlink(missing_ok=True)
    else:
        code, story = 2, outage(state, since, f"opsagent {how}".replace("for inf min", "yet"))
    print(("OK", "WARNING", "CRITICAL", "UNKNOWN")[code], "-", story)
    return code


raise SystemExit(main())
