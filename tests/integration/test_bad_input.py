"""Bad input on the real processes: a clear error or a counted dead letter, nobody else delayed, nothing accepted lost."""

from __future__ import annotations

import asyncio
import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from statistics import median
from uuid import uuid4

import httpx
import nats
import numpy as np
import pytest
from tests.integration.running import Device, Instance, Json, Person, datastream, line, now, until

from tutela.backends.engines import addresses
from tutela.model import wire
from tutela.model.rows import Rows
from tutela.model.when import HOUR, SECOND

pytestmark = pytest.mark.integration

NAMES = ["value", "order", "late", "behind", "poison", *(f"flood-{number}" for number in range(8))]
CLEAR = 400
DEEP = 10_000
LARGE = 10_000_000


@pytest.fixture(scope="module")
def device(city: Instance) -> Device:
    """A source that behaves badly."""
    others = [datastream(f"bad/{name}", place=(60.1 + 0.02 * at, 25.1)) for at, name in enumerate(NAMES)]
    pm25 = [datastream(f"bad/{name}", "pm25", unit="ug/m3", place=(60.0, 25.2)) for name in ("smoke", "twice")]
    found = city.enter("bad", *others, *pm25)
    found.known("bad/smoke")
    return found


@pytest.fixture(scope="module")
def quiet(city: Instance) -> Device:
    """A source that behaves well, and must not notice."""
    found = city.enter("quiet", datastream("quiet/value"))
    found.known("quiet/value")
    return found


@pytest.fixture(scope="module")
def mover(city: Instance) -> Device:
    """A source of positions."""
    found = city.enter("mover", datastream("mover/1", kind="positions"), personal_data=True)
    until(
        lambda: found.post(position(60.17, 24.94), kind="positions").json().get("accepted") == 1, "the mover is known"
    )
    return found


@pytest.fixture(scope="module")
def callers(city: Instance) -> Device:
    return city.enter("bad-calls", kind="calls", purposes=["emergency-response"], personal_data=True)


@pytest.fixture(scope="module", autouse=True)
def late(device: Device) -> int:
    """When (microseconds) an observation was made, before two of an hour earlier came. At the end of a minute they are told."""
    at = round(time.time()) * SECOND
    device.take(line("bad/late", 1.0, at))
    device.take(line("bad/late", 2.0, at - HOUR), line("bad/late", 3.0, at - HOUR + 1))
    return at


@pytest.fixture(autouse=True)
def unharmed(city: Instance, quiet: Device) -> Iterator[None]:
    """Whatever a test sends: no process dies of it, and another source is still taken at once."""
    before = lives(city)
    yield
    quiet.take(line("quiet/value", 1))
    assert lives(city) == before


def lives(city: Instance) -> dict[str, tuple[int, float]]:
    told = {name: city.run_file(name) for name in ("serve", "work-1", "keep", "nats", "postgres")}
    return {name: (one["pid"], one["started"]) for name, one in told.items()}


def position(lat: object, lon: object) -> bytes:
    return json.dumps({"datastream": "mover/1", "phenomenonTime": now(), "lat": lat, "lon": lon}).encode()


def reasons(answer: httpx.Response) -> Counter[str]:
    """What was refused, by reason."""
    assert answer.status_code == 200, answer.text
    counted: Counter[str] = Counter()
    for refusal in answer.json()["refused"]:
        assert refusal["says"], refusal
        counted[refusal["reason"]] += refusal["count"]
    return counted


def clear(answer: httpx.Response) -> Json:
    """A problem in words that tell the fix, and no fault of ours."""
    assert answer.status_code in (400, 413), (answer.status_code, answer.text[:300])
    problem = answer.json()
    assert problem["detail"]
    assert answer.headers["content-type"] == "application/problem+json"
    return problem


# ── bodies that nobody can read ─────────────────────────────────────────────────────────────────


def test_random_bytes_are_refused_line_by_line_and_counted(device: Device, keeper: Person) -> None:
    noise = random.Random(1).randbytes(300_000)
    lines = sum(bool(part.strip()) for part in noise.split(b"\n"))
    before = refused(keeper, "bad")
    answer = device.post(noise)
    assert answer.json()["accepted"] == 0
    assert reasons(answer) == {"unreadable": lines}
    assert len(answer.content) < 200_000
    assert refused(keeper, "bad") - before == {"unreadable": lines}


