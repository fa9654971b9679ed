"""WZDx 4.0 to 4.2 (USDOT Work Zone Data Exchange), in: the GeoJSON feeds of work zones and of the devices in them.

- A work zone becomes a Thing of kind "work-zone", any other road event one of kind "situation", with `type`, `road`,
  `direction`, `impact`, `lanes` (their states, from the left), `works`, `start`, `end` and `geometry`; and a reading
  `in-force`: "road-closed" when all lanes are, "detour" for a detour, else "road-works". A completed or cancelled
  event is not in force since the feed's time. Descriptions are left out.
- A device becomes a Thing of its kind ("camera", "arrow-board") with `status` and `road`. A traffic sensor has
  readings at the end of its interval: `speed` (km/h), `flow` (1/h), `occupancy` (%), and those of each lane as
  `lane-1/speed`.

Source: github.com/usdot-jpo-ode/wzdx, schemas WorkZoneFeed and DeviceFeed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import msgspec

from tutela.errors import BadInput
from tutela.model.heard import Heard

from ._hearing import FLOW, OCCUPANCY, SPEED, Hearing, at, decoded, number, period, span
from ._shapes import shape

MOST_LANES = 50
OVER = {"completed", "cancelled"}


class _Info(msgspec.Struct):
    update_date: str | None = None
    version: str = ""


class _Core(msgspec.Struct):
    event_type: str = ""
    device_type: str = ""
    device_status: str = ""
    direction: str = ""
    road_names: list[str] = []
    update_date: str | None = None


class _Lane(msgspec.Struct):
    status: str = ""
    lane_order: int | None = None
    average_speed_kph: float | None = None
    volume_vph: float | None = None
    occupancy_percent: float | None = None


class _Work(msgspec.Struct):
    type_name: str = ""


class _Properties(msgspec.Struct):
    core_details: _Core
    start_date: str | None = None
    end_date: str | None = None
    event_status: str = ""
    vehicle_impact: str = ""
    lanes: list[_Lane] = []
    types_of_work: list[_Work] = []
    collection_interval_end_date: str | None = None
    average_speed_kph: float | None = None
    volume_vph: float | None = None
    occupancy_percent: float | None = None
    lane_data: list[_Lane] = []


class _Feature(msgspec.Struct):
    id: str
    properties: _Properties
    geometry: object = None


class _Feed(msgspec.Struct):
    features: list[dict[str, object]]
    feed_info: _Info | None = None
    road_event_feed_info: _Info | None = None


def read(body: bytes, source: str) -> Heard:
    """What a feed says; raises BadInput when it is none. A feature that can't be understood is refused by itself."""
    feed = decoded(body, _Feed, "WZDx feed")
    info = feed.feed_info or feed.road_event_feed_info
    if info is None or not info.version.startswith("4."):
        version = "no version" if info is None else f"version {info.version[:20]!r}"
        raise BadInput(f"this is not a WZDx feed of version 4: its feed_info tells {version}")
    hearing = Hearing(source)
    told = at(info.update_date) if info.update_date else None
    for place, feature in enumerate(feed.features):
        try:
            _feature(hearing, msgspec.convert(feature, _Feature), told)
        except (msgspec.ValidationError, BadInput, RecursionError) as wrong:
            hearing.refuse(f"features[{place}]: {wrong}")
    return hearing.heard()


def _feature(hearing: Hearing, feature: _Feature, told: int | None) -> None:
    core = feature.properties.core_details
    if core.device_type:
        _device(hearing, feature, told)
    elif core.event_type:
        _event(hearing, feature, told)
    else:
        raise BadInput("its core_details tell neither an event_type nor a device_type")


def _event(hearing: Hearing, feature: _Feature, told: int | None) -> None:
    said = feature.properties
    core = said.core_details
    periods = [period(*(at(one) if one else None for one in (said.start_date, said.end_date)))]
    if said.event_status in OVER and told is not None:
        periods = [(None, told)]
    place, geometry = hearing.located(f"{feature.id[:80]!r}", partial(shape, feature.geometry))
    properties = {
        "type": core.event_type,
        "road": ", ".join(core.road_names),
        "direction": core.direction,
        "impact": said.vehicle_impact,
        "lanes": ", ".join(lane.status for lane in said.lanes[:MOST_LANES]),
        "works": ", ".join(work.type_name for work in said.types_of_work[:MOST_LANES]),
        "geometry": geometry,
        **span(periods),
    }
    name = hearing.thing(feature.id, "work-zone" if core.event_type == "work-zone" else "situation", place, properties)
    if name is not None:
        hearing.in_force(name, _property(core.event_type, said.vehicle_impact), periods, told)


def _property(event: str, impact: str) -> str:
    if impact == "all-lanes-closed":
        return "road-closed"
    return "detour" if event == "detour" else "road-works"


def _device(hearing: Hearing, feature: _Feature, told: int | None) -> None:
    said = feature.properties
    core = said.core_details
    place, _ = hearing.located(f"{feature.id[:80]!r}", partial(shape, feature.geometry))
    properties = {"status": core.device_status, "road": ", ".join(core.road_names)}
    name = hearing.thing(feature.id, core.device_type, place, properties)
    if name is None or core.device_type != "traffic-sensor":
        return
    when = said.collection_interval_end_date or core.update_date
    if when is None and told is None:
        raise BadInput("neither it nor the feed tells a time")
    time = at(when) if when else told
    _traffic(hearing, name, "", said, time or 0)
    for lane in said.lane_data[:MOST_LANES]:
        _traffic(hearing, name, f"lane-{lane.lane_order}/", lane, time or 0)


def _traffic(hearing: Hearing, name: str, where: str, said: _Properties | _Lane, time: int) -> None:
    """What a sensor measured, on all lanes or on one."""
    measured: Mapping[str, float | None] = {
        "speed": said.average_speed_kph,
        "flow": said.volume_vph,
        "occupancy": said.occupancy_percent,
    }
    for measure in (SPEED, FLOW, OCCUPANCY):
        result = measured[measure.observed_property]
        if result is not None:
            hearing.say(name, where + measure.observed_property, measure, time, number(result))


part = read
