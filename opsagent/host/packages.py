"""Which package a file belongs to, and its version: dpkg's or rpm's own word, whichever keeps this host."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.core.text import visible
from opsagent.host.process import ENVIRONMENT, CannotRunError, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DATABASES = tuple(
    map(Path, ("/var/lib/dpkg/status", "/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite"))
)
TIMEOUT = timedelta(seconds=20)
KEEP = 1024 * 1024


class PackagesError(Exception):
    """The package database could not be asked; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An installed package."""

    name: str
    version: str


def owners(paths: tuple[str, ...]) -> dict[str, Package]:
    """Return the package of each of these files that has one. Asked again only once a package has changed.

    Raises PackagesError. A host without dpkg and rpm has no packages.
    """
    return _owners(paths, tuple(_stamp(path) for path in DATABASES)) if paths else {}


@lru_cache(maxsize=4)
def _owners(paths: tuple[str, ...], stamps: tuple[int, ...]) -> dict[str, Package]:
    del stamps
    if _there("dpkg-query"):
        return _of_dpkg(paths)
    return _of_rpm(paths) if _there("rpm") else {}


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _there(program: str) -> bool:
    return shutil.which(program, path=ENVIRONMENT["PATH"]) is not None


def _of_dpkg(paths: Sequence[str]) -> dict[str, Package]:
    names = {also: path for path in paths for also in _both(path)}
    listed = dict(_listed(_output(["dpkg-query", "-S", *names])))
    found = {names[also]: package for also, package in listed.items() if also in names}
    if not found:
        return {}
    wanted = sorted(set(found.values()))
    said = _output(["dpkg-query", "-W", "-f", "${binary:Package} ${Package} ${Version}\\n", *wanted])
    packages = {}
    for line in said.splitlines():
        match line.split(" "):
            case [full, name, version] if version:
                packages[full] = packages[name] = Package(name=visible(name, 100), version=visible(version, 100))
            case _:
                continue
    return {path: packages[package] for path, package in found.items() if package in packages}


def _both(path: str) -> tuple[str, str]:
    """Return the two names that a file has where /lib is a link to /usr/lib: dpkg knows only one of them."""
    return path, path.removeprefix("/usr") if path.startswith("/usr/") else f"/usr{path}"


def _listed(said: str) -> Iterator[tuple[str, str]]:
    for line in said.splitlines():
        package, colon, path = line.rpartition(": ")
        if colon and not package.startswith("diversion by "):
            yield path, package.partition(", ")[0]


def _of_rpm(paths: Sequence[str]) -> dict[str, Package]:
    """Ask for one line per file, in their order; the line of a file without a package is a sentence."""
    said = _output(["rpm", "-qf", "--qf", "%{NAME} %{VERSION}-%{RELEASE}\\n", *paths]).splitlines()
    found = {}
    for path, line in zip(paths, said, strict=False):
        match line.split(" "):
            case [name, version]:
                found[path] = Package(name=visible(name, 100), version=visible(version, 100))
            case _:
                continue
    return found


def _output(argv: list[str]) -> str:
    """Run a query. Its exit status only says that one of the files has no package."""
    try:
        done = run(argv, timeout=TIMEOUT, keep=KEEP)
    except CannotRunError as error:
        raise PackagesError(str(error)) from error
    if done.timed_out:
        raise PackagesError(f"cannot wait for {argv[0]} longer than {TIMEOUT.seconds} s")
    return done.output.decode("utf-8", "replace")
