"""The Things Stack 3 (The Things Network), in: uplink messages as its webhooks and its MQTT server send them, in JSON.

An uplink becomes a Thing of kind "lorawan-device", named by its device id, with `application`, `dev_eui` and the
place that somebody gave it in the console. Each number of the decoded payload becomes a reading `DEVICE/FIELD`:
nested ones by their dotted path (`air.co2`), true as 1 and false as 0, texts left out. `units` says their units,
which no message tells. What the best gateway heard becomes `link/rssi` (dBm) and `link/snr` (dB), and `link/battery`
(%) is what the device last told the network, at the time when it did. Joins, downlinks and other messages hold no
number, and are refused.

The time is when the network heard it; a device's own clock is not in the message.

Source: www.thethingsindustries.com/docs/integrations/data-formats/
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tutela.model.heard import Heard
from tutela.model.place import Place

from ._hearing import BATTERY, RSSI, SNR, UPLINK, Hearing, at, decoded
from ._shapes import point


class _Application(msgspec.Struct, frozen=True):
    application_id: str = ""


class _Ids(msgspec.Struct):
    device_id: str
    dev_eui: str = ""
    application_ids: _Application = _Application()


class _Heard(msgspec.Struct, frozen=True):
    rssi: float | None = None
    snr: float | None = None


class _Battery(msgspec.Struct, frozen=True):
    value: float | None = None
    received_at: str | None = None


class _Location(msgspec.Struct, frozen=True):
    latitude: float = 0.0
    longitude: float = 0.0


class _Uplink(msgspec.Struct, frozen=True):
    received_at: str | None = None
    decoded_payload: dict[str, object] | None = None
    rx_metadata: list[_Heard] = []
    last_battery_percentage: _Battery = _Battery()
    locations: dict[str, _Location] = {}


class _Message(msgspec.Struct):
    end_device_ids: _Ids
    received_at: str
    uplink_message: _Uplink | None = None


def read(body: bytes, source: str, *, units: Mapping[str, str] | None = None) -> Heard:
    """What one message says; raises BadInput when it is none. `units` are by field, such as {"temperature": "Cel"}."""
    message = decoded(body, _Message, "message of The Things Stack 3", UPLINK)
    ids, uplink = message.end_device_ids, message.uplink_message or _Uplink()
    time = at(uplink.received_at or message.received_at)
    hearing = Hearing(source)
    properties = {"application": ids.application_ids.application_id, "dev_eui": ids.dev_eui}
    name = hearing.thing(ids.device_id, "lorawan-device", _place(uplink), properties)
    if name is None:
        return hearing.heard()
    hearing.fields(name, uplink.decoded_payload, time, units or {})
    best = max(uplink.rx_metadata, key=_strength, default=_Heard())
    battery = uplink.last_battery_percentage
    known = at(battery.received_at) if battery.received_at else time
    for field, measure, when, result in (
        ("link/rssi", RSSI, time, best.rssi),
        ("link/snr", SNR, time, best.snr),
        ("link/battery", BATTERY, known, battery.value),
    ):
        if result is not None:
            hearing.say(name, field, measure, when, result)
    if hearing.silent:
        hearing.refuse(
            f"{name}: the message holds no number; give the device a payload formatter, and send uplinks", body
        )
    return hearing.heard()


def _place(uplink: _Uplink) -> Place | None:
    """Where somebody said that the device is; not where a gateway is."""
    told = uplink.locations.get("user")
    return point(told.latitude, told.longitude) if told else None


def _strength(heard: _Heard) -> float:
    return -1000.0 if heard.rssi is None else heard.rssi


part = read