def refused(keeper: Person, source: str) -> Counter[str]:
    """What was refused of a source, as whoever keeps the system sees it."""
    told = {one["health"]["source"]: one["health"] for one in keeper.get("/v1/health")["sources"]}
    return Counter(told[source]["refused"])


def test_random_bytes_in_other_forms_are_a_clear_error(device: Device, callers: Device, operator: Person) -> None:
    noise = random.Random(2).randbytes(100_000)
    clear(device.post(noise, Content_Type="application/vnd.apache.arrow.stream"))
    clear(device.http.post("/v1/CreateObservations", content=noise))
    clear(callers.http.post("/v1/calls", content=noise))
    clear(operator.http.post("/v1/incidents", params=dict(operator.why), content=noise))


def test_arrow_that_was_damaged_on_the_way_is_a_clear_error_or_refused(device: Device) -> None:
    whole = wire.encode(
        Rows("readings", np.arange(1, 52, dtype=np.int32), np.arange(51), {"result": np.linspace(0.0, 1.0, 51)})
    )
    chance = random.Random(3)
    for _ in range(150):
        body = bytearray(whole)
        for _ in range(chance.choice((1, 2, 4))):
            body[chance.randrange(len(body))] = chance.choice((0, 1, 127, 128, 255))
        answer = device.post(bytes(body), Content_Type="application/vnd.apache.arrow.stream")
        assert answer.status_code in (200, 400), answer.text
        assert answer.status_code == CLEAR or answer.json()["accepted"] == 0
    lying = whole.replace((51).to_bytes(8, "little"), (10**7).to_bytes(8, "little"))
    clear(device.post(lying, Content_Type="application/vnd.apache.arrow.stream"))


def test_ten_megabytes_of_json_are_a_clear_error(device: Device, callers: Device, operator: Person) -> None:
    long = json.dumps("x" * LARGE).encode()
    clear(device.post(b'{"datastream":' + long + b"}"))
    clear(device.http.post("/v1/CreateObservations", content=long))
    call = {"id": "1", "at": now(), "lat": 60, "lon": 24, "category": "x", "said": "x" * LARGE}
    clear(callers.call(**call))
    clear(operator.ask("/v1/incidents", {"alert": "x" * LARGE}))


def test_json_nested_ten_thousand_deep_is_a_clear_error(device: Device, callers: Device, operator: Person) -> None:
    deep = b"[" * DEEP + b"]" * DEEP
    answer = device.post(line("bad/value", 1), b'{"x":' + deep + b"}", line("bad/value", 2))
    assert answer.json()["accepted"] == 2
    assert reasons(answer) == {"unreadable": 1}
    assert "line 2: nested too deeply" in answer.text
    clear(device.http.post("/v1/CreateObservations", content=deep))
    clear(callers.http.post("/v1/calls", content=b'{"said":' + deep + b"}"))
    clear(operator.http.post("/v1/incidents", params=dict(operator.why), content=b'{"alert":' + deep + b"}"))


# ── values that can't be ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b'"NaN"', b"null"])
def test_what_is_no_number_is_refused_and_the_rest_taken(device: Device, value: bytes) -> None:
    bad = line("bad/value", 1).replace(b'"result": 1', b'"result": ' + value)
    answer = device.post(line("bad/value", 1), bad, line("bad/value", 2))
    assert answer.json()["accepted"] == 2
    assert sum(reasons(answer).values()) == 1


def test_what_is_no_number_in_arrow_is_refused_too(device: Device, city: Instance) -> None:
    number = city.numbers()["bad/value"]
    at = round(time.time() * 1e6)
    values = np.array([1.0, np.nan, np.inf, -np.inf, 2.0])
    rows = Rows("readings", np.full(5, number, np.int32), np.arange(at, at + 5), {"result": values})
    answer = device.post(wire.encode(rows), Content_Type="application/vnd.apache.arrow.stream")
    assert answer.json()["accepted"] == 2
    assert reasons(answer) == {"not-finite": 3}


def test_another_unit_than_the_registers_is_refused(device: Device) -> None:
    answer = device.post(line("bad/smoke", 300.0, unit="mg/m3"), line("bad/smoke", 3.0, unit="ug/m3"))
    assert answer.json()["accepted"] == 1
    assert reasons(answer) == {"unreadable": 1}
    assert "ug/m3" in answer.text


