"""Calls as JSON: what is told is what is taken; what can't be understood is a clear error."""

from __future__ import annotations

import pytest

from tutela.errors import BadInput
from tutela.standards import calls

GOOD = b'{"id":"c-1","at":"2026-11-25T08:00:00Z","lat":60.17,"lon":24.94,"category":"Fire: smoke","said":"Smoke!","caller":"+358"}'


def test_a_call_keeps_all_that_was_told() -> None:
    call = calls.read(GOOD, "centre", "live")

    assert (call.id, call.source, call.timeline, call.at) == ("c-1", "centre", "live", 1795593600000000)
    assert (call.place.lat, call.place.lon, call.category) == (60.17, 24.94, "Fire: smoke")
    assert (call.said, call.caller) == ("Smoke!", "+358")


def test_a_bare_call_has_lost_its_personal_data() -> None:
    bare = calls.read(GOOD, "centre", "live").bare()

    assert (bare.said, bare.caller) == ("", "")
    assert bare.category == "Fire: smoke"


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"Fire: smoke", b"Fire\\u0000"),
        (b"Fire: smoke", "Fire\u202eekoms".encode()),
        (b"Fire: smoke", b"x" * 300),
        (b"Smoke!", b"x" * 10_000_000),
        (b'"Smoke!"', b"[" * 10_000 + b"]" * 10_000),
        (b"c-1", b""),
        (b"60.17", b"6016000"),
        (b"24.94", b"181"),
        (b'"c-1"', b"7"),
        (b'"at"', b'"when"'),
        (b"Z", b""),
        (b"{", b""),
    ],
)
def test_a_call_that_cannot_be_understood_is_a_clear_error(was: bytes, becomes: bytes) -> None:
    with pytest.raises(BadInput):
        calls.read(GOOD.replace(was, becomes, 1), "centre", "live")
