"""HTTP as bytes and values: what is read of a request, what is refused, and what is answered."""

from __future__ import annotations

import contextlib
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.interfaces.web.message import BadRequestError, Reply, Request, read_head


def test_a_request_is_read_with_its_path_its_query_and_its_headers() -> None:
    request = read_head(
        b"POST /ping/key/night%2Dly//start?rid=a%20b&create=1 HTTP/1.1\r\nHost: x\r\nContent-LENGTH: 5\r\n"
        b"authorization: bearer  abc "
    )

    assert (request.method, request.path) == ("POST", ("ping", "key", "night-ly", "start"))
    assert request.query["rid"] == "a b"
    assert (request.length, request.bearer) == (5, "abc")


def test_a_proxys_whole_address_is_read_by_its_path() -> None:
    assert read_head(b"GET http://127.0.0.1:9645/ping/key/job HTTP/1.0").path == ("ping", "key", "job")


@pytest.mark.parametrize(
    "head",
    [
        *(b"", b"GET", b"GET /", b"get / HTTP/1.1", b"GET / HTTP/2", b"GET  / HTTP/1.1", b"GET /\xff HTTP/1.1"),
        *(b"GET / HTTP/1.1\r\n folded", b"GET / HTTP/1.1\r\nname : x", b"GET / HTTP/1.1\r\nnothing"),
        *(b"GET //[ HTTP/1.1", b"GET /?" + b"a=b&" * 30 + b" HTTP/1.1"),
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2",
        b"GET / HTTP/1.1\r\na: b\nContent-Length: 2",
        b"GET / HTTP/1.1\r\na: b\0c",
        b"GET / HTTP/1.1" + b"\r\na: b" * 65,
    ],
)
def test_what_is_no_plain_request_is_refused(head: bytes) -> None:
    with pytest.raises(BadRequestError) as refused:
        read_head(head)

    assert refused.value.status is HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-length": "x"}, 411),
        ({"content-length": "-1"}, 411),
        ({"content-length": "٣"}, 411),
        ({"transfer-encoding": "chunked"}, 411),
        ({"content-length": "5", "transfer-encoding": "chunked"}, 411),
        ({"content-length": "999999999999999999999"}, 413),
        ({"content-length": str(512 * 1024 + 1)}, 413),
    ],
)
def test_a_body_without_a_length_or_with_too_much_of_it_is_refused(headers: dict[str, str], status: int) -> None:
    with pytest.raises(BadRequestError) as refused:
        _ = Request(method="POST", path=(), headers=headers).length

    assert refused.value.status == status


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_are_refused(head: bytes) -> None:
    with contextlib.suppress(BadRequestError):
        assert read_head(head).method.isupper()


def test_head_gets_everything_but_the_body() -> None:
    whole, head = Reply(body="OK").to_bytes("GET"), Reply(body="OK").to_bytes("HEAD")

    assert whole == head + b"OK"
    assert b"Content-Length: 2\r\n" in head
