"""opsagent on a test host, installed as a user installs it: once per test run, the other hosts start from that disk."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

from tests.host.harness import TREE, Host

SOURCE = "/usr/src/opsagent"
CACHE = TREE / ".cache"
LOCK = TREE / "packaging" / "requirements.lock"
MADE = ("./.git", "./.venv", "./.cache", "./.pytest_cache", "./.ruff_cache", "./.mypy_cache", "./.hypothesis")
MADE += ("./build", "./dist")
SYSTEM_PYTHON = "/usr/bin/python3"


@functools.cache
def wheels() -> Path:
    """Return a folder with all that pip needs to install opsagent offline; made once per lock of the dependencies."""
    project = tomllib.loads((TREE / "pyproject.toml").read_text())
    needed = [*project["build-system"]["requires"], "wheel", "pip"]
    version = subprocess.run([SYSTEM_PYTHON, "--version"], capture_output=True, text=True, check=True).stdout
    folder = (
        CACHE / f"wheels-{hashlib.sha256((version + ' '.join(needed) + LOCK.read_text()).encode()).hexdigest()[:12]}"
    )
    if not folder.exists():
        CACHE.mkdir(exist_ok=True)
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


def make(host: Host, target: str) -> str:
    """Run one target of the Makefile in the host's copy, offline; return what it said."""
    return host.run(["make", "-s", "-C", SOURCE, target, f"WHEELS={wheels()}"], timeout=120).stdout


def keep(host: Host, path: Path) -> None:
    """Keep what pip installed, for the next test run."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    root = Path(f"/proc/{host.pid}/root")
    argv = ["tar", "-C", root / "opt", "--exclude=opsagent/share", "-cf", draft, "opsagent"]
    subprocess.run(argv, check=True)
    draft.rename(path)


@functools.cache
def template() -> Host:
    """Return a powered-off host with opsagent installed; it goes away with the test process."""
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
    host.power_off()
    return host
