"""opsagent on a test host, installed as a user installs it: once per test run, the other hosts start from that disk."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsagent.interfaces import client
from tests.host.harness import TREE, Disk, Host

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = "/usr/src/opsagent"
CACHE = TREE / ".cache"
LOCK = TREE / "packaging" / "requirements.lock"
MADE = ("./.git", "./.venv", "./.cache", "./.pytest_cache", "./.ruff_cache", "./.mypy_cache", "./.hypothesis")
MADE += ("./build", "./dist")
SYSTEM_PYTHON = "/usr/bin/python3"


@contextlib.contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """Let one process after the other do something."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@functools.cache
def wheels() -> Path:
    """Return a folder with all that pip needs to install opsagent offline; made once per lock of the dependencies."""
    project = tomllib.loads((TREE / "pyproject.toml").read_text())
    needed = [*project["build-system"]["requires"], "wheel", "pip"]
    version = subprocess.run([SYSTEM_PYTHON, "--version"], capture_output=True, text=True, check=True).stdout
    folder = (
        CACHE / f"wheels-{hashlib.sha256((version + ' '.join(needed) + LOCK.read_text()).encode()).hexdigest()[:12]}"
    )
    with one_at_a_time("wheels"):
        return wheels_in(folder, needed)


def wheels_in(folder: Path, needed: list[str]) -> Path:
    """Fetch them unless they are there."""
    if not folder.exists():
        maker = Path(tempfile.mkdtemp(dir=CACHE))
        maker.chmod(0o755)
        subprocess.run([SYSTEM_PYTHON, TREE / "scripts" / "environment.py", maker / "venv", "wheel"], check=True)
        pip = [maker / "venv" / "bin" / "python", "-m", "pip", "download", "-qq", "--dest", maker / "wheels"]
        subprocess.run([*pip, *needed], check=True)
        published = ["--only-binary", ":all:", "--no-binary", "drain3"]  # one of them as source alone
        subprocess.run([*pip, "--no-deps", *published, "--require-hashes", "-r", LOCK], check=True)
        shutil.rmtree(maker / "venv")
        with contextlib.suppress(OSError):  # another run was faster
            maker.rename(folder)
    return folder / "wheels"


def copy_tree(host: Host, to: str = SOURCE) -> None:
    """Put a clean copy of the work tree into the host, as it is now and without what was made in it."""
    without = " ".join(f"--exclude={name}" for name in (*MADE, "__pycache__"))
    host.run(["mkdir", "-p", to])
    host.run(["sh", "-c", f"tar -C {TREE} {without} -cf - . | tar -C {to} -xf -"])


def make(host: Host, target: str, **environment: str) -> str:
    """Run one target of the Makefile in the host's copy, offline; return what it said."""
    given = [f"{name}={value}" for name, value in environment.items()]
    return host.run(["env", *given, "make", "-s", "-C", SOURCE, target, f"WHEELS={wheels()}"], timeout=300).stdout


def asked(host: Host, kind: str, **words: str) -> Any:
    """Return what `opsagent KIND --json` would say, without starting a program; wait for a daemon that answers."""
    found: list[Any] = []

    def answered() -> bool:
        with contextlib.suppress(client.DownError, client.NoAnswerError):
            path = Path(f"/proc/{host.pid}/root/run/opsagent/control.sock")
            found.append(client.ask(path, {"v": 1, "kind": kind, **words})["data"])
        return bool(found)

    host.wait_for(answered, within=20, what="the daemon to answer")
    return found[0]


def keep(host: Host, path: Path) -> None:
    """Keep what pip installed, for the next test run."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    root = Path(f"/proc/{host.pid}/root")
    argv = ["tar", "-C", root / "opt", "--exclude=opsagent/share", "-cf", draft, "opsagent"]
    subprocess.run(argv, check=True)
    draft.rename(path)


@functools.cache
def template() -> Disk:
    """Return the disk of a host with opsagent installed: made by the first process of a test run that wants it.

    It goes away with that process, and none of a run ends before all are done.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return installed_disk()
    note = CACHE / f"template-{run}"
    with one_at_a_time("template"):
        if note.exists():
            keeper, _, folder = note.read_text().partition(" ")
            return Disk(keeper=int(keeper), folder=Path(folder))
        disk = installed_disk()
        note.write_text(f"{disk.keeper} {disk.folder}")
        atexit.register(note.unlink)
        return disk


def installed_disk() -> Disk:
    """Install as a user does, and keep the disk."""
    host = Host.up("template")
    copy_tree(host)
    kept = wheels().parent / "opt.tar"
    if kept.exists():  # the dependencies of an earlier run: what remains to install is opsagent itself
        host.run(["tar", "-C", "/opt", "-xf", str(kept)])
    make(host, "install")
    if not kept.exists():
        keep(host, kept)
    # Nothing of how it was made shows on the hosts that start from it.
    host.run(["sh", "-c", "rm -rf /var/log/journal/*; sync"])
    return host.power_off()
