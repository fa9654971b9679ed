"""LoRaWAN uplinks of ChirpStack and of The Things Stack: what the device measured, and how well it was heard."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from tests.standards.messages import AT, HOUR, UP, UPLINK, dumps

from tutela.errors import BadInput
from tutela.model.heard import Heard
from tutela.model.place import Place
from tutela.standards import chirpstack, ttn

STATUS = {
    "time": "2026-11-25T08:00:00Z",
    "deviceInfo": UP["deviceInfo"],
    "margin": 6,
    "externalPowerSource": False,
    "batteryLevelUnavailable": False,
    "batteryLevel": 75.5,
}


def values(heard: Heard) -> dict[str, float]:
    return {value.datastream.split("/", 2)[2]: value.columns[0] for value in heard.values}


def units(heard: Heard) -> dict[str, str]:
    return {stream.observed_property: stream.unit for stream in heard.datastreams}


def test_a_chirpstack_uplink_has_the_decoded_numbers_and_the_link_of_its_best_gateway() -> None:
    heard = chirpstack.read(dumps(UP), "lora", units={"temperature": "Cel", "air.co2": "ppm"})

    assert values(heard) == {
        "temperature": 4.25,
        "door": 1.0,
        "air.co2": 450.0,
        "each.0": 1.0,
        "each.1": 2.0,
        "link/rssi": -57.0,
        "link/snr": 9.5,
    }
    assert {value.time for value in heard.values} == {AT + 123_456}
    assert (heard.things[0].name, heard.things[0].properties) == (
        "lora/70b3d57ed0000001",
        {"name": "yard 1", "profile": "box", "application": "air"},
    )
    told = units(heard)
    assert [told[name] for name in ("temperature", "air.co2", "door", "rssi", "snr")] == ["Cel", "ppm", "", "dBm", "dB"]


def test_a_chirpstack_status_tells_the_battery_unless_there_is_none() -> None:
    assert values(chirpstack.read(dumps(STATUS), "s")) == {"link/battery": 75.5}
    for mains in ("externalPowerSource", "batteryLevelUnavailable"):
        heard = chirpstack.read(dumps({**STATUS, mains: True, "batteryLevel": 0}), "s")
        assert heard.values == ()
        assert "holds no number" in heard.refused[0].says


def test_a_things_stack_uplink_has_the_decoded_numbers_the_link_and_the_place_from_the_console() -> None:
    heard = ttn.read(dumps(UPLINK), "lora", units={"temperature": "Cel"})

    assert values(heard) == {
        "temperature": 4.25,
        "door": 0.0,
        "air.co2": 450.0,
        "link/rssi": -101.0,
        "link/snr": 2.5,
        "link/battery": 87.5,
    }
    assert {value.time for value in heard.values} == {AT + 100_000, AT - HOUR}  # the battery was told an hour before
    assert heard.values[-1].time == AT - HOUR
    assert (heard.things[0].name, heard.things[0].place) == ("lora/yard-1", Place(lat=60.1845, lon=24.951))
    assert heard.things[0].properties == {"application": "kallio", "dev_eui": "0004A30B001C0530"}
    assert units(heard)["battery"] == "%"


def test_the_place_of_a_gateway_is_not_that_of_the_device() -> None:
    message: dict[str, Any] = deepcopy(UPLINK)
    message["uplink_message"]["locations"] = {"frm-payload": {"latitude": 1, "longitude": 2}}

    assert ttn.read(dumps(message), "s").things[0].place is None


def test_a_message_without_numbers_is_refused_with_what_to_do() -> None:
    join = {"end_device_ids": {"device_id": "d"}, "received_at": "2026-11-25T08:00:00Z", "join_accept": {}}
    heard = ttn.read(dumps(join), "s")

    assert heard.values == ()
    assert "payload formatter" in heard.refused[0].says


@pytest.mark.parametrize("of", [ttn, chirpstack])
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"time": "soon"}', b"\xff"])
def test_what_is_no_uplink_is_a_clear_error(of: Any, body: bytes) -> None:  # noqa: ANN401  one of two modules
    with pytest.raises(BadInput, match="this is not a"):
        of.read(body, "s")


def test_a_time_that_is_none_is_a_clear_error() -> None:
    with pytest.raises(BadInput, match="is not a time"):
        chirpstack.read(dumps({**STATUS, "time": "soon"}), "s")


def test_a_device_whose_name_cannot_be_shown_is_refused() -> None:
    named: dict[str, Any] = deepcopy(UPLINK)
    named["end_device_ids"]["device_id"] = "a\nb"
    eui = {**STATUS, "deviceInfo": {"devEui": "a\nb"}}

    assert [heard.things for heard in (ttn.read(dumps(named), "s"), chirpstack.read(dumps(eui), "s"))] == [(), ()]
