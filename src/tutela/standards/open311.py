"""Open311 GeoReport v2: a service request in its JSON, as a portal passes it on.

{"service_request_id": "638344", "service_code": "Trees: fallen tree", "description": "…",
 "requested_datetime": "2026-11-25T08:00:00Z", "lat": 60.17, "long": 24.94}

Who reports (`email`, `first_name`, `account_id`, …), pictures and whatever else stands there is not read, so nothing is
kept of it. Source: wiki.open311.org, GeoReport v2, "GET Service Requests".
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from tutela.errors import BadInput
from tutela.model.place import Latitude, Longitude, Place
from tutela.model.report import ServiceRequest
from tutela.model.when import parse

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


part = read
