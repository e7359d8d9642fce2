"""The words by which problems are told: what means the same, and what means nothing."""

from __future__ import annotations

SYMPTOMS = {
    "down": "down dead stop crash die fail failure outage unavailable inactive exit exited kill killed start"
    " starting started startup run running loop restart restarting missing absent stuck lost gone unreachable signal",
    "slow": "slow slowness latency timeout time-out timed hang hung hanging unresponsive respond responding response"
    " responsive answer answering lag lagging performance",
    "full": "full space enospc inode exhausted exhaustion fills filling",
    "refused": "refuse refused refusing econnrefused connect unreachable reset",
    "error": "error exception gateway unhealthy degraded 5xx corrupt corrupted corruption",
    "denied": "denied permission forbidden unauthorized unauthorised eacces",
    "expired": "expire expired expiring expiry renewal renew",
    "late": "late overdue stale missed",
}
"""Words for what is seen, each with those that mean the same; a word may mean two."""
SAME = {
    "memory": "oom ram swap leak",
    "cpu": "processor load",
    "disk": "storage filesystem partition volume",
    "database": "db",
    "postgres": "postgresql pg",
    "certificate": "cert tls ssl x509",
    "dns": "resolve resolution resolver resolving nameserver",
    "log": "journal",
    "network": "nic interface",
    "backup": "restore",
}
"""Words for what it is seen of, each with those that are taken for it."""
_WITHOUT_MEANING = """
a after an and app application are at bad be been before being but by can cannot cant check come coming connection
could critical device doe does doesnt don dont for from good has have high host how http https if in into is isnt
issue it its keep left look low many minute ms much my new no not of on one or our out over pool problem request s
second seen server service since symptom system t task tcp than that the then there this to too trouble unit up
usage use usual very warning was we what when while why will with within wont work working you your
"""
EMPTY = frozenset(_WITHOUT_MEANING.split())
"""Words that say neither."""
OF_CLASS = {
    "timeout": "slow",
    "refused": "refused down",
    "reset": "refused error",
    "status": "error",
    "output": "error",
    "protocol": "error",
    "full": "full",
    "exhausted": "full",
    "expiring": "expired",
    "dead": "down",
    "ended": "down",
    "loop": "down",
    "stuck": "down slow",
    "absent": "down",
    "late": "late",
    "missing": "late",
    "stale": "late",
    "failed": "down",
    "exit": "down",
    "signal": "down",
    "oom": "down",
    "start-limit": "down",
    "watchdog": "down slow",
}
"""What a failure class says beyond its own word."""
