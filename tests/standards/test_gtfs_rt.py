"""GTFS-Realtime: vehicles, delays and alerts, each with the time and the unit that the feed means."""

from __future__ import annotations

import pytest
from google.protobuf import text_format
from google.transit import gtfs_realtime_pb2 as gtfs
from tests.standards.messages import ALERT, AT, GTFS, HOUR, SECONDS, TRIP, VEHICLE, feed
from tests.standards.samples import samples

from tutela.errors import BadInput
from tutela.model.heard import Heard
from tutela.standards import gtfs_rt


def trip(
    id_: str, route: str = "", delay: int | None = None, *stops: gtfs.TripUpdate.StopTimeUpdate
) -> gtfs.FeedEntity:
    update = gtfs.TripUpdate(
        trip=gtfs.TripDescriptor(trip_id=id_, route_id=route or None), delay=delay, stop_time_update=stops
    )
    return gtfs.FeedEntity(id=f"e-{id_}", trip_update=update)


def stop(late: int | None, *, skipped: bool = False) -> gtfs.TripUpdate.StopTimeUpdate:
    event = gtfs.TripUpdate.StopTimeEvent(delay=late) if late is not None else gtfs.TripUpdate.StopTimeEvent(time=1)
    state = gtfs.TripUpdate.StopTimeUpdate.SKIPPED if skipped else gtfs.TripUpdate.StopTimeUpdate.SCHEDULED
    return gtfs.TripUpdate.StopTimeUpdate(arrival=event, schedule_relationship=state)


def values(heard: Heard) -> list[tuple[str, int, tuple[float, ...]]]:
    return [(value.datastream, value.time, value.columns) for value in heard.values]


def test_a_vehicle_has_its_position_speed_and_load_at_its_own_time() -> None:
    heard = gtfs_rt.read(feed(VEHICLE), "hsl")
    when = AT - 5_000_000

    assert values(heard) == [
        ("hsl/vehicle/tram 7/position", when, (60.25, 24.75)),
        ("hsl/vehicle/tram 7/speed", when, (8.5,)),
        ("hsl/vehicle/tram 7/occupancy", when, (40.0,)),
        ("hsl/vehicle/tram 7/occupancy-status", when, (2.0,)),
    ]
    assert [(stream.kind, stream.unit) for stream in heard.datastreams] == [
        ("positions", "deg"),
        ("readings", "m/s"),
        ("readings", "%"),
        ("readings", "1"),
    ]
    assert heard.things[0].kind == "vehicle"


def test_a_vehicle_without_a_time_has_that_of_the_feed_and_without_either_is_refused() -> None:
    bare = gtfs.FeedEntity(id="v", vehicle=gtfs.VehiclePosition(position=gtfs.Position(latitude=60, longitude=24)))

    assert values(gtfs_rt.read(feed(bare), "s")) == [("s/vehicle/v/position", AT, (60.0, 24.0))]
    refused = gtfs_rt.read(feed(bare, told=0), "s")
    assert refused.values == ()
    assert "neither it nor the feed tells a time" in refused.refused[0].says


def test_a_vehicle_that_does_not_know_where_it_is_is_refused() -> None:
    lost = gtfs.FeedEntity(id="v", vehicle=gtfs.VehiclePosition(position=gtfs.Position(latitude=0, longitude=0)))

    assert "was never set" in gtfs_rt.read(feed(lost), "s").refused[0].says


def test_the_delay_of_a_route_is_the_mean_over_its_trips() -> None:
    trips = [trip("a", "7", 60), trip("b", "7", -30), trip("c", "8", 5), trip("d", "", 9)]
    heard = gtfs_rt.read(feed(*trips), "s")

    assert values(heard) == [
        ("s/route/7/delay", AT, (15.0,)),
        ("s/route/8/delay", AT, (5.0,)),
        ("s/trip/d/delay", AT, (9.0,)),
    ]
    assert {stream.unit for stream in heard.datastreams} == {"s"}


def test_each_trip_can_have_its_own_delay() -> None:
    heard = gtfs_rt.read(feed(trip("a", "7", 60), trip("b", "7", -30)), "s", by="trip")

    assert [value.columns for value in heard.values] == [(60.0,), (-30.0,)]


