"""The text of the units that are made from the settings. Pure: what is written, root alone writes.

A unit file is a program of root's. So every word of the settings is quoted, and `%` and `$` mean nothing in it.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from opsagent.core.reclaim import arguments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from opsagent.core.acts import Act
    from opsagent.core.reclaim import Reclaim

MARK = "# Made by `opsagent install --refresh` from the settings; do not edit."
TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - others' files lie there, not ours; a private one would hide them
SANDBOX = """\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
DevicePolicy=closed
ProtectHostname=yes
ProtectClock=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
IPAddressDeny=link-local multicast
"""


def quoted(words: Sequence[str]) -> str:
    """Return words as systemd reads them: each itself, whatever signs are in it."""
    return " ".join(f'"{_escaped(word).replace("$", "$$")}"' for word in words)


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")


def paths(key: str, directories: Iterable[str]) -> str:
    """Return a line for each directory; one that is not there must not keep the unit from starting."""
    return "".join(f'{key}="-{_escaped(directory)}"\n' for directory in directories)


def seconds(span: timedelta) -> str:
    """Return a span as systemd reads it."""
    return f"{span.total_seconds():g}s"


def act(one: Act) -> str:
    """Return the unit of an act. How often it may run is counted by opsagent: systemd's own limit would hide why."""
    return "\n".join([MARK, *_unit(one), "", "[Service]", *_service(one), ""])


def _unit(one: Act) -> list[str]:
    first = f"opsagent-backup-{one.backup_first}.service" if one.backup_first else ""
    before = [f"Requires={first}", f"After={first}"] if first else []
    return ["[Unit]", f"Description=opsagent act: {one.name}", "StartLimitIntervalSec=0", *before]


def _service(one: Act) -> list[str]:
    lines = [
        "Type=oneshot",
        f"ExecStart={quoted(one.command)}",
        f"TimeoutStartSec={seconds(one.timeout)}",
        "TimeoutStopSec=10s",
        "UMask=0077",
    ]
    return lines if not one.sandbox else [*lines, *_closed(one)]


def _closed(one: Act) -> list[str]:
    """As much of root as the settings ask for, and nothing of it where they ask for none.

    What it may write it may write whoever owns it: a root without rights is a stranger in the directories of others.
    """
    kept = " ".join(dict.fromkeys((*one.capabilities, *(("CAP_DAC_OVERRIDE",) if one.writes else ()))))
    calls = ["@system-service"] if one.capabilities else ["@system-service", "~@privileged @resources"]
    filters = [f"SystemCallFilter={call}" for call in calls]
    writable = paths("ReadWritePaths", one.writes).splitlines()
    return [f"CapabilityBoundingSet={kept}", *writable, *SANDBOX.splitlines(), *filters]


def reclaim(wanted: Reclaim, spared: Sequence[str], python: str) -> str:
    """Return the unit of the remedy `reclaim`: what it may take away stands in its command, where root can read it.

    It sees the host as it is, but can change nothing outside the directories that are named.
    """
    command = quoted([python, "-I", "-m", "opsagent.acts.reclaim", *arguments(wanted, spared)])
    writes = [one.path for one in wanted.directories]
    writes += ["/var/cache/apt/archives"] if wanted.apt_cache else []
    writes += ["/var/log/journal", "/run/log/journal"] if wanted.journal is not None else []
    shared = any(PurePosixPath(one).is_relative_to(above) for one in writes for above in TEMPORARY)
    fence = [line for line in SANDBOX.splitlines() if not (shared and line.startswith("PrivateTmp="))]
    lines = [
        *("[Unit]", "Description=opsagent act: reclaim", "StartLimitIntervalSec=0", ""),
        *("[Service]", "Type=oneshot", f"ExecStart={command}"),
        f"TimeoutStartSec={seconds(wanted.timeout * 1.1 + timedelta(seconds=5))}",
        *("TimeoutStopSec=10s", "UMask=0077", "RuntimeDirectory=opsagent-acts", "RuntimeDirectoryPreserve=yes"),
        # to look into and change the directories of others, and to see that nobody has a file open
        "CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_FOWNER CAP_LEASE",
        *paths("ReadWritePaths", writes).splitlines(),
        *fence,
        "MemoryMax=256M",
        "SystemCallFilter=@system-service",
    ]
    return "\n".join([MARK, *lines, ""])


def reader_socket(user: str) -> str:
    """Return where the reader of a user's containers listens; "" is root."""
    return f"/run/{_reader(user)}.sock"


def container_readers(names: Mapping[str, Sequence[str]], python: str) -> dict[str, str]:
    """Return the units that tell opsagent how these containers of these users are: text by unit name."""
    units = {}
    for user, containers in names.items():
        units[f"{_reader(user)}.socket"] = _reader_socket(user)
        units[f"{_reader(user)}@.service"] = _reader_service(user, containers, python)
    return units


def _reader(user: str) -> str:
    return f"opsagent-containers-{user}" if user else "opsagent-containers"


def _reader_socket(user: str) -> str:
    return f"""\
{MARK}
[Unit]
Description=opsagent asks here how the containers of {user or "root"} are

[Socket]
ListenStream={reader_socket(user)}
SocketUser=root
SocketGroup=opsagent
SocketMode=0660
RemoveOnStop=yes
Accept=yes
MaxConnections=8

[Install]
WantedBy=sockets.target
"""


def _reader_service(user: str, containers: Sequence[str], python: str) -> str:
    command = quoted([python, "-I", "-m", "opsagent.host.container_reader", *containers])
    return f"""\
{MARK}
[Unit]
Description=opsagent: how the containers of {user or "root"} are
CollectMode=inactive-or-failed

[Service]
ExecStart={command}
User={user or "root"}
StandardInput=socket
StandardOutput=socket
StandardError=journal
# a line for each look would be noise
LogLevelMax=notice
RuntimeMaxSec=15s
UMask=0077
MemoryMax=64M
TasksMax=8
CapabilityBoundingSet=
MemoryDenyWriteExecute=yes
PrivateNetwork=yes
{SANDBOX.replace("RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", "RestrictAddressFamilies=AF_UNIX")}\
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
"""
