"""Records two days of a real host's logs: `python -m tests.review.recording.record FILE.jsonl.gz`, as root.

Needs the Debian packages nginx, redis-server, postgresql and cron, and fetches sshd's. A host is booted, its services
are broken in every way of `faults.sh`, twice, and the second time `unheard_of.sh` happens too. What they wrote is taken
as it is, info and all; only the host's name is changed, and the stamps of the two runs are stretched over two days.
The times inside the texts stay as they were.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.host.harness import Host

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
DAY = timedelta(days=1)
BEGIN = datetime(2026, 11, 16, 6, 30, tzinfo=UTC)  # 07:30 in Berlin
SSHD = ("openssh-server", "openssh-client", "openssh-sftp-server", "libwrap0", "runit-helper", "ucf")
FILES = ("/var/log/nginx/error.log", "/var/log/redis/redis-server.log", "/var/log/postgresql/postgresql-15-main.log")
FIELDS = ("MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "UNIT", "_SYSTEMD_UNIT", "_TRANSPORT", "_COMM", "_PID")
_NAMES = re.compile(r"test-host-[a-z0-9-]+", re.ASCII)

Row = dict[str, Any]


def furnish(host: Host) -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["apt-get", "-qq", "download", *SSHD], cwd=folder, check=True)
        host.run(["mkdir", "-p", "/srv/debs"])
        root = Path(f"/proc/{host.pid}/root")
        for package in Path(folder).iterdir():
            (root / "srv/debs" / package.name).write_bytes(package.read_bytes())
    host.write("/opt/shop.py", (HERE / "shop.py").read_text())
    host.run(["bash", "-c", (HERE / "prepare.sh").read_text()], timeout=120)


def sizes(host: Host) -> dict[str, int]:
    return {file: len(Path(f"/proc/{host.pid}/root{file}").read_bytes()) for file in FILES}


def run(host: Host, script: str) -> None:
    host.write(f"/srv/{script}", (HERE / script).read_text())
    host.run(["bash", f"/srv/{script}"], timeout=900, check=False)


def recorded(host: Host, day: int, scripts: list[str]) -> Iterator[Row]:
    """Let a day happen, and yield what was written, in the order of its stretched stamps."""
    before, since = sizes(host), datetime.now(UTC)
    for script in scripts:
        run(host, script)
    host.run(["journalctl", "--sync"])
    until, first = datetime.now(UTC), BEGIN + day * DAY
    rows = [*_entries(host, since, until, first), *_lines(host, before, first)]
    yield from sorted(rows, key=lambda row: row["at"])


def _entries(host: Host, since: datetime, until: datetime, first: datetime) -> Iterator[Row]:
    argv = ["journalctl", "-q", "-o", "json", "--all", f"--since=@{since.timestamp():.6f}"]
    for line in host.run(argv, timeout=60).stdout.splitlines():
        entry = json.loads(line)
        at = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
        share = min((at - since) / (until - since), 0.999999)
        kept = {name: entry[name] for name in FIELDS if name in entry}
        yield {"at": _stamp(first + share * DAY), **kept}


def _lines(host: Host, before: dict[str, int], first: datetime) -> Iterator[Row]:
    """Yield the lines of files; they are spread evenly, for only some of them say when they were written."""
    for file, size in before.items():
        lines = Path(f"/proc/{host.pid}/root{file}").read_bytes()[size:].decode().splitlines()
        for number, line in enumerate(lines):
            yield {"at": _stamp(first + number / len(lines) * DAY), "file": file, "line": line}


def _stamp(at: datetime) -> int:
    return int(at.timestamp())


def main() -> None:
    host = Host.up("recorded", installed=True, kernel_log=True)
    try:
        furnish(host)
        rows = [*recorded(host, 0, ["faults.sh"]), *recorded(host, 1, ["faults.sh", "unheard_of.sh"])]
    finally:
        host.down()
    text = "".join(_NAMES.sub("web-1", json.dumps(row, ensure_ascii=False)) + "\n" for row in rows)
    with gzip.GzipFile(sys.argv[1], "wb", compresslevel=9, mtime=0) as file:
        file.write(text.encode())


if __name__ == "__main__":
    main()
