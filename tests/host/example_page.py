"""Renew the pictures of the status page, in docs/pictures: `python -m tests.host.example_page`.

The page is what the daemon wrote on a test host with systemd, redis, nginx and two small services, after an API was
killed and billing was deployed with a broken configuration. The month before that is made up. Needs chromium.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.core.observation import Status
from opsagent.store.samples import NAME, Samples
from tests.host import example_day
from tests.host.harness import TREE, Host

if TYPE_CHECKING:
    from tests.host.scenarios.stage import Stage

PICTURES = TREE / "docs" / "pictures"
STATE = "/var/lib/opsagent"
HOUR = timedelta(hours=1)
EVERY = timedelta(minutes=1)
CHECKS = f"{example_day.CHECKS}- {{name: root-disk, kind: disk, path: /}}\n- {{name: processor, kind: cpu}}\n"
NAMES = ("redis", "web", "api", "billing", "srv-disk", "ram", "root-disk", "processor", "failed-units")
NOT_WATCHED = (timedelta(days=23), timedelta(days=24, hours=16))
"""How long ago opsagent did not run."""
TROUBLES = {
    "api": ((20 * 24 * HOUR, HOUR / 4, Status.CRITICAL), (9 * 24 * HOUR, 3 * HOUR, Status.CRITICAL)),
    "billing": ((14 * 24 * HOUR, 30 * HOUR, Status.CRITICAL),),
    "srv-disk": ((6 * 24 * HOUR, 70 * HOUR, Status.WARNING),),
    "web": ((17 * 24 * HOUR, HOUR / 90, Status.CRITICAL),),
}
"""How long ago it began, how long it lasted, and what the check said."""
BROWSER = ("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
SHOTS = (
    ("status-desk-light", 1000, 1500, "light"),
    ("status-desk-dark", 1000, 1500, "dark"),
    ("status-phone-light", 390, 1300, "light"),
    ("status-phone-dark", 390, 1300, "dark"),
)


def past(file: Path, now: datetime) -> None:
    """Write a month of looks, a minute apart."""
    begin = now - timedelta(days=31)
    samples = Samples.open(file, begin)
    for name in NAMES:
        for n in range(int((now - begin) / EVERY)):
            at = begin + n * EVERY
            if not NOT_WATCHED[0] < now - at < NOT_WATCHED[1]:
                samples.add(name, at, said(name, now - at), None, None)
        samples.flush(now)
    for _ in range(500):  # each closes two chunks
        samples.flush(now)
    samples.close()


def said(name: str, ago: timedelta) -> Status:
    """Return what a check said so long ago."""
    found = (status for began, lasted, status in TROUBLES.get(name, ()) if began - lasted < ago <= began)
    return next(found, Status.OK)


def play(stage: Stage) -> None:
    """Let the past be there, then an API be killed, and billing stay broken until somebody takes it."""
    stage.begin(CHECKS, example_day.SETTINGS)
    host = stage.host
    host.run(["systemctl", "stop", "opsagent"])
    with tempfile.TemporaryDirectory() as folder:
        past(Path(folder) / NAME, datetime.now(UTC) - timedelta(minutes=2))
        host.run(["sh", "-c", f"rm -f {STATE}/{NAME}*"])
        subprocess.run(
            host.command(["tee", f"{STATE}/{NAME}"]),
            stdin=(Path(folder) / NAME).open("rb"),
            stdout=subprocess.DEVNULL,
            check=True,
        )
    host.run(["sh", "-c", f"chown opsagent: {STATE}/{NAME}; chmod 640 {STATE}/{NAME}; systemctl start opsagent"])
    stage.good("redis", "web", "api", "billing", "srv-disk")
    example_day.killed(stage)
    example_day.filling_disk(stage)
    host.write("/etc/billing/config.yml", "currency: EUR\n")
    host.run(["systemctl", "restart", "billing"], check=False)
    paged = stage.incident("billing", lambda one: one["state"] == "paged" and len(one["actions"]) > 1, what="paged")
    host.run(["opsagent", "ack", paged["id"], "--note", "rolling back the deploy"], user="ann")
    stage.until(lambda: "Taken" in page(stage) and "repaired by opsagent" in page(stage), within=60, what="the page")


def page(stage: Stage) -> str:
    """Return the page as it is on the host now."""
    return stage.host.read(f"{example_day.MEMORY}/status.html")


def take(document: str) -> None:
    """Take the pictures. A frame is as narrow as a phone; a window of this browser is not."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "status.html").write_text(document)
        for name, width, height, scheme in SHOTS:
            frame = (
                f'<body style="margin:0"><iframe src="status.html" width="{width}" height="{height}" style="border:0">'
            )
            (Path(folder) / "frame.html").write_text(f"<!doctype html>{frame}")
            options = (
                f"--window-size={width},{height}",
                f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}",
                f"--user-data-dir={folder}/browser",
                f"--screenshot={PICTURES / name}.png",
            )
            subprocess.run([*BROWSER, *options, f"file://{folder}/frame.html"], check=True, capture_output=True)


def main() -> int:
    """Play, look, return the exit code."""
    host = Host.up("page", installed=True)
    try:
        stage = example_day.furnished(host)
        play(stage)
        take(page(stage))
    finally:
        host.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
