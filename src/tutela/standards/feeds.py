"""RSS 2.0 and Atom 1.0, in: feeds of news and warnings. Nothing is fetched, and what is written in them is not kept.

A feed becomes the Thing `SOURCE/feed` of kind "feed", with its `title`, its `link` and, by GeoRSS, its place. Its
entries are counted by their times: `feed/entries` counts all, `feed/category/NAME` those of a category (observed
property "entries"). A feed repeats its entries: `entries` lists them with their ids, and `read` leaves out those that
are `known`. An entry without an id or without a time is refused, as is a time without a zone. An entry's own GeoRSS
place stands in `entries` only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any

import feedparser

from tutela.errors import BadInput
from tutela.model.heard import Heard
from tutela.model.place import Place
from tutela.model.when import micros

from ._hearing import Hearing, Measure, at
from ._shapes import shape
from ._xml import tree

ENTRIES = Measure("counts", "entries", "1")
WHAT = "feed of RSS 2.0 or Atom 1.0"
FAULTS = (LookupError, ValueError, TypeError, AttributeError)
"""What feedparser raises, from within, for elements in places where it does not expect them."""
VERSIONS = {"rss20", "atom10"}
MOST_ELEMENTS = 50_000
"""Elements of one feed; feedparser takes some 20 microseconds for each."""
MOST_CATEGORIES = 50
"""Categories of one entry."""
_ISO = re.compile(r"\d{4}-")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its id (RSS: guid, or link), its time in microseconds, its categories, and its place if it has one."""

    id: str
    at: int
    categories: tuple[str, ...]
    place: Place | None


def read(body: bytes, source: str, *, known: Collection[str] = ()) -> Heard:
    """The counts of a feed, less the entries whose ids are known; raises BadInput when it is none."""
    parsed = _parsed(body)
    hearing, counts = Hearing(source), Counter[tuple[str, int]]()
    about: Mapping[str, Any] = dict(parsed["feed"])
    properties = {"title": str(about.get("title", "")), "link": str(about.get("link", ""))}
    name = hearing.thing("feed", "feed", _place(about), properties)
    for found in _entries(parsed, hearing):
        if name is None or found.id in known:
            continue
        for field in ("entries", *(f"category/{category}" for category in found.categories)):
            counts[field, found.at] += 1
    for (field, time), count in counts.items():
        hearing.say(f"{source}/feed", field, ENTRIES, time, float(count))
    return hearing.heard()


def entries(body: bytes) -> tuple[Entry, ...]:
    """The entries of a feed that have an id and a time, as the feed lists them."""
    return tuple(_entries(_parsed(body), Hearing("")))


def _parsed(body: bytes) -> Mapping[str, Any]:
    """The feed as feedparser sees it, once it is known to be plain XML without entities."""
    tree(body, WHAT, MOST_ELEMENTS)
    # Given bytes, feedparser would try to open them as a file; given a stream, it only reads.
    try:
        parsed: Mapping[str, Any] = feedparser.parse(BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    except FAULTS as wrong:
        raise BadInput(f"this is not a {WHAT}: its elements do not stand where they should ({wrong!r})") from wrong
    if parsed.get("version") not in VERSIONS:
        raise BadInput(f"this is not a {WHAT}, but {parsed.get('version') or 'something else'}")
    return parsed


def _entries(parsed: Mapping[str, Any], hearing: Hearing) -> Iterator[Entry]:
    for place, raw in enumerate(parsed["entries"]):
        entry: Mapping[str, Any] = dict(raw)  # feedparser's own dictionary gives one time for another
        try:
            yield _entry(entry)
        except BadInput as wrong:
            hearing.refuse(f"entry {place}: {wrong}")


def _entry(entry: Mapping[str, Any]) -> Entry:
    id_ = entry.get("id") or entry.get("link")
    if not id_:
        raise BadInput("it has neither an id nor a link")
    terms = [str(tag.get("term") or "").strip() for tag in entry.get("tags", ())]
    categories = tuple(dict.fromkeys(term for term in terms if term))[:MOST_CATEGORIES]
    return Entry(str(id_), _when(entry), categories, _place(entry))


def _when(entry: Mapping[str, Any]) -> int:
    """When it was published, else changed; feedparser's own reading of a time may ask for today's date."""
    said = str(entry.get("published") or entry.get("updated") or "").strip()
    if not said:
        raise BadInput("it tells no time")
    if _ISO.match(said):
        return at(said)
    try:
        when = parsedate_to_datetime(re.sub("-0000$", "+0000", said))  # -0000 is UTC, wherever it was written
    except (ValueError, OverflowError) as wrong:
        raise BadInput(f"{said[:40]!r} is no time of RSS (RFC 822) or Atom (RFC 3339)") from wrong
    if when.tzinfo is None:
        raise BadInput(f"the time {said[:40]!r} has no zone that is known everywhere; write an offset, such as +0200")
    return micros(when)


def _place(said: Mapping[str, Any]) -> Place | None:
    """A place by GeoRSS; raises BadInput when it is none on Earth."""
    return shape(dict(said["where"]))[0] if said.get("where") else None


part = read