def test_a_trip_is_as_late_as_at_its_first_stop_ahead_that_tells_it() -> None:
    heard = gtfs_rt.read(feed(trip("a", "", None, stop(999, skipped=True), stop(None), stop(45), stop(50))), "s")

    assert [value.columns for value in heard.values] == [(45.0,)]


def test_a_trip_that_tells_only_times_or_was_cancelled_is_refused() -> None:
    gone = trip("b", "7", 5)
    gone.trip_update.trip.schedule_relationship = gtfs.TripDescriptor.CANCELED
    heard = gtfs_rt.read(feed(trip("a", "7", None, stop(None)), gone), "s")

    assert heard.values == ()
    assert ["need the timetable" in refusal.says for refusal in heard.refused] == [True, True]


def test_an_alert_is_in_force_in_its_periods_and_says_its_codes() -> None:
    heard = gtfs_rt.read(feed(ALERT), "s")
    (thing,) = heard.things

    assert (thing.name, thing.kind, thing.place) == ("s/alert/e3", "situation", None)
    assert thing.properties == {
        "cause": "construction",
        "effect": "detour",
        "routes": "7",
        "stops": "s9",
        "start": "2026-11-25T07:00:00.000Z",
        "end": "2026-11-25T09:00:00.000Z",
    }
    assert heard.datastreams[0].observed_property == "road-works"
    assert [(value.time - AT, value.columns[0]) for value in heard.values] == [(-HOUR, 1.0), (0, 1.0), (HOUR, 0.0)]


def test_an_alert_without_periods_is_in_force_while_it_is_told() -> None:
    heard = gtfs_rt.read(feed(gtfs.FeedEntity(id="a", alert=gtfs.Alert())), "s")

    assert values(heard) == [("s/alert/a/in-force", AT, (1.0,))]
    assert heard.datastreams[0].observed_property == "incident"


def test_what_was_deleted_is_left_out() -> None:
    gone = gtfs.FeedEntity(id="e1", is_deleted=True, vehicle=VEHICLE.vehicle)

    assert gtfs_rt.read(feed(gone), "s") == Heard()


def test_a_feed_of_another_version_is_a_clear_error() -> None:
    body = gtfs.FeedMessage(header=gtfs.FeedHeader(gtfs_realtime_version="3.0")).SerializeToString()

    with pytest.raises(BadInput, match=r"1\.0 and 2\.0 are understood"):
        gtfs_rt.read(body, "s")


def test_a_trip_update_of_a_year_that_cannot_be_is_refused_by_itself() -> None:
    odd = gtfs.FeedEntity(id="o", vehicle=gtfs.VehiclePosition(timestamp=2**63))
    heard = gtfs_rt.read(feed(odd, TRIP), "s")

    assert [value.datastream for value in heard.values] == ["s/route/7/delay"]
    assert "'o'" in heard.refused[0].says


def test_samples_of_others_are_heard_whole() -> None:
    found = {path.name: path.read_bytes() for path in samples("gtfs_rt")}
    vehicles = gtfs_rt.read(found["bullrunner-vehicle-positions.pb"], "s")
    parsed = {
        name: gtfs_rt.read(text_format.Parse(body, gtfs.FeedMessage()).SerializeToString(), "s")
        for name, body in found.items()
        if name.endswith("asciipb")
    }

    assert (len(vehicles.things), len(vehicles.values), vehicles.refused) == (10, 20, ())
    assert vehicles.values[0].datastream == "s/vehicle/1536/position"
    assert vehicles.values[0].columns == pytest.approx((28.0662212, -82.4176941))
    assert vehicles.values[0].time == 1505314375_000_000
    assert [value.columns[0] for value in parsed["trip-updates-full.asciipb"].values] == [5.0, -2.0]
    assert parsed["alerts.asciipb"].things[0].properties["stops"] == "16230, 16299"


def test_the_sample_of_these_tests_is_of_all_three_sorts() -> None:
    assert {thing.kind for thing in gtfs_rt.read(GTFS, "s").things} == {"vehicle", "route", "situation"}
    assert SECONDS * 1_000_000 == AT
