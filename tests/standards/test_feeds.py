"""Feeds of news: how many entries there are, by category, and which of them are new."""

from __future__ import annotations

import pytest
from tests.standards.messages import AT, RSS

from tutela.errors import BadInput
from tutela.model.heard import Heard
from tutela.model.place import Place
from tutela.standards import feeds
from tutela_promises.traps import trapped

MINUTE = 60_000_000
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom" xmlns:georss="http://www.georss.org/georss">
<title>Warnings</title><id>urn:w</id><updated>2026-11-25T08:00:00Z</updated>
<entry><id>urn:1</id><title>Storm</title><updated>2026-11-25T10:00:00+02:00</updated><category term="wind"/></entry>
<entry><id>urn:2</id><title>Flood</title><published>2026-11-25T08:01:00Z</published><updated>2026-11-25T09:00:00Z</updated>
<georss:polygon>60 24 60 25 61 25 60 24</georss:polygon></entry>
</feed>"""


def counts(heard: Heard) -> list[tuple[str, int, float]]:
    return [(value.datastream, (value.time - AT) // MINUTE, value.columns[0]) for value in heard.values]


def item(inner: str) -> bytes:
    return f"<rss version='2.0'><channel><title>t</title><item>{inner}</item></channel></rss>".encode()


def test_entries_are_counted_by_category_and_time() -> None:
    heard = feeds.read(RSS, "city")

    assert counts(heard) == [
        ("city/feed/entries", 0, 2.0),
        ("city/feed/category/traffic", 0, 2.0),
        ("city/feed/category/fire", 0, 1.0),
        ("city/feed/entries", 5, 1.0),
    ]
    assert [(thing.name, thing.kind, thing.place, thing.properties) for thing in heard.things] == [
        ("city/feed", "feed", Place(lat=60.17, lon=24.94), {"title": "City news", "link": "https://example.org"})
    ]


def test_what_is_known_is_not_counted_again() -> None:
    known = {entry.id for entry in feeds.entries(RSS)} - {"n3"}

    assert counts(feeds.read(RSS, "s", known=known)) == [("s/feed/entries", 5, 1.0)]


def test_entries_tell_their_ids_times_categories_and_places() -> None:
    first, second, _ = feeds.entries(RSS)

    assert first == feeds.Entry("n1", AT, ("traffic",), None)
    assert (second.categories, second.place) == (("traffic", "fire"), Place(lat=60.18, lon=24.95))


def test_atom_says_the_same_with_other_words() -> None:
    first, second = feeds.entries(ATOM)

    assert (first.id, first.at, first.categories) == ("urn:1", AT, ("wind",))
    assert (second.at - AT, second.place) == (MINUTE, Place(lat=60.5, lon=24.5))
    assert len(feeds.read(ATOM, "s").values) == 3


@pytest.mark.parametrize(
    ("inner", "says"),
    [
        ("<title>x</title>", "neither an id nor a link"),
        ("<guid>a</guid>", "tells no time"),
        ("<guid>a</guid><pubDate>soon</pubDate>", "is no time of RSS"),
        ("<guid>a</guid><pubDate>Wed, 25 Nov 2026 08:00:00</pubDate>", "no zone"),
        ("<guid>a</guid><pubDate>Wed, 25 Nov 2026 08:00:00 EET</pubDate>", "no zone"),
        ("<guid>a</guid><pubDate>Wed, 25 Nov 99999999999999999999 08:00:00 GMT</pubDate>", "is no time of RSS"),
        ("<guid>a</guid><pubDate>2026-11-25T08:00:00</pubDate>", "no offset"),
        ("<guid>a</guid><pubDate>--11-25T08:00:00Z</pubDate>", "is no time of RSS"),
        ("<guid>a</guid><pubDate>Wed, 00 Foo 0000 99:99:99 GMT</pubDate>", "is no time of RSS"),
    ],
)
def test_an_entry_that_cannot_be_counted_is_refused_by_its_place(inner: str, says: str) -> None:
    heard = feeds.read(item(inner), "s")

    assert heard.values == ()
    assert heard.refused[0].says.startswith("entry 0: ")
    assert says in heard.refused[0].says


@pytest.mark.parametrize(
    "time", ["Wed, 25 Nov 2026 08:00:00 -0000", "25 Nov 26 03:00 EST", "2026-11-25T09:00:00+01:00"]
)
def test_times_are_read_in_the_zone_that_they_name(time: str) -> None:
    assert [entry.at for entry in feeds.entries(item(f"<guid>a</guid><pubDate>{time}</pubDate>"))] == [AT]


def test_a_body_that_is_the_name_of_a_file_is_not_opened() -> None:
    with trapped(), pytest.raises(BadInput, match="not a feed"):
        feeds.read(b"/etc/hostname", "s")


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE rss [<!ENTITY a "aaaa">]><rss version="2.0"><channel><title>&a;</title></channel></rss>',
        b'<!DOCTYPE rss SYSTEM "http://localhost/x"><rss version="2.0"/>',
    ],
)
def test_entities_are_refused(body: bytes) -> None:
    with pytest.raises(BadInput, match="DTD or an entity"):
        feeds.read(body, "s")


def test_elements_in_odd_places_are_refused_in_words() -> None:
    namespace = "xmlns:itunes='http://www.itunes.com/DTDs/PodCast-1.0.dtd'"
    inner = "<item><textinput><itunes:category>x</itunes:category></textinput></item>"
    body = f"<rss version='2.0' {namespace}><channel>{inner}</channel></rss>".encode()

    with pytest.raises(BadInput, match="do not stand where they should"):
        feeds.read(body, "s")


@pytest.mark.parametrize("body", [b"<html/>", b"<rss version='0.91'><channel/></rss>", b"{}", b"<rss"])
def test_what_is_no_feed_is_a_clear_error(body: bytes) -> None:
    with pytest.raises(BadInput, match=r"not a feed of RSS 2\.0 or Atom 1\.0"):
        feeds.read(body, "s")
