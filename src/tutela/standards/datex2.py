"""DATEX II 2 (CEN/TS 16157:2011, d2LogicalModel) and 3 (EN 16157, payload or messageContainer), in: what roads report.

- A measurement site of a table becomes a Thing of kind "traffic-station" with its place, its `name`, and by the index
  of each measurement what it is (value, lane, vehicle, period in seconds).
- Measured data become readings `SITE/INDEX/…`: `speed` (km/h), `flow` (vehicles, 1/h), `occupancy` (%),
  `concentration` (1/km), `travel-time` (s). A value that the site calls wrong, or negative (no value), is refused;
  other basic data are left unread. Measured data have no places: `places` gives them, by the names of the Things of
  the table.
- A record of a situation becomes a Thing of kind "situation" with `type` and `codes` in the words of the standard,
  `situation`, `severity`, `confidentiality`, `road`, `status`, `start`, `end` and, where it has more than a point,
  `geometry` as GeoJSON; and a reading `in-force`: "road-closed", "road-works" or "incident". What was cancelled,
  suspended or ended is not in force since that version of it. Times of the day that recur are left unread. Comments
  are left out: they hold names and telephone numbers.

Only coordinates give a place: Alert-C and OpenLR need maps of their own. In GML lists the latitude stands first,
unless `lon_first` is set. Times without an offset are refused, unless `zone` names one. Fintraffic's envelope
(imsMessage) is opened, and its GeoJSON gives the places that the DATEX II in it does not tell.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from xml.etree.ElementTree import Element

import msgspec

from tutela.errors import BadInput
from tutela.model.heard import Heard
from tutela.model.place import Place

from ._datex2_measured import measured, site
from ._datex2_situations import Drawn, situation
from ._hearing import Hearing
from ._shapes import shape
from ._xml import kind, text, tree

WHAT = "DATEX II message"
UNDERSTOOD = ("MeasuredDataPublication", "MeasurementSiteTablePublication", "SituationPublication")

PUBLICATIONS = frozenset({"payloadPublication", "payload"})
HANDLED = PUBLICATIONS | {"measurementSiteRecord", "measurementSite", "siteMeasurements", "situation"}


def read(
    body: bytes,
    source: str,
    *,
    zone: str | None = None,
    lon_first: bool = False,
    places: Mapping[str, Place] | None = None,
) -> Heard:
    """What a publication says; raises BadInput when it is none. `places` are those of Things, by their whole names."""
    hearing = Hearing(source)
    root, drawn = _opened(hearing, tree(body, WHAT))
    publications = list(_outermost(root, PUBLICATIONS))
    if not publications:
        raise BadInput(f"this is not a {WHAT}: its root is {root.tag[:40]!r}, and there is no publication in it")
    for publication in publications:
        if (of := kind(publication)) not in UNDERSTOOD:
            hearing.refuse(f"a publication of type {of[:80]!r} is not understood; there are: {', '.join(UNDERSTOOD)}")
            continue
        told = text(publication, "publicationTime")
        for found in (one for inside in publication for one in _outermost(inside, HANDLED)):
            match found.tag:
                case "measurementSiteRecord" | "measurementSite":
                    site(hearing, found, lon_first=lon_first)
                case "siteMeasurements":
                    measured(hearing, found, zone, places or {})
                case "situation":
                    situation(hearing, found, told, (zone, lon_first), drawn)
                case _:
                    hearing.refuse("a publication inside of another one is not read; send them side by side")
    return hearing.heard()


def _outermost(root: Element, tags: Container[str]) -> Iterator[Element]:
    """The elements of these names, in their order, but none inside of another: each is looked through once."""
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if one.tag in tags:
            yield one
        else:
            waiting.extend(reversed(one))


def _opened(hearing: Hearing, root: Element) -> tuple[Element, Drawn]:
    """The message itself, out of the envelope where there is one, and what the envelope tells of places."""
    if root.tag != "imsMessage":
        return root, {}
    inner = tree(text(root, "messageContent/d2Message").encode(), WHAT)
    if said := text(root, "messageContent/jMessage"):
        try:
            return inner, dict(_drawn(msgspec.json.decode(said)))
        except (msgspec.DecodeError, RecursionError, BadInput) as wrong:
            hearing.refuse(f"the GeoJSON of the envelope can't be understood, so its places are not known: {wrong}")
    return inner, {}


def _drawn(said: object) -> Iterator[tuple[str, tuple[Place, str]]]:
    """Place and geometry of each feature, by the id of its situation."""
    several = said.get("features", [said]) if isinstance(said, dict) else said
    for feature in several if isinstance(several, list) else []:
        match feature:
            case {"geometry": dict(geometry), "properties": {"situationId": str(id_)}}:
                place, text_ = shape(geometry)
                yield id_, (place, "" if geometry.get("type") == "Point" else text_)


part = read
