"""Posts as JSON: what a feed that is followed by subject and area passes on, one public post each.

{"id": "p-117", "at": "2026-11-25T08:00:00Z", "lat": 60.17, "lon": 24.94, "subject": "Fire", "said": "…"}

Whatever else stands there, such as the account, is not read, so nothing is kept of it; names of accounts (`@name`) in
the words are left out, too. The subject stays in the clear, so it is a few words without signs or digits: another one is refused.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from tutela.errors import BadInput
from tutela.model.place import Latitude, Longitude, Place
from tutela.model.post import SUBJECT, Post, is_subject
from tutela.model.when import parse

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
ACCOUNT = re.compile(r"@[\w.-]+(?:@[\w.-]+)?")


class _Told(msgspec.Struct):
    id: Short
    at: str
    lat: Latitude
    lon: Longitude
    subject: Short
    said: Annotated[str, msgspec.Meta(max_length=5_000)] = ""


_DECODER = msgspec.json.Decoder(_Told)


def read(body: bytes, source: str, timeline: str) -> Post:
    """The post in a JSON body. Where it is recorded, its place becomes that of its cell."""
    try:
        told = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise BadInput(f"this is not a post: {wrong}") from wrong
    except RecursionError as deep:
        raise BadInput("this is not a post: it is nested too deeply") from deep
    if not told.id.isprintable():
        raise BadInput(f"the id of a post is plain text in one line; this one is {told.id[:40]!a}")
    if not is_subject(told.subject):  # it is not repeated: what is said here is kept as the trouble of a connection
        raise BadInput(f"the subject of a post is what its feed is followed by: {SUBJECT}; send it under such a one")
    return Post(
        id=told.id,
        timeline=timeline,
        source=source,
        at=parse(told.at),
        place=Place(lat=told.lat, lon=told.lon),
        cell=0,
        category=told.subject,
        said=ACCOUNT.sub("@…", told.said),
    )


part = read
