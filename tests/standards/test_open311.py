"""Open311 GeoReport v2: a portal's service request becomes a report; who reports is left where it is."""

from __future__ import annotations

import json

import pytest

from tutela.errors import BadInput
from tutela.standards import open311

REQUEST = {
    "service_request_id": "638344",
    "status": "open",
    "status_notes": None,
    "service_name": "Fallen tree",
    "service_code": "Trees: fallen tree",
    "description": "A lime tree lies across the pavement.",
    "agency_responsible": None,
    "requested_datetime": "2026-11-25T08:00:00Z",
    "updated_datetime": "2026-11-25T08:00:00Z",
    "address": "Mannerheimintie 1",
    "lat": 60.17,
    "long": 24.94,
    "media_url": "https://example.org/tree.jpg",
}
"""As `GET requests.json` gives it."""


def body(**changes: object) -> bytes:
    return json.dumps({**REQUEST, **changes}).encode()


def test_a_service_request_becomes_a_report() -> None:
    report = open311.read(body(), "portal", "live")

    assert (report.id, report.source, report.timeline, report.at) == ("638344", "portal", "live", 1795593600000000)
    assert (report.place.lat, report.place.lon, report.category) == (60.17, 24.94, "Trees: fallen tree")
    assert report.said == "A lime tree lies across the pavement."


def test_nothing_is_kept_of_whoever_reports_nor_of_pictures() -> None:
    report = open311.read(body(email="a@b.fi", first_name="Aino", phone="+358", account_id="7"), "portal", "live")

    assert report == open311.read(body(media_url=None), "portal", "live")


@pytest.mark.parametrize("description", [None, ""])
def test_a_report_without_words_is_one_too(description: str | None) -> None:
    assert open311.read(body(description=description), "portal", "live").said == ""


def test_a_bare_report_has_lost_its_words() -> None:
    bare = open311.read(body(), "portal", "live").bare()

    assert (bare.said, bare.category) == ("", "Trees: fallen tree")


@pytest.mark.parametrize(
    "changes",
    [
        {"service_request_id": ""},
        {"service_request_id": None},
        {"service_code": "x" * 201},
        {"service_code": "Trees\n"},
        {"service_code": 7},
        {"description": "x" * 20_001},
        {"requested_datetime": "yesterday"},
        {"lat": 6017.0},
        {"long": None},
    ],
)
def test_a_service_request_that_cannot_be_understood_is_a_clear_error(changes: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        open311.read(body(**changes), "portal", "live")


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_garbage_is_a_clear_error(garbage: bytes) -> None:
    with pytest.raises(BadInput, match="GeoReport v2"):
        open311.read(garbage, "portal", "live")