def test_coordinates_of_another_reference_system_are_refused(mover: Device, callers: Device) -> None:
    helsinki_in_etrs_tm35fin = (6_672_000.0, 385_600.0)
    answer = mover.post(
        position(*helsinki_in_etrs_tm35fin), position(60.17, 24.94), position("60.17", 24.94), kind="positions"
    )
    assert answer.json()["accepted"] == 1
    assert reasons(answer) == {"off-earth": 1, "unreadable": 1}
    assert "WGS 84" in answer.text
    lat, lon = helsinki_in_etrs_tm35fin
    clear(callers.call(id="crs", at=now(), lat=lat, lon=lon, category="EMS"))


def test_times_that_can_not_be_are_refused(device: Device, callers: Device) -> None:
    answer = device.post(
        line("bad/value", 1, now(3600)),
        line("bad/value", 1, "2199-01-01T00:00:00Z"),
        line("bad/value", 1, 0),
        line("bad/value", 1, "1970-01-01T00:00:00Z"),
        line("bad/value", 1, now(-86_400 * 40)),
        line("bad/value", 1, 2**70),
        line("bad/value", 1, "25.11.2026 08:00"),
        line("bad/value", 1, "2026-11-25T08:00:00"),
        line("bad/value", 1, now(60)),
    )
    assert answer.json()["accepted"] == 1  # a minute ahead is a clock that is not set well
    assert reasons(answer) == {"future": 2, "clock-unset": 2, "too-old": 1, "unreadable": 3}
    for at in (now(3600), "1970-01-01T00:00:00Z"):
        assert "clock" in clear(callers.call(id="time", at=at, lat=60, lon=24, category="EMS"))["detail"]


# ── order, doubles, and clocks ──────────────────────────────────────────────────────────────────


def test_what_comes_doubled_has_its_effects_once(device: Device, operator: Person) -> None:
    since, low, high = now(-1), line("bad/twice", 5.0), line("bad/twice", 500.0)
    for body in (low, high, high, low, high):
        device.take(*[body] * 3)
    device.take(low, high, low, high)

    smoke = until(
        lambda: [one for one in operator.queue() if one["type"] == "smoke" and "bad" in one["sources"]], "the alert"
    )
    assert [one["count"] for one in smoke] == [1]
    told = operator.get(f"/v1/events/about/{smoke[0]['detections'][0]}")
    assert [one["kind"] for one in told] == ["detection@1"]
    assert [result for _, result in operator.series("bad/twice", since, now(1))] == [5.0, 500.0]


def test_what_comes_out_of_order_is_a_series_in_order(device: Device, operator: Person) -> None:
    at = round(time.time()) * SECOND
    sent = [(at - number * SECOND, float(number)) for number in range(200)]
    shuffled = random.Random(4).sample(sent, len(sent))
    for first in range(0, len(shuffled), 20):
        device.take(*(line("bad/order", result, time_) for time_, result in shuffled[first : first + 20]))
    assert operator.series("bad/order", now(-600), now(1)) == sorted(sent)


def test_a_clock_that_is_an_hour_off_is_refused_ahead_and_kept_behind(device: Device, operator: Person) -> None:
    ahead = device.post(*(line("bad/behind", 1, now(3600)) for _ in range(10)))
    assert reasons(ahead) == {"future": 10}
    since = now(-3601)
    for number in range(5):
        device.take(line("bad/behind", number, now(-3600)))
    # when its clock is set right, nothing stands in the way
    device.take(line("bad/behind", 5, now()))
    assert [result for _, result in operator.series("bad/behind", since, now(1))] == [0, 1, 2, 3, 4, 5]
    until(lambda: operator.newest("bad/behind") == {"bad/behind": 5.0}, "the newest value is that of the right clock")


# ── a source that floods ────────────────────────────────────────────────────────────────────────


