"""The Debian package on test hosts: built once per test run, from this tree and from the commit before it."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.host.harness import TREE, Host
from tests.host.installed import CACHE, wheels

if TYPE_CHECKING:
    from pathlib import Path

    from tests.host.harness import Disk

EARLIER, NOW = "0.1.0~1", "0.1.0~2"


def build(version: str, package: Path) -> Path:
    """Build the package of an `opsagent` folder, as `make deb` does, offline."""
    made = {"WHEELS": str(wheels()), "PIP": f"{sys.executable} -m pip", "DIST": str(CACHE)}
    argv = [TREE / "packaging" / "build.sh", version, package]
    done = subprocess.run(argv, env={**os.environ, **made}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return TREE / done.stdout.strip()


@functools.cache
def earlier() -> Path:
    """Return the package of the commit before this one; of this tree where the checkout has no history."""
    package = CACHE / "earlier" / "opsagent"
    script = 'rm -rf "$1" && mkdir -p "$1" && git archive HEAD~1 opsagent | tar -x -C "$1"'
    taken = subprocess.run(["sh", "-c", script, "sh", package.parent], cwd=TREE, capture_output=True, check=False)
    return build(EARLIER, package if taken.returncode == 0 and package.exists() else TREE / "opsagent")


@functools.cache
def now() -> Path:
    """Return the package of this tree."""
    return build(NOW, TREE / "opsagent")


def install(host: Host, package: Path) -> str:
    """Install or upgrade; return what dpkg said. The index of manual pages, which takes longest, is let be."""
    return dpkg(host, "--force-unsafe-io", "--install", str(package))


def dpkg(host: Host, *arguments: str) -> str:
    """Run dpkg inside and return what it said."""
    done = host.run(["dpkg", "--no-triggers", *arguments], timeout=60)
    return done.stdout + done.stderr


@functools.cache
def template() -> Disk:
    """Return the disk of a host on which the earlier package was installed."""
    host = Host.up("package")
    install(host, earlier())
    return host.power_off()
