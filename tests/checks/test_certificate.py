"""The certificate check: dates of files and of servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from opsagent.checks import observe
from opsagent.checks.certificate import Check
from opsagent.core.observation import Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("begins", "ends", "status", "failure_class"),
    [
        (-10, 90, Status.OK, None),
        (-10, 22, Status.OK, None),
        (-10, 20.9, Status.WARNING, "expiring"),
        (-10, 6.9, Status.CRITICAL, "expiring"),
        (-10, -1, Status.CRITICAL, "expired"),
        (2, 90, Status.CRITICAL, "wrong"),
    ],
)
@pytest.mark.parametrize("served", [False, True])
def test_the_days_left_are_graded(
    serve: Callable[..., Any],
    issue: Callable[..., Any],
    *,
    served: bool,
    begins: float,
    ends: float,
    status: Status,
    failure_class: str | None,
) -> None:
    issued = issue("127.0.0.1", begins=begins, ends=ends)
    server = serve(b"", issued.context())
    where = {"host": "127.0.0.1", "port": server.port, "insecure": True}

    reading = observe(Check(**where) if served else Check(file=str(issued.certificate)))

    assert (reading.status, reading.failure_class) == (status, failure_class)
    assert reading.measures[0].value == pytest.approx(ends, abs=0.1)
    assert ("signature not verified" in reading.message) == served


@pytest.mark.parametrize(
    ("names", "ends", "options", "failure_class"),
    [
        (["127.0.0.1"], 90, {}, None),
        (["127.0.0.1"], -1, {}, "expired"),
        (["other.example"], 90, {}, "wrong"),
        (["other.example"], 90, {"server_name": "other.example"}, None),
        (["127.0.0.1"], 90, {"ca_file": ""}, "tls"),
    ],
)
def test_a_served_certificate_must_be_trusted_and_of_the_right_name(
    serve: Callable[..., Any],
    issue: Callable[..., Any],
    *,
    names: list[str],
    ends: float,
    options: dict[str, Any],
    failure_class: str | None,
) -> None:
    issued = issue(*names, ends=ends)
    server = serve(b"", issued.context())
    trusted = {"ca_file": str(issued.certificate), **options}

    reading = observe(Check(host="127.0.0.1", port=server.port, **trusted))

    assert reading.failure_class == failure_class


def test_of_several_certificates_in_a_file_the_first_to_end_counts(issue: Callable[..., Any], tmp_path: Path) -> None:
    chain = tmp_path / "chain.pem"
    chain.write_bytes(b"".join(issue("a.example", ends=days).certificate.read_bytes() for days in (90, 5, 300)))

    assert observe(Check(file=str(chain))).measures[0].value == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize(
    ("content", "status", "failure_class"),
    [
        (None, Status.CRITICAL, "absent"),
        ("", Status.CRITICAL, "output"),
        ("-----BEGIN CERTIFICATE-----\nAAAA", Status.CRITICAL, "output"),
        ("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----", Status.CRITICAL, "output"),
        ("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----", Status.CRITICAL, "output"),
    ],
)
def test_a_file_that_is_no_certificate_is_named(
    tmp_path: Path, content: str | None, status: Status, failure_class: str
) -> None:
    file = tmp_path / "x.pem"
    if content is not None:
        file.write_text(content)

    reading = observe(Check(file=str(file)))

    assert (reading.status, reading.failure_class) == (status, failure_class)
    assert str(file) in reading.message


def test_a_file_that_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    assert observe(Check(file=str(tmp_path))).status is Status.UNKNOWN


@pytest.mark.parametrize("options", [{}, {"file": "/a", "host": "b"}, {"host": "127.1"}, {"host": "a", "port": 99_999}])
def test_what_can_never_be_asked_is_refused_in_the_settings(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^cannot"):
        Check(**options)
