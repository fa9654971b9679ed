"""ChirpStack 4, in: events of LoRaWAN devices as its HTTP and MQTT integrations send them, in JSON.

An "up" event becomes a Thing of kind "lorawan-device", named by its DevEUI, with the device's `name`, `profile` and
`application`. Each number that its codec decoded becomes a reading `DEVEUI/FIELD`: nested ones by their dotted path
(`air.co2`), true as 1 and false as 0, texts left out. `units` says their units, which no message tells. What the best
gateway heard becomes `link/rssi` (dBm) and `link/snr` (dB). A "status" event becomes `link/battery` (%) where the
device tells it. Other events hold no number, and are refused.

The time is when the network heard it; a device's own clock is not in the message.

Source: www.chirpstack.io/docs/chirpstack/integrations/events.html
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tutela.model.heard import Heard

from ._hearing import BATTERY, RSSI, SNR, UPLINK, Hearing, at, decoded


class _Device(msgspec.Struct, rename="camel"):
    dev_eui: str
    device_name: str = ""
    device_profile_name: str = ""
    application_name: str = ""


class _Heard(msgspec.Struct, frozen=True):
    rssi: float | None = None
    snr: float | None = None


class _Event(msgspec.Struct, rename="camel"):
    time: str
    device_info: _Device
    payload: dict[str, object] | None = msgspec.field(default=None, name="object")
    rx_info: list[_Heard] = []
    battery_level: float | None = None
    battery_level_unavailable: bool = False
    external_power_source: bool = False


def read(body: bytes, source: str, *, units: Mapping[str, str] | None = None) -> Heard:
    """What one event says; raises BadInput when it is none. `units` are by field, such as {"temperature": "Cel"}."""
    event = decoded(body, _Event, "ChirpStack event", UPLINK)
    time, device = at(event.time), event.device_info
    hearing = Hearing(source)
    properties = {
        "name": device.device_name,
        "profile": device.device_profile_name,
        "application": device.application_name,
    }
    name = hearing.thing(device.dev_eui, "lorawan-device", None, properties)
    if name is None:
        return hearing.heard()
    hearing.fields(name, event.payload, time, units or {})
    best = max(event.rx_info, key=_strength, default=_Heard())
    told = event.battery_level is not None and not (event.battery_level_unavailable or event.external_power_source)
    battery = event.battery_level if told else None
    for field, measure, result in (
        ("link/rssi", RSSI, best.rssi),
        ("link/snr", SNR, best.snr),
        ("link/battery", BATTERY, battery),
    ):
        if result is not None:
            hearing.say(name, field, measure, time, result)
    if hearing.silent:
        hearing.refuse(
            f"{name}: the event holds no number; give the device a codec, and send events up and status", body
        )
    return hearing.heard()


def _strength(heard: _Heard) -> float:
    return -1000.0 if heard.rssi is None else heard.rssi


part = read
