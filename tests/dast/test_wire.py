"""Requests that two servers could read as two different ones are read as none: real bytes, at a real server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from tests.screens.site import Site

PATIENCE = 10


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    made = Site()
    try:
        yield made
    finally:
        made.close()


def answer(site: Site, *lines: str, body: bytes = b"") -> bytes:
    """All that comes back until the server closes, or falls silent for a second."""
    where = urlsplit(site.address)
    request = "\r\n".join((*lines, "", "")).encode("latin-1") + body
    said = b""
    with socket.create_connection(("127.0.0.1", where.port or 0), PATIENCE) as connection:
        connection.sendall(request)
        connection.settimeout(1)
        try:
            while part := connection.recv(65536):
                said += part
        except TimeoutError:
            return said
    return said


SECOND = b"GET /v1/me HTTP/1.1\r\nHost: x\r\n\r\n"

DOUBTFUL = {
    "two lengths": ("Content-Length: 5", "Content-Length: 6"),
    "a length and chunks": ("Content-Length: 4", "Transfer-Encoding: chunked"),
    "chunks and a length": ("Transfer-Encoding: chunked", "Content-Length: 4"),
    "a length that is no number": ("Content-Length: 4x",),
    "a negative length": ("Content-Length: -1",),
    "a space before the colon": ("Transfer-Encoding : chunked",),
    "a folded header": ("X-A: b", " Transfer-Encoding: chunked"),
    "chunks under another name": ("Transfer-Encoding: xchunked",),
}


@pytest.mark.parametrize("headers", DOUBTFUL.values(), ids=DOUBTFUL)
def test_a_request_whose_end_is_in_doubt_hides_no_second_one(site: Site, headers: tuple[str, ...]) -> None:
    said = answer(site, "POST /enrol HTTP/1.1", "Host: x", *headers, body=b"0\r\n\r\n" + SECOND)

    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1 ") == 1


def test_a_proper_request_is_answered_and_one_after_it_too(site: Site) -> None:
    said = answer(site, "GET /ready HTTP/1.1", "Host: x", body=SECOND)

    assert said.count(b"HTTP/1.1 ") == 2
    assert b'"policy":"session"' in said


def test_a_header_can_not_be_slipped_into_an_answer(site: Site) -> None:
    said = answer(site, "GET /enrol?code=x%0d%0aSet-Cookie:%20a=b HTTP/1.1", "Host: x")

    assert b"\r\nset-cookie: a=b" not in said.lower().partition(b"\r\n\r\n")[0]


def test_the_server_does_not_tell_what_it_is(site: Site) -> None:
    assert b"traceback" not in answer(site, "GARBAGE").lower()
