"""Real Debian hosts for tests: systemd as PID 1, journald, D-Bus and polkit, booted in about half a second.

A host is this machine's file system with a throw-away disk over it, in namespaces of its own: processes, mounts,
network (loopback only), names, cgroups and uptime. What a test does to it, no other host and not the machine ever
sees. It lives as long as the test process that booted it, and never longer.
"""

from __future__ import annotations

import atexit
import itertools
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HERE = Path(__file__).parent
TREE = HERE.parent.parent
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NEEDED = ("unshare", "nsenter", "setpriv", "ip", "systemctl", "dbus-daemon", "bash")
SOON, REST = 0.02, 3
"""Between two looks so many seconds pass, or so many times as long as a look took: most start a program."""
PATIENCE = 4
"""Bounds are those of an idle machine; one that is busy gets so many times as long."""
_numbers = itertools.count(1)
_up: set[Host] = set()


@atexit.register
def _down_with_all() -> None:
    """End in good order what is still up; the keepers would see to it, but not before this process is gone."""
    for host in tuple(_up):
        host.down()


class HostError(Exception):
    """A host could not be booted, or a command in it did not do what was asked."""


def missing() -> str:
    """Say what this machine lacks to boot hosts, "" when nothing."""
    if os.geteuid() != 0:
        return "cannot boot test hosts: root is needed, run the tests as root"
    lacking = [program for program in NEEDED if shutil.which(program, path=PATH) is None]
    lacking += [] if Path("/lib/systemd/systemd").exists() else ["systemd"]
    lacking += [] if Path("/usr/lib/polkit-1/polkitd").exists() else ["polkitd"]
    return f"cannot boot test hosts: this machine lacks {', '.join(lacking)}" if lacking else ""


@dataclass(frozen=True)
class Disk:
    """What a host that is powered off has written, for other hosts to be laid over, also those of other processes."""

    keeper: int
    """The process whose mount namespace holds it."""
    folder: Path


