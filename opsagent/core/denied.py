"""Units that opsagent never acts on, units that hold data, and what a unit's name must look like."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

SUFFIXES = (
    "service",
    "socket",
    "device",
    "mount",
    "automount",
    "swap",
    "target",
    "path",
    "timer",
    "slice",
    "scope",
)
LONGEST_NAME = 255
"""systemd's UNIT_NAME_MAX is 256 with the closing zero."""

_NAME = re.compile(r"[A-Za-z0-9:_.\\-]+(?:@[A-Za-z0-9:_.\\-]*)?", re.ASCII)

_DENIED = (
    ("the host's message bus and init system", ("dbus", "dbus-broker", "systemd-*", "init", "emergency", "rescue")),
    ("the way in for people", ("ssh", "sshd", "ssh@*", "sshd@*", "*getty@*", "*getty", "user@*", "user-runtime-dir@*")),
    ("access control", ("polkit", "polkitd", "sssd", "sudo")),
    ("opsagent itself", ("opsagent", "opsagent-*")),
    (
        "the network",
        (
            "NetworkManager*",
            "networking",
            "network",
            "connman",
            "wicked*",
            "iwd",
            "wpa_supplicant*",
            "ifup@*",
            "dhcpcd*",
            "netplan-*",
            "ufw",
            "firewalld",
            "nftables",
            "iptables",
        ),
    ),
    (
        "other programs' life (containers, virtual machines)",
        ("docker", "containerd", "kubelet", "libvirtd", "virtqemud", "podman", "crio", "k3s*"),
    ),
    ("people's sessions", ("display-manager", "gdm*", "lightdm", "sddm")),
)
_DATA = (
    "postgres*",
    "mysql*",
    "mariadb*",
    "mongo*",
    "etcd*",
    "kafka*",
    "zookeeper*",
    "elastic*",
    "opensearch*",
    "cassandra*",
    "scylla*",
    "clickhouse*",
    "couchdb*",
    "influxd*",
    "neo4j*",
    "cockroach*",
    "tidb*",
    "rabbitmq*",
    "ceph*",
    "gluster*",
    "minio*",
    "oracle*",
    "mssql*",
    "db2*",
)


def malformed(unit: str) -> str:
    """Say why `unit` is no full name of one unit, offering the correction; "" when it is one."""
    shown = repr(unit[:60])
    if len(unit) > LONGEST_NAME:
        return f"cannot use a unit name of {len(unit)} characters, allowed: up to {LONGEST_NAME}"
    if any(sign in unit for sign in "*?["):
        return f"cannot use {shown} as a unit, name one unit without wildcards"
    if not _NAME.fullmatch(unit) or unit.startswith("-"):
        return f"cannot use {shown} as a unit, allowed: letters, digits and :_.\\-@, as in 'nginx.service'"
    stem, _, suffix = unit.rpartition(".")
    if stem.endswith("@"):
        return f"cannot use the template {shown} as a unit, name one instance, as in '{stem[:60]}one.{suffix}'"
    if not stem or suffix not in SUFFIXES:
        offer = f"{unit[:60]}.service"
        return f"cannot use {shown} as a unit, write the full name {offer!r} (or another suffix: {', '.join(SUFFIXES)})"
    return ""


def denied(unit: str) -> str:
    """Say why no remedy may ever touch `unit`; "" when one may, if its check is armed."""
    wrong = malformed(unit)
    if wrong:
        return wrong
    stem, _, suffix = unit.rpartition(".")
    if suffix != "service":
        return f"cannot act on {unit!r}, only services are ever acted on, not a {suffix}"
    for reason, patterns in _DENIED:
        if any(fnmatchcase(stem, pattern) for pattern in patterns):
            return f"cannot act on {unit!r}, it is never touched: {reason}"
    return ""


def holds_data(unit: str) -> bool:
    """Tell whether this is a data store, where a restart can cost more than an outage."""
    stem = unit.rpartition(".")[0]
    return any(fnmatchcase(stem, pattern) for pattern in _DATA)
