"""What each address does: pings as healthchecks.io has them, reports, alerts; and to whom it is closed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.core.commands import Alert, Answer, Ping, Raise
from opsagent.core.job import Plan
from opsagent.core.metrics.family import gauge
from opsagent.core.policy import CheckPolicy
from opsagent.interfaces.web.message import Reply, Request
from opsagent.interfaces.web.routes import Routes

if TYPE_CHECKING:
    from opsagent.core.metrics import Family

TOKEN = "s3cret-s3cret-s3cret"
UUID = "0b3e5c1e-6f5b-4b8e-9a53-0d3b6f7c8d9e"


@dataclass
class Daemon:
    """Keeps what it is asked; knows two jobs, one with a URL of its own."""

    answer: Answer = field(default_factory=lambda: Answer(accepted=True, text="noted"))
    asked: list[Any] = field(default_factory=list)

    def __call__(self, request: Any) -> Answer:
        self.asked.append(request)
        return self.answer

    def jobs(self) -> tuple[CheckPolicy, ...]:
        plans = {"backup": Plan(every=timedelta(hours=1)), "nightly": Plan(every=timedelta(hours=1), uuid=UUID)}
        return tuple(CheckPolicy(name=name, kind="job", job=plan) for name, plan in plans.items())

    def figures(self) -> tuple[Family, ...]:
        return (gauge("opsagent_hold", "1 while nothing is repaired.", value=False),)


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


def ask(daemon: Daemon, path: str, *, method: str = "GET", body: bytes = b"", token: str = "", **query: str) -> Reply:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    parts = tuple(part for part in path.split("/") if part)
    request = Request(method=method, path=parts, query=query, headers=headers, body=body)
    return Routes(daemon, TOKEN)(request)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    ("end", "state", "code"),
    [("", "ok", None), ("/start", "start", None), ("/fail", "fail", None), ("/0", "ok", None), ("/137", "fail", 137)],
)
def test_the_ping_urls_of_healthchecks_say_how_a_job_went(
    daemon: Daemon, method: str, end: str, state: str, code: int | None
) -> None:
    keys = (f"{TOKEN}/backup", "backup"), (UUID, "nightly")
    for path, job in [(f"{front}/{key}", job) for front in ("/ping", "") for key, job in keys]:
        reply = ask(daemon, path + end, method=method)

        assert (reply.status, reply.body) == (HTTPStatus.OK, "OK")
        ping = daemon.asked[-1]
        assert isinstance(ping, Ping)
        assert (ping.job, ping.state, ping.exit_code, ping.by) == (job, state, code, "http")


def test_a_body_is_a_jobs_last_words_and_rid_its_run(daemon: Daemon) -> None:
    body = b"".join(b"line %d\n" % number for number in range(50)) + b"\xff\x1b[31m the end"

    ask(daemon, f"/ping/{TOKEN}/backup/fail", method="POST", body=body, rid="a-run")

    assert len(daemon.asked[0].lines) == 20
    assert daemon.asked[0].lines[-1] == "\N{REPLACEMENT CHARACTER}\\x1b[31m the end"
    assert daemon.asked[0].run == "a-run"


def test_of_a_body_that_is_no_text_only_its_length_is_kept(daemon: Daemon) -> None:
    ask(daemon, f"/ping/{TOKEN}/backup/fail", method="POST", body=b"disk full\n" + b"\xff\x00" * 150_000)

    assert daemon.asked[0].lines == ("disk full", "300000 bytes that are not text")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 404),
        ("/ping", 404),
        ("/ping/wrong/backup", 404),
        (f"/ping/{TOKEN}", 404),
        (f"/ping/{TOKEN}/other", 404),
        (f"/ping/{UUID[:-1]}0", 404),
        (f"/ping/{TOKEN}/backup/256", 400),
        (f"/ping/{TOKEN}/backup/-1", 400),
        (f"/ping/{TOKEN}/backup/start/more", 400),
        (f"/ping/{UUID}/nightly", 400),
        (f"/{UUID[:-1]}0/start", 404),
        (f"/{UUID}/starts", 400),
        ("/api/raise", 405),
        ("/nowhere", 404),
    ],
)
def test_what_leads_nowhere_asks_the_daemon_nothing(daemon: Daemon, path: str, status: int) -> None:
    assert ask(daemon, path).status == status
    assert daemon.asked == []


def test_a_log_ping_is_taken_and_says_nothing(daemon: Daemon) -> None:
    assert ask(daemon, f"/ping/{UUID}/log", method="POST", body=b"halfway").status == HTTPStatus.OK
    assert daemon.asked == []


def test_a_ping_that_the_daemon_refuses_is_too_many(daemon: Daemon) -> None:
    daemon.answer = Answer(accepted=False, text="cannot take more than 30 pings of backup in a minute")

    assert ask(daemon, f"/ping/{TOKEN}/backup").status == HTTPStatus.TOO_MANY_REQUESTS


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x"])
@pytest.mark.parametrize("path", ["/api/raise", "/api/alertmanager"])
def test_without_the_token_nothing_is_raised(daemon: Daemon, path: str, token: str) -> None:
    assert ask(daemon, path, method="POST", body=b"{}", token=token).status == HTTPStatus.UNAUTHORIZED
    assert daemon.asked == []


def test_a_report_is_raised_as_over_the_socket(daemon: Daemon) -> None:
    body = json.dumps({"text": "checkout hangs", "service": "shop", "paying": True, "by": "root"}).encode()

    reply = ask(daemon, "/api/raise", method="POST", body=body, token=TOKEN)

    assert json.loads(reply.body) == {"accepted": True, "text": "noted"}
    assert daemon.asked == [Raise(by="http", text="checkout hangs", service="shop", paying=True)]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"text": 1}', b'{"text": "x", "kind": "ack"}x']
)
def test_what_is_no_report_is_refused_with_what_is_allowed(daemon: Daemon, body: bytes) -> None:
    reply = ask(daemon, "/api/raise", method="POST", body=body, token=TOKEN)

    assert reply.status == HTTPStatus.BAD_REQUEST
    assert "allowed" in reply.body
    assert daemon.asked == []


def payload(*alerts: dict[str, Any]) -> bytes:
    shell = {"version": "4", "groupKey": "{}:{}", "receiver": "opsagent", "status": "firing", "truncatedAlerts": 0}
    return json.dumps({**shell, "alerts": list(alerts)}).encode()


FIRING = {
    "status": "firing",
    "labels": {"alertname": "DiskFull", "severity": "critical", "instance": "db-1:9100"},
    "annotations": {"summary": "/srv is full", "description": "long"},
    "startsAt": "2026-11-18T11:00:00.123456789Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://prometheus/graph",
    "fingerprint": "a1b2c3d4e5f60718",
}


def test_each_alert_of_an_alertmanager_is_told_by_its_fingerprint(daemon: Daemon) -> None:
    over = {**FIRING, "status": "resolved", "fingerprint": "ffff", "labels": {}, "annotations": {}}

    reply = ask(daemon, "/api/alertmanager", method="POST", body=payload(FIRING, over), token=TOKEN)

    assert reply.status == HTTPStatus.OK
    first, second = daemon.asked
    assert first == Alert(
        by="alertmanager",
        fingerprint="a1b2c3d4e5f60718",
        name="DiskFull",
        text="/srv is full (instance db-1:9100)",
        severity="critical",
        begun="2026-11-18T11:00:00.123456789Z",
    )
    assert (second.fingerprint, second.name, second.over) == ("ffff", "alert", True)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"alerts": 1}',
        b'{"alerts": [1]}',
        payload({"status": "firing"}),
        payload({**FIRING, "status": "odd"}),
        payload({**FIRING, "fingerprint": "../x"}),
    ],
)
def test_what_is_no_alert_is_refused_whole(daemon: Daemon, body: bytes) -> None:
    assert ask(daemon, "/api/alertmanager", method="POST", body=body, token=TOKEN).status == HTTPStatus.BAD_REQUEST
    assert daemon.asked == []


def test_an_alert_that_cannot_be_read_keeps_no_other_out_however_many_there_are(daemon: Daemon) -> None:
    many = [{**FIRING, "fingerprint": f"{number:x}"} for number in range(150)]

    reply = ask(
        daemon, "/api/alertmanager", method="POST", body=payload({**FIRING, "status": "odd"}, *many), token=TOKEN
    )

    assert (reply.status, "needed: a fingerprint" in reply.body) == (HTTPStatus.BAD_REQUEST, True)
    assert [one.fingerprint for one in daemon.asked] == [one["fingerprint"] for one in many]


def test_alerts_that_cannot_be_taken_now_are_to_be_sent_again(daemon: Daemon) -> None:
    daemon.answer = Answer(accepted=False, text="cannot take more than 100 alerts at once")

    reply = ask(daemon, "/api/alertmanager", method="POST", body=payload(FIRING), token=TOKEN)

    assert reply.status == HTTPStatus.SERVICE_UNAVAILABLE


def test_our_figures_are_for_whoever_shows_the_token(daemon: Daemon) -> None:
    told = ask(daemon, "/metrics", token=TOKEN)

    assert (told.status, told.kind) == (HTTPStatus.OK, "text/plain; version=0.0.4; charset=utf-8")
    assert told.body.endswith("opsagent_hold 0\n")
    assert ask(daemon, "/metrics").status is HTTPStatus.UNAUTHORIZED
    assert ask(daemon, "/metrics", method="POST", token=TOKEN).status is HTTPStatus.METHOD_NOT_ALLOWED