def test_a_source_that_floods_delays_nobody_else_and_loses_nothing(
    city: Instance, device: Device, quiet: Device, operator: Person
) -> None:
    calm = acknowledgements(quiet, 2.0)
    over, numbers, taken = threading.Event(), count(), Counter[str]()
    since, first = now(-1), round(time.time()) * SECOND

    def flood(name: str) -> None:
        device_ = Device(city.client(device.http.headers["authorization"].removeprefix("Bearer ")))
        while not over.is_set():
            begin = next(numbers) * 2000
            answer = device_.post(*(line(name, number, first + begin + number) for number in range(2000)))
            if answer.status_code == 200:
                taken[name] += answer.json()["accepted"]
            else:
                assert answer.status_code in (429, 503), answer.text
                assert int(answer.headers["Retry-After"]) >= 1

    with ThreadPoolExecutor(4) as pool:
        floods = [pool.submit(flood, f"bad/flood-{number}") for number in range(4)]
        try:
            flooded = acknowledgements(quiet, 6.0)
        finally:
            over.set()
        for one in floods:
            one.result()

    assert sum(taken.values()) > 20_000
    assert median(flooded) < max(0.5, 10 * median(calm)), (median(calm), median(flooded))
    assert max(flooded) < 5.0
    for name, accepted in taken.items():
        assert len(operator.series(name, since, now(3600))) == accepted


def acknowledgements(device: Device, seconds: float) -> list[float]:
    """How long a quiet source waits for each of its observations to be durable."""
    took = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        device.take(line("quiet/value", 1))
        took.append(time.monotonic() - began)
    return took


# ── text that is meant to deceive ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["EMS\x00: fall", "EMS\u202e:eht", "EMS\nFire", ""])
def test_deceiving_text_in_a_call_is_a_clear_error(callers: Device, text: str) -> None:
    assert clear(callers.call(id="text", at=now(), lat=60, lon=24, category=text))


def test_what_was_said_is_kept_as_it_was_said(callers: Device, operator: Person) -> None:
    said = "no\x00thing \u202etfel\u202c <script>alert(1)</script> 🚒"
    answer = callers.call(id=uuid4().hex, at=now(), lat=60, lon=24, category="EMS: fall", said=said)
    assert answer.status_code == 201, answer.text
    assert operator.get(f"/v1/calls/{answer.json()['event']}")["said"] == said


@pytest.mark.parametrize("name", ["A\x00ino", "\u202eonia", "", "x" * 200, "<b>"])
def test_deceiving_names_of_people_are_a_clear_error_or_plain_text(city: Instance, name: str) -> None:
    code = city.told("invite", "operator")["code"] if name == "<b>" else "MADE-UP"
    answer = city.client().post("/v1/enrol", json={"code": code, "name": name})
    if name == "<b>":
        assert answer.json()["agent"]["name"] == name
    else:
        assert answer.status_code in (400, 404)


@pytest.mark.parametrize("name", ["lamp\\u0000", "lamp\\u202e"])
def test_deceiving_names_in_the_register_are_a_clear_error(city: Instance, name: str) -> None:
    file = city.data.parent / "deceiving.toml"
    file.write_text(
        f'[source]\nname = "{name}"\nowner = "a"\nkind = "b"\npurposes = ["traffic"]\nlegal_basis = "Consent"\npersonal_data = false\nplace = "c"\n'
    )
    done = city.tutela("sources", "enter", file)
    assert done.returncode == 1
    assert "plain text" in done.stderr


# ── poison in the recorded stream itself ────────────────────────────────────────────────────────


def test_poison_in_the_stream_is_set_aside_with_its_reason_and_taken_up_again(
    city: Instance, device: Device, operator: Person, keeper: Person
) -> None:
    before = {letter["id"] for letter in city.told("letters", "list", "--most", "1000")}
    partition = city.numbers()["bad/poison"] % 16
    publish(city, poison(partition))
    # what comes after it is worked off all the same
    device.take(line("bad/poison", 77.0))
    until(lambda: operator.newest("bad/poison") == {"bad/poison": 77.0}, "the newest value after the poison")

    letters = until(lambda: new(city, before, len(poison(partition))), "the dead letters")
    assert {letter["reason"] for letter in letters} == {"unreadable"}
    assert all(letter["says"] and letter["subject"] for letter in letters)
    told = [
        one for one in keeper.log() if one["kind"] == "dead-letter@1" and one["subject"] in {x["id"] for x in letters}
    ]
    assert len(told) == len(letters)

    # taken up again it is worked off again, and dies again: as the letter that it was, which knows of the try
    one = next(letter for letter in letters if letter["subject"] == f"obs.live.readings.{partition}")
    again = city.told("letters", "revive", one["id"])
    assert again["subject"] == one["subject"]
    died = until(
        lambda: [x for x in new(city, before, len(letters)) if x["id"] == one["id"] and x["tries"]], "it died again"
    )
    assert [letter["tries"] for letter in died] == [1]


