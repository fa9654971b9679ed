"""GTFS-Realtime 2.0, in: a feed of vehicle positions, trip updates and alerts, in protobuf (gtfs.org/realtime).

- A vehicle position becomes a Thing `vehicle/ID` of kind "vehicle", its `position` (personal data: it may follow a
  person), and as readings, where the feed tells them, `speed` (m/s), `occupancy` (% of its places) and
  `occupancy-status` (the code of the standard, 0 empty to 5 full). Plates and labels are left out.
- A trip update becomes a reading `delay` (s, negative when early). By `route`, one datastream for each route
  (`route/ID/delay`) holds the mean over its trips; by `trip`, each trip has its own (`trip/ID/delay`), and the
  register grows with the timetable. A trip without a route always has its own. The delay of a trip is what the update
  says, or that of the first stop ahead; where only times are told, the timetable would be needed, and it is refused.
  A cancelled trip has no delay.
- An alert becomes a Thing `alert/ID` of kind "situation" with `cause`, `effect`, `routes`, `stops`, `start` and
  `end`, and a reading `in-force`: "road-works" when it is caused by construction or maintenance, else "incident". Its
  texts are left out; it has no place, which only the timetable knows.

A time is that of the entity, or of the feed. Deleted entities of a differential feed are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2 as gtfs

from tutela.errors import BadInput
from tutela.model.heard import Heard

from ._hearing import OCCUPANCY, POSITION, Hearing, Measure, bounded, period, since_epoch, span

SPEED = Measure("readings", "speed", "m/s")
STATUS = Measure("readings", "occupancy-status", "1")
DELAY = Measure("readings", "delay", "s")
FULL = 5
"""Codes of occupancy up to here are in the order of how full a vehicle is."""
LISTED = 50
"""Routes, and stops, that the properties of an alert name."""
WORKS = {gtfs.Alert.CONSTRUCTION, gtfs.Alert.MAINTENANCE}
UNTIMED = {gtfs.TripUpdate.StopTimeUpdate.SKIPPED, gtfs.TripUpdate.StopTimeUpdate.NO_DATA}
GONE = {gtfs.TripDescriptor.CANCELED, gtfs.TripDescriptor.DELETED}


def read(body: bytes, source: str, *, by: Literal["route", "trip"] = "route") -> Heard:
    """What a feed message says; raises BadInput when it is none."""
    feed = _feed(body)
    hearing = _Feed(source, feed.header.timestamp, by)
    for entity in feed.entity:
        if not entity.is_deleted:
            hearing.entity(entity)
    hearing.delays()
    return hearing.heard()


def _feed(body: bytes) -> gtfs.FeedMessage:
    try:
        feed = gtfs.FeedMessage.FromString(bounded(body, "GTFS-Realtime feed"))
    except DecodeError as wrong:
        raise BadInput(f"this is not a GTFS-Realtime feed: {wrong}") from wrong
    if feed.header.gtfs_realtime_version not in {"1.0", "2.0"}:
        version = feed.header.gtfs_realtime_version
        raise BadInput(f"this feed is GTFS-Realtime {version[:20]!r}; 1.0 and 2.0 are understood")
    return feed


class _Feed(Hearing):
    """One feed as it is heard; `told` is its own time in seconds since 1970, 0 when it has none."""

    def __init__(self, source: str, told: int, by: str) -> None:
        super().__init__(source)
        self._told, self._by = told, by
        self._late: dict[tuple[str, str], list[tuple[int, int]]] = {}

    def entity(self, entity: gtfs.FeedEntity) -> None:
        """One entity: it may be a vehicle, a trip update and an alert at once."""
        try:
            if entity.HasField("vehicle"):
                self._vehicle(entity.id, entity.vehicle)
            if entity.HasField("trip_update"):
                self._trip(entity.id, entity.trip_update)
            if entity.HasField("alert"):
                self._alert(entity.id, entity.alert)
        except BadInput as wrong:
            self.refuse(f"entity {entity.id[:40]!r}: {wrong}")

    def _vehicle(self, id_: str, vehicle: gtfs.VehiclePosition) -> None:
        at = self._at(vehicle.timestamp)
        name = self.thing(f"vehicle/{_plain(vehicle.vehicle.id or id_)}", "vehicle")
        if name is None:
            return
        if vehicle.HasField("position"):
            where = vehicle.position
            self.say(name, "position", POSITION, at, where.latitude, where.longitude)
            if where.HasField("speed"):
                self.say(name, "speed", SPEED, at, where.speed)
        if vehicle.HasField("occupancy_percentage"):
            self.say(name, "occupancy", OCCUPANCY, at, float(vehicle.occupancy_percentage))
        if vehicle.HasField("occupancy_status") and vehicle.occupancy_status <= FULL:
            self.say(name, "occupancy-status", STATUS, at, float(vehicle.occupancy_status))

    def _trip(self, id_: str, update: gtfs.TripUpdate) -> None:
        at = self._at(update.timestamp)
        late = _delay(update)
        trip = _plain(update.trip.trip_id or id_)
        if late is None:
            self.refuse(f"trip {trip[:40]!r}: no stop ahead tells a delay, and times alone need the timetable")
            return
        route = _plain(update.trip.route_id)
        key = ("route", route) if route and self._by == "route" else ("trip", trip)
        self._late.setdefault(key, []).append((at, late))

    def delays(self) -> None:
        """The delay of each route, or trip: the mean over what was told, at the newest of its times."""
        for (what, id_), told in self._late.items():
            name = self.thing(f"{what}/{id_}", what)
            if name is not None:
                mean = sum(late for _, late in told) / len(told)
                self.say(name, "delay", DELAY, max(at for at, _ in told), mean)

    def _alert(self, id_: str, alert: gtfs.Alert) -> None:
        told = since_epoch(self._told) if self._told else None
        periods = [period(_when(one.start), _when(one.end)) for one in alert.active_period] or [(told, None)]
        properties = {
            "cause": _word(gtfs.Alert.Cause.Name(alert.cause)),
            "effect": _word(gtfs.Alert.Effect.Name(alert.effect)),
            "routes": _listed(one.route_id for one in alert.informed_entity),
            "stops": _listed(one.stop_id for one in alert.informed_entity),
            **span(periods),
        }
        name = self.thing(f"alert/{_plain(id_)}", "situation", None, properties)
        if name is not None:
            self.in_force(name, "road-works" if alert.cause in WORKS else "incident", periods, told)

    def _at(self, seconds: int) -> int:
        if not (seconds or self._told):
            raise BadInput("neither it nor the feed tells a time")
        return since_epoch(seconds or self._told)


def _delay(update: gtfs.TripUpdate) -> int | None:
    """Seconds behind the timetable; None when it is not told."""
    if update.trip.schedule_relationship in GONE:
        return None
    if update.HasField("delay"):
        return update.delay
    for stop in update.stop_time_update:
        if stop.schedule_relationship in UNTIMED:
            continue
        for event in (stop.arrival, stop.departure):
            if event.HasField("delay"):
                return event.delay
    return None


def _when(seconds: int) -> int | None:
    return since_epoch(seconds) if seconds else None


def _word(code: str) -> str:
    return code.lower().replace("_", "-")


def _listed(ids: Iterable[str]) -> str:
    """Different ids in their order, as one text."""
    return ", ".join(list(dict.fromkeys(_plain(one)[:80] for one in ids if one))[:LISTED])


def _plain(id_: str | bytes) -> str:
    """An id; the library gives bytes where it is no UTF-8."""
    if isinstance(id_, bytes):
        raise BadInput(f"the id {id_[:40]!r} is no UTF-8")
    return id_


part = read
