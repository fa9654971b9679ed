"""NGSI-LD: entities in each of their representations, with the units and times that they mean."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.standards.messages import AIR, AT, TOLD, dumps
from tests.standards.samples import samples

from tutela.errors import BadInput
from tutela.model.heard import Heard
from tutela.model.place import Place
from tutela.standards import ngsi_ld

VEHICLE = {
    "id": "urn:ngsi-ld:Vehicle:1",
    "type": "Vehicle",
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [24.95, 60.18]}, "observedAt": TOLD},
    "speed": {"type": "Property", "value": 50, "unitCode": "KMH", "observedAt": TOLD},
}


def read(message: object, **options: Any) -> Heard:  # noqa: ANN401  a test names the options
    return ngsi_ld.read(dumps(message), "s", **options)


def values(heard: Heard) -> list[tuple[str, int, tuple[float, ...]]]:
    return [(value.datastream.rpartition(":")[2], value.time, value.columns) for value in heard.values]


def entity(**attributes: object) -> dict[str, object]:
    return {"id": "urn:x:1", "type": "Device", **attributes}


def test_an_entity_has_its_place_and_its_numbers_with_their_units() -> None:
    heard = read(AIR)

    assert [(thing.kind, thing.place, thing.properties) for thing in heard.things] == [
        ("air-quality-observed", Place(lat=60.1845, lon=24.951), {})
    ]
    assert heard.things[0].name == "s/urn:ngsi-ld:AirQualityObserved:kallio"
    assert [value.columns[0] for value in heard.values] == [12.5, 31.0, 33.0]
    assert [(stream.name.split("/", 2)[2], stream.observed_property, stream.unit) for stream in heard.datastreams] == [
        ("pm25", "pm25", "ug/m3"),
        ("no2", "no2", "ug/m3"),
        ("no2/urn:ngsi-ld:b", "no2", "{XYZ}"),
    ]


@pytest.mark.parametrize(
    "message",
    [
        entity(pm25={"type": "Property", "value": 7, "observedAt": TOLD, "unitCode": "GQ"}),
        entity(pm25={"value": 7, "observedAt": TOLD, "unitCode": "GQ"}),
        entity(pm25=7, dateObserved=TOLD),
        [entity(pm25=7, dateObserved=f"2026-11-25T07:00:00Z/{TOLD}")],
        entity(pm25=7, observationDateTime={"type": "Property", "value": {"@type": "DateTime", "@value": TOLD}}),
        {"type": "Notification", "notifiedAt": TOLD, "data": [entity(pm25={"type": "Property", "value": 7})]},
    ],
    ids=["normalised", "concise", "key-values", "interval", "typed time", "notification"],
)
def test_each_representation_says_the_same(message: object) -> None:
    assert values(read(message)) == [("1/pm25", AT, (7.0,))]


def test_a_vehicle_moves() -> None:
    heard = read(VEHICLE)

    assert values(heard) == [("1/speed", AT, (50.0,)), ("1/position", AT, (60.18, 24.95))]
    assert {stream.kind: stream.unit for stream in heard.datastreams} == {"readings": "km/h", "positions": "deg"}
    assert (heard.things[0].place, heard.things[0].kind) == (None, "vehicle")
    assert read({**VEHICLE, "type": "https://example.org/ns#Vehicle"}) == heard


def test_another_type_moves_when_it_is_said_so() -> None:
    boat = {**VEHICLE, "type": "Boat"}

    assert [stream.kind for stream in read(boat).datastreams] == ["readings"]
    assert [stream.kind for stream in read(boat, moving=["Boat"]).datastreams] == ["readings", "positions"]


def test_texts_and_relationships_are_kept_only_when_they_are_named() -> None:
    assert read(AIR, keep=["refDevice"]).things[0].properties == {"refDevice": "urn:ngsi-ld:Device:1"}


def test_a_line_is_kept_as_geometry_with_its_middle_as_the_place() -> None:
    street = entity(location={"type": "LineString", "coordinates": [[24.0, 60.0], [24.1, 60.1], [24.2, 60.2]]})
    (thing,) = read(street).things

    assert thing.place == Place(lat=60.1, lon=24.1)
    assert json.loads(thing.properties["geometry"])["type"] == "LineString"


def test_a_property_that_only_looks_like_a_place_gives_none() -> None:
    wrong = entity(location={"type": "Property", "value": {"type": "Point", "coordinates": [60.17, 24.94]}})

    assert read(wrong).things[0].place is None


def test_a_place_that_cannot_be_understood_is_refused_and_the_numbers_are_taken() -> None:
    heard = read({**VEHICLE, "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [999, 0]}}})

    assert values(heard) == [("1/speed", AT, (50.0,))]
    assert "the geometry is not on the Earth" in heard.refused[0].says


def test_some_attributes_have_names_of_ours_and_people_are_counted() -> None:
    heard = read(entity(averageVehicleSpeed=52.6, intensity=197, peopleCount=100, congested=False, dateObservedTo=TOLD))

    assert [(stream.observed_property, stream.kind) for stream in heard.datastreams] == [
        ("speed", "readings"),
        ("flow", "readings"),
        ("people", "counts"),
        ("congested", "readings"),
    ]
    assert [value.columns[0] for value in heard.values] == [52.6, 197.0, 100.0, 0.0]


def test_a_unit_that_is_not_told_can_be_said() -> None:
    streams = read(entity(temperature=4.0, level=1, dateObserved=TOLD), units={"temperature": "Cel"}).datastreams

    assert [stream.unit for stream in streams] == ["Cel", ""]


def test_numbers_of_no_time_are_refused_and_counted() -> None:
    heard = read(entity(a=1, b=2))

    assert heard.values == ()
    assert [(refusal.count, "a, b" in refusal.says) for refusal in heard.refused] == [(2, True)]


def test_local_times_need_a_zone() -> None:
    local = entity(a=1, dateObserved="2026-11-25T10:00:00")

    assert "no offset" in read(local).refused[0].says
    assert values(read(local, zone="Europe/Helsinki")) == [("1/a", AT, (1.0,))]


def test_one_bad_time_or_entity_does_not_take_the_others_with_it() -> None:
    bad = entity(a={"value": 1, "observedAt": "soon"}, b={"value": 2, "observedAt": TOLD})
    heard = read([bad, 7, {"id": "x"}, entity(c=3, dateObserved=TOLD)])

    assert values(heard) == [("1/b", AT, (2.0,)), ("1/c", AT, (3.0,))]
    assert [refusal.says.partition(":")[0] for refusal in heard.refused][1:] == ["entity 1", "entity 2"]


@pytest.mark.parametrize("message", [7, {}, {"data": 7}, None, "x"])
def test_what_is_no_entity_is_a_clear_error(message: object) -> None:
    with pytest.raises(BadInput, match="not an NGSI-LD message"):
        read(message)


def test_samples_of_others_are_heard() -> None:
    found = samples("ngsi_ld")
    heard = {path.name: ngsi_ld.read(path.read_bytes(), "s", zone="Europe/Madrid") for path in found}
    air = heard["AirQualityObserved__example.jsonld"]
    car = {value.datastream.rpartition("/")[2]: value for value in heard["Vehicle__example-normalized.jsonld"].values}

    assert all(len(one.things) == 1 for one in heard.values())
    assert sum(bool(one.values) for one in heard.values()) >= 15  # the others are models, or tell no number, or no time
    assert (air.things[0].place, {value.time for value in air.values}) == (
        Place(lat=40.423852777777775, lon=-3.712247222222222),
        {1458036000_000_000},
    )
    assert (car["position"].columns, car["position"].time) == (
        (40.62785133667262, -3.164485591715449),
        1538049600_000_000,
    )
    assert (car["speed"].columns, car["battery"].time) == ((50.0,), 1615458062_000_000)
