"""Everything on that there is to turn on, for what it costs: settings of each feature, and what they look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.host.harness import Host

SETTINGS = """
metrics: {textfile: /var/lib/bench/opsagent.prom}
http: {listen: "127.0.0.1:9911"}
changes: {files: [/etc/bench/*.conf]}
review: {files: [/var/log/bench/*.log]}
backups:
- {name: book, kind: sqlite, database: /srv/bench/book.db, to: /var/backups/bench, at: "03:00"}
- {name: tree, kind: paths, paths: [/etc/bench], repository: /var/backups/tree, password_file: /etc/opsagent/pass}
"""
CHECKS = """
- {name: nightly, kind: job, every: 1d}
- {name: weekly, kind: job, cron: "@weekly"}
- {name: errors, kind: journal, file: "/var/log/bench/*.log"}
- {name: words, kind: journal, unit: endpoints.service, expression: "(?i)out of memory"}
- {name: door, kind: login, files: [/etc/bench/keys]}
- {name: uplink, kind: network, interface: lo, peer: "127.0.0.1:9001"}
- {name: depth, kind: gauge, command: [/usr/bin/nproc], warning: 4096}
- {name: queue, kind: gauge, url: "http://127.0.1.1:9000/health", json: up, warning: 5, every: 10s}
- {name: dump, kind: backup, path: /srv/bench/book.db, max_age: 7d}
"""
_FURNISH = """
set -e
mkdir -p /etc/bench /var/log/bench /var/lib/bench /srv/bench /var/backups/bench
chown opsagent /var/lib/bench
echo a = 1 >/etc/bench/app.conf; echo one >/etc/bench/keys; : >/var/log/bench/app.log
chmod 644 /etc/bench/* /var/log/bench/*
python3 -c 'import sqlite3; sqlite3.connect("/srv/bench/book.db").execute("create table t(a)")'
umask 077; echo of the bench >/etc/opsagent/pass
"""


def furnish(host: Host) -> None:
    """Put on the host what the features look at."""
    host.run(["sh", "-c", _FURNISH])


def begin(host: Host) -> None:
    """Do once what would else be missed: the first backups, the first sign of each job."""
    host.run(["systemctl", "start", "opsagent-backup-book.service", "opsagent-backup-tree.service"], timeout=60)
    for job in ("nightly", "weekly"):
        host.run(["opsagent", "ping", job, "ok"])
