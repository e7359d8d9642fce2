"""Which heading speaks of an incident: by its symptom and by what it names; none rather than a wrong one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.incident import Incident
from opsagent.core.phase import Phase
from opsagent.core.playbook.matching import best

TITLES = (
    "Redis Down",
    "Blockchain Node Not Starting",
    "API slow or timing out",
    "Disk full",
    "Connection refused",
    "Out of memory",
    "Database Connection Errors",
    "Service Not Starting",
    "TLS certificate expired",
    "High CPU usage",
    "502 Bad Gateway",
    "Checkout problems",
)


def incident(check: str, unit: str | None, failure: str, reason: str, raised_by: str = "") -> Incident:
    return Incident(
        seq=1,
        key=unit or check,
        check=check,
        checks=(check,),
        unit=unit,
        state=Phase.REPAIRING,
        failure_class=failure,
        reason=reason,
        first_bad_at=datetime(2026, 1, 1, tzinfo=UTC),
        raised_by=raised_by,
    )


@pytest.mark.parametrize(
    ("seen", "kind", "title"),
    [
        (
            incident("node", "chain-node.service", "signal", "chain-node.service failed: signal"),
            "unit",
            "Blockchain Node Not Starting",
        ),
        (
            incident("redis", "redis-server.service", "exit", "redis-server.service failed: exit-code"),
            "unit",
            "Redis Down",
        ),
        (incident("api", "api.service", "timeout", "no first byte within 3 s"), "http", "API slow or timing out"),
        (incident("root-disk", None, "full", "/ is 96 % full"), "disk", "Disk full"),
        (incident("var", None, "full", "/var has no space left"), "disk", "Disk full"),
        (incident("web", "web.service", "refused", "cannot connect: refused"), "http", "Connection refused"),
        (incident("ram", None, "high", "93 % used"), "memory", "Out of memory"),
        (incident("worker", "worker.service", "oom", "worker.service failed: oom-kill"), "unit", "Out of memory"),
        (
            incident("site", None, "expiring", "its certificate ends in 3 days"),
            "certificate",
            "TLS certificate expired",
        ),
        (incident("processor", None, "high", "97 % busy"), "cpu", "High CPU usage"),
        (incident("web", "nginx.service", "status", "answered 502, expected 200"), "http", "502 Bad Gateway"),
        (
            incident("worker", "worker.service", "exit", "worker.service failed: exit-code, exit status 1"),
            "unit",
            "Service Not Starting",
        ),
        (
            incident("db", "postgresql.service", "status", "database answers with an error"),
            "http",
            "Database Connection Errors",
        ),
        (incident("report", None, "reported", "the checkout hangs", "ann"), "", "Checkout problems"),
    ],
)
def test_the_heading_that_speaks_of_it_is_found(seen: Incident, kind: str, title: str) -> None:
    found = best(TITLES, seen, kind)

    assert found is not None
    assert TITLES[found[0]] == title


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (incident("queue", None, "high", "12000 jobs wait"), "gauge"),
        (incident("site", None, "output", "certificate ends in 3 days"), "command"),
        (incident("lan", None, "damaged", "4 % of the packets of eth0 are damaged"), "network"),
    ],
)
def test_where_none_speaks_of_it_none_is_taken(seen: Incident, kind: str) -> None:
    assert best([one for one in TITLES if one != "TLS certificate expired"], seen, kind) is None


@pytest.mark.parametrize("title", ["Redis down", "Nginx refused", "Database slow", "Notes", "", "The service", "Redis"])
def test_a_heading_about_something_else_or_about_nothing_is_none(title: str) -> None:
    seen = incident("api", "api.service", "refused", "cannot connect to 127.0.0.1:8080: refused")

    assert best([title], seen, "http") is None


def test_the_one_with_most_words_wins_and_of_equals_the_first() -> None:
    seen = incident("orders-api", "orders-api.service", "timeout", "no answer within 3 s")

    assert best(["Slow", "API slow", "Orders API slow", "Orders API hangs"], seen) == (2, ("api", "order", "slow"))


@given(st.lists(st.text(max_size=40), max_size=6), st.text(max_size=40), st.text(max_size=60))
def test_any_words_give_a_place_in_the_list_or_none(titles: list[str], check: str, reason: str) -> None:
    found = best(titles, incident(check, f"{check}.service", "signal", reason), "unit")

    assert found is None or (0 <= found[0] < len(titles) and found[1])