class Host:
    """One booted host. Make it with `Host.up`, end it with `down`."""

    def __init__(self, name: str, layer: Disk | None) -> None:
        """Give the host its name on this machine and start its keeper; it is not booted yet."""
        self.name = f"{name}-{os.getpid()}-{next(_numbers)}"
        self.pid = 0
        self._kernel_log = False
        self._disk = Path(tempfile.mkdtemp(prefix=f"test-host-{self.name}-"))
        inside = ["nsenter", "-t", str(layer.keeper), "-m", "--"] if layer else []
        lower = f"{layer.folder}/upper:" if layer else ""
        keeper = [
            "bash",
            str(HERE / "keeper.sh"),
            f"test-host-{self.name}",
            str(self._disk),
            str(HERE),
            lower,
            str(TREE),
        ]
        _up.add(self)
        self._keeper = subprocess.Popen(
            [*inside, "unshare", "--mount", "--propagation", "private", *keeper],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @classmethod
    def up(
        cls,
        name: str = "host",
        *,
        uptime: int = 3600,
        installed: bool = False,
        kernel_log: bool = False,
        layer: Disk | None = None,
    ) -> Self:
        """Boot a fresh host that says it has been up for `uptime` seconds.

        With `installed` opsagent is on it, as `make install` leaves it: not started, nothing armed.
        With `kernel_log` it reads, and writes, the kernel's log: the one log that all hosts and the machine share.
        With `layer`, the disk of a host that is powered off, it begins with that.
        """
        if installed:
            from tests.host.installed import template  # noqa: PLC0415 - it stands on this module

            layer = template()
        if lack := missing():
            raise HostError(lack)
        host = cls(name, layer)
        host._kernel_log = kernel_log
        try:
            host._boot(uptime)
        except BaseException:
            host.down()
            raise
        return host

    @property
    def keeper(self) -> int:
        """The process whose mount namespace holds the disk."""
        return self._keeper.pid

    def _tell(self, command: str) -> str:
        """Give the keeper a command and return its answer."""
        if self._keeper.stdin is None or self._keeper.stdout is None or self._keeper.poll() is not None:
            raise HostError(f"cannot {command} {self.name}: its keeper is gone")
        self._keeper.stdin.write(command + "\n")
        self._keeper.stdin.flush()
        answered, _, _ = select.select([self._keeper.stdout], [], [], 20)
        return self._keeper.stdout.readline().strip() if answered else ""

    def _boot(self, uptime: int) -> None:
        answer = self._tell(f"boot {uptime} {'kernel-log' if self._kernel_log else ''}")
        if not answer.startswith("pid "):
            raise HostError(f"cannot boot {self.name}: {answer or self.console()}")
        self.pid = int(answer.removeprefix("pid "))
        self.wait_for(lambda: Path(f"/proc/{self.pid}/root/run/systemd/private").exists(), within=20, what="systemd")
        state = self.run(["systemctl", "is-system-running", "--wait"], check=False, timeout=60).stdout.strip()
        if state != "running":
            failed = self.run(["systemctl", "list-units", "--failed", "--plain", "--no-legend"], check=False).stdout
            raise HostError(f"cannot boot {self.name}: it is {state}: {failed}{self.console()}")

    def console(self) -> str:
        """Return what the boot printed, for the reader of a failed test."""
        path = Path(f"/proc/{self.keeper}/root{self._disk}/console")
        return path.read_text(errors="replace") if path.exists() else ""

    def command(self, argv: Sequence[str], *, user: str | None = None) -> list[str]:
        """Return the argv that runs `argv` inside, as root or `user`; it dies with the program that started it."""
        who = ["--reuid", user, "--regid", self.run(["id", "-g", user]).stdout.strip(), "--init-groups"] if user else []
        enter = ["nsenter", "--all", "--target", str(self.pid), "--wdns=/"]
        home = f"/home/{user}" if user else "/root"
        clean = ["env", "-i", f"PATH={PATH}", "LANG=C.UTF-8", f"HOME={home}"]
        # as in the boot: nothing in a host may ever set the clock of the machine
        return [*enter, "setpriv", "--bounding-set=-sys_time", "--pdeathsig", "KILL", *who, "--", *clean, *argv]

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        timeout: float = 30 * PATIENCE,
        user: str | None = None,
        stdin: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside and return what it printed; a HostError if it takes over `timeout` seconds.

        So is an exit code other than 0, if `check`.
        """
        # The clock runs inside: killed from outside, the command would stay in the host as a zombie.
        bounded = self.command(["timeout", "--signal=KILL", f"{timeout:g}", *argv], user=user)
        began = time.monotonic()
        done = subprocess.run(bounded, input=stdin, capture_output=True, text=True, errors="replace", check=False)
        if time.monotonic() - began >= timeout:
            raise HostError(
                f"{list(argv)} in {self.name} took over {timeout:g} s: {done.stdout[-500:]}{done.stderr[-500:]}"
            )
        if check and done.returncode != 0:
            raise HostError(f"{list(argv)} in {self.name} exited {done.returncode}: {done.stderr or done.stdout}")
        return done

    def spawn(self, argv: Sequence[str], *, user: str | None = None) -> subprocess.Popen[str]:
        """Start a command inside that runs beside the test; it dies with the host at the latest."""
        return subprocess.Popen(
            self.command(argv, user=user),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file inside, as root, with the folders it needs."""
        script = 'mkdir -p "${1%/*}" && cat >"$1" && chmod "$2" "$1"'
        self.run(["sh", "-c", script, "sh", path, f"{mode:o}"], stdin=text)

    def read(self, path: str) -> str:
        """Return a file's text."""
        return self.run(["cat", path]).stdout

    def unit(self, name: str, text: str) -> None:
        """Write a unit file and have systemd read it."""
        self.write(f"/etc/systemd/system/{name}", text)
        self.run(["systemctl", "daemon-reload"])

    def show(self, unit: str, name: str) -> str:
        """Return one property of a unit, as systemd says it."""
        return self.run(["systemctl", "show", "--value", "-p", name, "--", unit]).stdout.strip()

    def wait_for(self, condition: Callable[[], object], *, within: float, what: str) -> None:
        """Look again and again until the condition holds; HostError after `within` seconds of an idle machine."""
        begun = looked = time.monotonic()
        while not condition():
            if time.monotonic() - begun > within * PATIENCE:
                raise HostError(f"{self.name}: waited {within * PATIENCE:g} s in vain for {what}")
            time.sleep(max(SOON, REST * (time.monotonic() - looked)))
            looked = time.monotonic()

    def reboot(self, *, uptime: int = 0, clean: bool = False) -> None:
        """Boot the same disk again after a power cut, or after an orderly shutdown if `clean`."""
        if clean:
            process = self.pid
            os.kill(process, signal.SIGRTMIN + 4)  # systemd's own "power off"
            self.wait_for(lambda: not Path(f"/proc/{process}").exists(), within=100, what="the shutdown")
        self._tell("off")
        self._boot(uptime)

    def power_off(self) -> Disk:
        """Cut the power and keep the disk, for other hosts to be laid over."""
        self._tell("off")
        self.pid = 0
        return Disk(keeper=self.keeper, folder=self._disk)

    def down(self) -> None:
        """Power it off; everything it was and wrote is gone. Harmless when repeated."""
        _up.discard(self)
        self.pid = 0
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()
        self._keeper.wait(timeout=30)
        if self._keeper.stdout is not None:
            self._keeper.stdout.close()
