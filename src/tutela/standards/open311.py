"""Open311 GeoReport v2, both ways. In: a service request in its JSON, as a portal passes it on.

{"service_request_id": "638344", "service_code": "Trees: fallen tree", "description": "…",
 "requested_datetime": "2026-11-25T08:00:00Z", "lat": 60.17, "long": 24.94}

Who reports (`email`, `first_name`, `account_id`, …), pictures and whatever else stands there is not read, so nothing is
kept of it. Source: wiki.open311.org, GeoReport v2, "GET Service Requests".

Out: services, requests, what was taken and what was wrong, in JSON or XML. Only what everybody may see: who reported, pictures, and words
that no moderator let stand are not here at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Annotated, Any

import msgspec

from tutela.errors import BadInput
from tutela.model.handling import UNDER_WAY, Handling
from tutela.model.place import Latitude, Longitude, Place
from tutela.model.report import ServiceRequest
from tutela.model.service import SERVICES
from tutela.model.when import iso, parse

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class _Request(msgspec.Struct):
    service_request_id: Short
    service_code: Short
    requested_datetime: str
    lat: Latitude
    long: Longitude
    description: Annotated[str, msgspec.Meta(max_length=20_000)] | None = None


_DECODER = msgspec.json.Decoder(_Request)


def read(body: bytes, source: str, timeline: str) -> ServiceRequest:
    """The report in a JSON body. Its cell is worked out where it is recorded."""
    try:
        told = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise BadInput(f"this is not a service request of GeoReport v2: {wrong}") from wrong
    except RecursionError as deep:
        raise BadInput("this is not a service request of GeoReport v2: it is nested too deeply") from deep
    for name, text in (("service_request_id", told.service_request_id), ("service_code", told.service_code)):
        if not text.isprintable():
            raise BadInput(f"the {name} of a service request is plain text in one line; this one is {text[:40]!a}")
    return ServiceRequest(
        id=told.service_request_id,
        timeline=timeline,
        source=source,
        at=parse(told.requested_datetime),
        place=Place(lat=told.lat, lon=told.long),
        cell=0,
        category=told.service_code,
        said=told.description or "",
    )


# ── out ─────────────────────────────────────────────────────────────────────────────────────────
Row = Mapping[str, Any]

JSON, XML = "json", "xml"
MEDIA = {JSON: "application/json; charset=utf-8", XML: "text/xml; charset=utf-8"}
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no place for."""


def services() -> list[Row]:
    """What can be reported."""
    return [
        {
            "service_code": one.code,
            "service_name": one.name,
            "description": one.says,
            "metadata": False,
            "type": "realtime",
            "keywords": "",
            "group": one.group,
        }
        for one in SERVICES.values()
    ]


def request(one: Handling) -> Row:
    """A report that everybody may see, with its words as people read them."""
    known = SERVICES.get(one.category)
    return {
        "service_request_id": one.number,
        "status": "open" if one.status in UNDER_WAY else "closed",
        "status_notes": one.says or (f"The same as {one.duplicate_of}" if one.duplicate_of else ""),
        "service_name": known.name if known else one.category,
        "service_code": one.category,
        "description": one.words,
        "agency_responsible": "",
        "service_notice": "",
        "requested_datetime": iso(one.at),
        "updated_datetime": iso(one.changed),
        "lat": one.place.lat,
        "long": one.place.lon,
    }


def taken(number: str, follow: str) -> list[Row]:
    """What whoever reports gets: the number, and where to see what becomes of it."""
    return [{"service_request_id": number, "service_notice": f"Follow it at {follow}", "account_id": ""}]


def definition(code: str) -> Row:
    """What else is asked for a service: nothing."""
    return {"service_code": code, "attributes": []}


def errors(status: int, says: str) -> list[Row]:
    """What was wrong."""
    return [{"code": status, "description": says}]


def discovery(city: str, base: str, changed: int) -> Row:
    """Where the service is (GeoReport service discovery)."""
    endpoint = {
        "specification": "http://wiki.open311.org/GeoReport_v2",
        "url": f"{base}/open311/v2",
        "changeset": iso(changed),
        "type": "production",
        "formats": ["application/json", "text/xml"],
    }
    key = "Reports are taken without a key. A source of the register sends its token as api_key."
    return {"changeset": iso(changed), "contact": city, "key_service": key, "endpoints": [endpoint]}


def written(found: Row | Sequence[Row], form: str, root: str, each: str = "") -> bytes:
    """The body: JSON, or XML with that root and one element of that name for each."""
    if form == JSON:
        return msgspec.json.encode(found)
    inside = _row(found) if isinstance(found, Mapping) else "".join(f"<{each}>{_row(one)}</{each}>" for one in found)
    return f'<?xml version="1.0" encoding="utf-8"?>\n<{root}>{inside}</{root}>\n'.encode()


def _row(row: Row) -> str:
    return "".join(f"<{name}>{_value(name, value)}</{name}>" for name, value in row.items())


def _value(name: str, value: object) -> str:
    if isinstance(value, Mapping):
        return _row(value)
    if isinstance(value, list):
        each = name.removesuffix("s")
        return "".join(f"<{each}>{_value(each, one)}</{each}>" for one in value)
    return str(value).lower() if isinstance(value, bool) else escape(_FORBIDDEN.sub("", str(value)), quote=False)


part = read