def new(city: Instance, before: set[str], least: int) -> list[Json]:
    """Dead letters that were not there before, when there are so many at least."""
    found = [one for one in city.told("letters", "list", "--most", "1000") if one["id"] not in before]
    return found if len(found) >= least else []


def poison(partition: int) -> list[tuple[str, bytes, dict[str, str]]]:
    """Messages that no gateway of ours would write, for streams that everybody reads."""
    far = Rows("readings", np.array([-16 + partition], np.int32), np.array([1]), {"result": np.array([np.nan])})
    lying = wire.encode(far).replace((1).to_bytes(8, "little"), (10**7).to_bytes(8, "little"))
    return [
        (f"obs.live.readings.{partition}", random.Random(5).randbytes(1000), {"Schema": "readings@1"}),
        (f"obs.live.readings.{partition}", b"", {}),
        (f"obs.live.readings.{partition}", wire.encode(far), {"Schema": "readings@1"}),
        (f"obs.live.readings.{partition}", lying, {"Schema": "readings@1"}),
        (f"obs.live.readings.{partition}", b"sealed", {"Key": "no such key", "Bucket": "nowhere"}),
        ("obs.live.tick", b'{"at":"soon"}', {}),  # every partition reads it, and it is one letter
    ]


FOR_THE_ARCHIVE = [
    ("obs.live.positions.3", b"sealed", {"Key": "k", "Bucket": "x", "Rows": "many"}),
    ("obs.live.readings.99999", b"noise", {}),
    ("obs.live.unheard-of.0", b"noise", {}),
    ("det.live.1", b'{"noun":"call"}', {}),
    ("det.live.desk", b"[" * 10_000, {}),
    ("det.live.tick", b"\xff", {}),
]


def publish(city: Instance, messages: list[tuple[str, bytes, dict[str, str]]]) -> None:
    """Straight into the stream, past every door."""

    async def send() -> None:
        client = await nats.connect(addresses(city.data, os.environ).nats)
        try:
            for subject, body, headers in messages:
                await client.jetstream().publish(subject, body, headers=headers or None)
        finally:
            await client.close()

    asyncio.run(send())


def test_poison_for_the_archive_and_the_second_hop_stops_nobody(
    city: Instance, device: Device, operator: Person
) -> None:
    publish(city, FOR_THE_ARCHIVE)
    chance = random.Random(6)
    whole = wire.encode(Rows("readings", np.arange(1, 3, dtype=np.int32), np.arange(2), {"result": np.ones(2)}))
    damaged = []
    for number in range(100):
        body = bytearray(whole)
        body[chance.randrange(len(body))] = chance.randrange(256)
        damaged.append((f"obs.live.readings.{number % 16}", bytes(body), {"Schema": "readings@1"}))
    publish(city, damaged)
    device.take(line("bad/poison", 78.0))
    until(lambda: operator.newest("bad/poison") == {"bad/poison": 78.0}, "the newest value after the poison")
    assert city.told("verify")["findings"] == []


# ── at last, what the first minute told ─────────────────────────────────────────────────────────


def test_what_comes_late_by_an_hour_is_kept_and_told_as_a_correction(
    late: int, operator: Person, keeper: Person
) -> None:
    early = [(late - HOUR, 2.0), (late - HOUR + 1, 3.0)]
    assert operator.series("bad/late", now(-7200), now(1)) == [*early, (late, 1.0)]
    until(lambda: operator.newest("bad/late") == {"bad/late": 1.0}, "the newest value, which is not what came last")
    told = until(
        lambda: [
            one["body"]
            for one in keeper.log()
            if one["kind"] == "correction@1" and one["body"]["since"] == late - HOUR and one["body"]["lateness"] == 0
        ],
        "the correction",
        within=75,
    )
    assert [(one["until"], one["count"]) for one in told] == [(late - HOUR + 1, 2)]
