"""WZDx: work zones and the devices in them. What these tests send is valid by the official schemas, kept beside them.

They are those of version 4.2 as github.com/usdot-jpo-ode/wzdx publishes them at be5a8001b03c (CC0).
"""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from tests.standards.messages import AT, HOUR, SENSOR, WORK_ZONE, dumps
from tests.standards.samples import samples

from tutela.errors import BadInput
from tutela.model.heard import Heard
from tutela.model.place import Place
from tutela.standards import wzdx

OFFICIAL = Path(__file__).parent / "official" / "wzdx-4.2"
GEOJSON = {
    "https://geojson.org/schema/Point.json": {"properties": {"type": {"const": "Point"}}},
    "https://geojson.org/schema/LineString.json": {"properties": {"type": {"const": "LineString"}}},
    "https://geojson.org/schema/MultiPoint.json": {"properties": {"type": {"const": "MultiPoint"}}},
    "https://geojson.org/schema/Polygon.json": {"properties": {"type": {"const": "Polygon"}}},
}
"""The schemas of GeoJSON lie elsewhere; that the type is the right one is enough here."""


def validator(name: str) -> Draft7Validator:
    schemas = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in OFFICIAL.glob("*.json")}
    found = {schema["$id"]: schema for schema in schemas.values()} | {
        address: {"$schema": "http://json-schema.org/draft-07/schema#", **schema} for address, schema in GEOJSON.items()
    }
    registry: Registry[Any] = Registry().with_resources(
        (address, Resource.from_contents(schema)) for address, schema in found.items()
    )
    return Draft7Validator(schemas[name], registry=registry)


def changed(of: dict[str, Any] = WORK_ZONE, **properties: object) -> dict[str, Any]:
    """The message with other properties of its feature."""
    message = deepcopy(of)
    message["features"][0]["properties"] |= properties
    return message


def read(message: dict[str, Any]) -> Heard:
    return wzdx.read(dumps(message), "s")


def test_what_these_tests_send_is_valid_by_the_official_schemas() -> None:
    assert list(validator("WorkZoneFeed").iter_errors(WORK_ZONE)) == []
    assert list(validator("DeviceFeed").iter_errors(SENSOR)) == []
    assert list(validator("WorkZoneFeed").iter_errors(changed(vehicle_impact="much"))) != []


def test_a_work_zone_is_in_force_from_its_start_to_its_end() -> None:
    heard = read(WORK_ZONE)
    (thing,) = heard.things

    assert (thing.name, thing.kind, thing.place) == ("s/w1", "work-zone", Place(lat=60.19, lon=24.945))
    assert {name: text for name, text in thing.properties.items() if name != "geometry"} == {
        "type": "work-zone",
        "road": "Main Street, M1",
        "direction": "northbound",
        "impact": "all-lanes-closed",
        "lanes": "closed, closed",
        "works": "surface-work",
        "start": "2026-11-25T06:00:00.000Z",
        "end": "2026-11-25T18:00:00.000Z",
    }
    assert json.loads(thing.properties["geometry"]) == WORK_ZONE["features"][0]["geometry"]
    assert [((value.time - AT) // HOUR, value.columns[0]) for value in heard.values] == [(-2, 1.0), (0, 1.0), (10, 0.0)]


@pytest.mark.parametrize(
    ("event", "impact", "kind", "observed"),
    [
        ("work-zone", "all-lanes-closed", "work-zone", "road-closed"),
        ("work-zone", "some-lanes-closed", "work-zone", "road-works"),
        ("detour", "unknown", "situation", "detour"),
        ("restriction", "all-lanes-open", "situation", "road-works"),
    ],
)
def test_what_it_is_follows_from_its_type_and_impact(event: str, impact: str, kind: str, observed: str) -> None:
    core = {"event_type": event, "road_names": ["M1"], "direction": "northbound", "data_source_id": "1"}
    heard = read(changed(core_details=core, vehicle_impact=impact))

    assert (heard.things[0].kind, heard.datastreams[0].observed_property) == (kind, observed)


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_what_was_completed_or_cancelled_is_not_in_force(status: str) -> None:
    assert [value.columns for value in read(changed(event_status=status)).values] == [(0.0,)]


def test_a_traffic_sensor_has_readings_at_the_end_of_its_interval() -> None:
    heard = read(SENSOR)

    assert [(value.datastream, value.time, value.columns[0]) for value in heard.values] == [
        ("s/d1/speed", AT, 48.5),
        ("s/d1/flow", AT, 900.0),
        ("s/d1/occupancy", AT, 12.0),
        ("s/d1/lane-1/speed", AT, 51.0),
    ]
    assert [stream.unit for stream in heard.datastreams] == ["km/h", "1/h", "%", "km/h"]
    assert heard.things[0].kind == "traffic-sensor"


def test_a_sensor_without_any_time_is_refused() -> None:
    message = changed(SENSOR, collection_interval_end_date=None, core_details={"device_type": "traffic-sensor"})
    message["feed_info"] = {"version": "4.1"}

    assert "neither it nor the feed tells a time" in read(message).refused[0].says


def test_a_feature_that_cannot_be_understood_is_refused_by_its_place() -> None:
    message = deepcopy(WORK_ZONE)
    bad: list[object] = [
        {"id": 7},
        {"id": "x", "properties": {"core_details": {}}},
        changed(start_date="soon")["features"][0],
    ]
    message["features"] = [*bad, *message["features"]]
    heard = read(message)

    assert [thing.name for thing in heard.things] == ["s/w1"]
    assert [refusal.says.partition(":")[0] for refusal in heard.refused] == [
        "features[0]",
        "features[1]",
        "features[2]",
    ]


def test_a_geometry_that_cannot_be_understood_is_refused_and_the_work_zone_is_taken() -> None:
    message = deepcopy(WORK_ZONE)
    message["features"][0]["geometry"] = {"type": "LineString", "coordinates": [[7000000, 6]]}
    heard = read(message)

    assert ([thing.place for thing in heard.things], len(heard.values)) == ([None], 3)
    assert "'w1': the geometry" in heard.refused[0].says


def test_version_4_0_has_its_head_under_another_name() -> None:
    message = {**WORK_ZONE, "road_event_feed_info": {"version": "4.0"}}
    del message["feed_info"]

    assert len(read(message).values) == 2


@pytest.mark.parametrize("info", [{"version": "3.1"}, {}, None])
def test_another_version_is_a_clear_error(info: object) -> None:
    with pytest.raises(BadInput, match="not a WZDx feed of version 4"):
        read({**WORK_ZONE, "feed_info": info})


def test_samples_of_others_are_valid_and_are_heard_whole() -> None:
    for path in samples("wzdx"):
        message = json.loads(path.read_bytes())
        devices = "device_type" in message["features"][0]["properties"]["core_details"]
        heard = wzdx.read(path.read_bytes(), "s")

        assert list(validator("DeviceFeed" if devices else "WorkZoneFeed").iter_errors(message)) == [], path.name
        assert (len(heard.things), heard.refused) == (len(message["features"]), ()), path.name
        assert devices or len(heard.values) == 3 * len(message["features"])


def test_a_sample_of_others_has_the_values_that_stand_in_it() -> None:
    (path,) = (path for path in samples("wzdx") if path.name.startswith("scenario6"))
    heard = wzdx.read(path.read_bytes(), "s")

    assert heard.things[0].properties["lanes"] == "closed, closed, closed, open, open"
    assert [(value.time, value.columns[0]) for value in heard.values] == [
        (1262419200_000_000, 1.0),
        (1270076400_000_000, 0.0),
        (1592492400_000_000, 0.0),
    ]
