"""Calls as JSON: what a call taker's system posts, one emergency call each.

{"id": "2026-117", "at": "2026-11-25T08:00:00Z", "lat": 60.17, "lon": 24.94, "category": "Fire: smoke", "said": "…"}
"""

from __future__ import annotations

import msgspec

from tutela.errors import BadInput
from tutela.model.call import Call
from tutela.model.place import Latitude, Longitude, Place
from tutela.model.when import parse


class _Told(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    at: str
    lat: Latitude
    lon: Longitude
    category: str
    said: str = ""
    caller: str = ""


_DECODER = msgspec.json.Decoder(_Told)


def read(body: bytes, source: str, timeline: str) -> Call:
    """The call in a JSON body. Its cell is worked out where it is recorded."""
    try:
        told = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise BadInput(f"this is not a call: {wrong}") from wrong
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
