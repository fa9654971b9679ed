"""Units on the real processes: entered from a file, seen where they are, and a status that everybody hears of."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.integration.running import Device, Instance, Json, now, running, until

from tutela.sources.units import FLEET
from tutela.sources.units import UNITS as UNITS_SOURCE

pytestmark = pytest.mark.integration

UNITS = """
[[unit]]
name = "H11"
agency = "fire"
kind = "engine"
skills = ["firefighting"]
thing = "radio mast"
status = "Available"
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("town") / "data", "--empty") as instance:
        yield instance


def position(lat: float, lon: float) -> bytes:
    return json.dumps({"datastream": "radio/where", "phenomenonTime": now(), "lat": lat, "lon": lon}).encode()


def moves(radio: Device, lat: float, lon: float) -> None:
    until(lambda: radio.post(position(lat, lon), kind="positions").json().get("accepted") == 1, "the position is taken")


def test_a_unit_is_entered_followed_and_sent_on_its_way(town: Instance, tmp_path: Path) -> None:
    entry = (
        '[[datastream]]\nname = "radio/where"\nthing = "radio mast"\nkind = "positions"\n'
        'observed_property = "position"\nunit = "deg"\ninterval = 5'
    )
    radio = town.enter("radio", entry, personal_data=True)
    file = tmp_path / "units.toml"
    file.write_text(UNITS)
    (unit,) = town.told("units", "enter", file)
    assert town.told("units", "enter", file) == town.told("units", "list") == [unit]
    operator = town.enrol("operator", "Anna")
    moves(radio, 60.17, 24.94)

    def seen() -> Json:
        (found,) = operator.get("/v1/units")["units"]
        return found["place"] and found

    found = until(seen, "its place is seen")
    assert (found["unit"]["name"], found["place"]) == ("H11", {"lat": 60.17, "lon": 24.94})
    moves(radio, 60.18, 24.95)
    until(lambda: (seen() or {}).get("place") == {"lat": 60.18, "lon": 24.95}, "its next place is seen")

    with operator.following() as follower:
        path = f"/v1/units/{unit['id']}/status"
        done = operator.do(path, {"status": "Enroute"}, Idempotency_Key="1")
        assert operator.do(path, {"status": "Enroute"}, Idempotency_Key="1") == done
        _, told = follower.wait(lambda event: event["kind"] == "unit@1", "the status comes over SSE")
    assert (told["body"]["status"], told["by"]) == ("Enroute", operator.id)
    assert operator.ask(path, {"status": "AtHospital"}).status_code == 409

    plain = struct.pack("<d", 60.18)  # as Arrow would have it
    assert town.holding(plain) == []
    wrong = town.tutela("units", "enter", _written(tmp_path / "wrong.toml", UNITS.replace("radio mast", "nothing")))
    assert wrong.returncode == 1
    assert "H11: the register has no Thing called 'nothing'" in wrong.stderr


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """The demonstration city."""
    with running(tmp_path_factory.mktemp("demonstration") / "data") as city:
        yield city


def test_the_units_of_the_demonstration_city_are_seen_and_move(demonstration: Instance) -> None:
    operator = demonstration.come_in(demonstration.codes["operator"], "Anna")

    def places() -> Json:
        found = operator.get("/v1/units")["units"]
        seen = {one["unit"]["name"]: one["place"] for one in found if one["place"]}
        return seen if len(seen) == len(FLEET) else {}

    first = until(places, "all units tell where they are", within=90)
    agencies = {one["unit"]["agency"] for one in operator.get("/v1/units")["units"]}
    assert agencies == {"police", "fire", "ambulance"}
    # Each stops for four minutes at the most, and they don't all stop at once.
    until(lambda: any(place != first[name] for name, place in places().items()), "one of them moves", within=240)
    entry = next(one for one in operator.get("/v1/sources") if one["name"] == UNITS_SOURCE.name)
    assert (entry["simulated"], entry["personal_data"]) == (True, True)


@pytest.mark.long
def test_the_demonstration_has_a_witness_of_its_own_that_says_so(demonstration: Instance) -> None:
    """A process with its own directory and key, which is told nothing of the engines."""

    def cosigned() -> Json:
        (one,) = demonstration.client().get("/v1/log/signers").json()["witnesses"]
        return one if one["size"] else None

    one = until(cosigned, "the demonstration's witness cosigns", within=150)
    process = psutil.Process(demonstration.run_file("witness")["pid"])
    folder = demonstration.data / "demonstration-witness"

    assert one["cosigner"]["simulated"] is True
    assert one["cosigner"]["owner"].endswith("a real witness belongs to somebody else")
    assert process.cmdline()[3:5] == ["witness", demonstration.base]
    assert not [name for name in process.environ() if name.startswith("TUTELA_")]
    assert (folder / "witness.key").stat().st_mode & 0o777 == 0o600
    says = {found["what"] for found in json.loads(demonstration.tutela("doctor", "--json").stdout)}
    assert "the demonstration's own witness cosigns this log; a real one belongs to somebody else" in says


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
