"""The HTTP door in the settings: where it may be, and who is let in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.settings import Settings

    Read = Callable[..., Settings]
    Problems = Callable[..., list[str]]


def test_it_is_closed_unless_it_is_opened(read: Read) -> None:
    assert read("checks: []").http is None
    assert read("http:").http is None


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("127.0.0.1:9645", ("127.0.0.1", 9645)),
        ("127.9.9.9:1", ("127.9.9.9", 1)),
        ("localhost:80", ("127.0.0.1", 80)),
        ("[::1]:9645", ("::1", 9645)),
    ],
)
def test_an_address_of_this_host_alone_is_taken(read: Read, listen: str, address: tuple[str, int]) -> None:
    http = read(f"http: {{listen: '{listen}'}}").http

    assert http is not None
    assert http.address == address


@pytest.mark.parametrize("listen", ["0.0.0.0:9645", "[::]:9645", "192.0.2.7:9645"])
def test_an_address_that_others_can_reach_must_be_wanted(read: Read, problems: Problems, listen: str) -> None:
    (problem,) = problems(f"http: {{listen: '{listen}'}}")
    assert "allowed: a loopback address, or any with everywhere: true" in problem

    http = read(f"http: {{listen: '{listen}', everywhere: true}}").http
    assert http is not None


@pytest.mark.parametrize(
    "listen", ["9645", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "example.org:80", ":80", "x"]
)
def test_what_is_no_address_with_a_port_is_refused(problems: Problems, listen: str) -> None:
    (problem,) = problems(f"http: {{listen: '{listen}'}}")

    assert "allowed: such as 127.0.0.1:9645 or [::1]:9645" in problem
