"""Calls as JSON: what a call taker's system posts, one emergency call each.

{"id": "2026-117", "at": "2026-11-25T08:00:00Z", "lat": 60.17, "lon": 24.94, "category": "Fire: smoke", "said": "…"}
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from tutela.errors import BadInput
from tutela.model.call import Call
from tutela.model.place import Latitude, Longitude, Place
from tutela.model.when import parse

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class _Told(msgspec.Struct, forbid_unknown_fields=True):
    id: Short
    at: str
    lat: Latitude
    lon: Longitude
    category: Short
    said: Annotated[str, msgspec.Meta(max_length=20_000)] = ""
    caller: Annotated[str, msgspec.Meta(max_length=1_000)] = ""


_DECODER = msgspec.json.Decoder(_Told)


def read(body: bytes, source: str, timeline: str) -> Call:
    """The call in a JSON body. Its cell is worked out where it is recorded."""
    try:
        told = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise BadInput(f"this is not a call: {wrong}") from wrong
    except RecursionError as deep:
        raise BadInput("this is not a call: it is nested too deeply") from deep
    for name, text in (("id", told.id), ("category", told.category)):
        if not text.isprintable():  # control characters, and such as turn the direction of what stands beside it
            raise BadInput(f"the {name} of a call is plain text in one line; this one is {text[:40]!a}")
    return Call(
        id=told.id,
        timeline=timeline,
        source=source,
        at=parse(told.at),
        place=Place(lat=told.lat, lon=told.lon),
        cell=0,
        category=told.category,
        said=told.said,
        caller=told.caller,
    )


part = read
