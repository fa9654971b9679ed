"""The log live: every event once, in order, from where a reader was; and an end when the session is over."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import msgspec
import pytest
from tests.screens.site import Site, clock
from tests.screens.town import MINOR, WHY

from tutela.model.when import SECOND, iso
from tutela.screens.events import Pulse, Told


class Said(msgspec.Struct):
    """One message of the stream."""

    event: str = ""
    data: str = ""
    id: str = ""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    site = Site()
    try:
        yield site
    finally:
        site.close()


class Reader:
    """Somebody who follows the log."""

    path = "/v1/events/stream"

    def __init__(self, site: Site, **headers: str) -> None:
        self.site = site
        self.client = httpx.Client(base_url=site.address, headers={"Authorization": f"Bearer {site.token}", **headers})

    def messages(self, after: str = "") -> Iterator[Said]:
        """What comes, for ever."""
        with self.client.stream("GET", f"{self.path}{WHY}{after}", timeout=10) as answer:
            assert answer.status_code == 200, answer.read()
            assert answer.headers["content-type"].startswith("text/event-stream")
            said = Said()
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name in said.__struct_fields__:
                    setattr(said, name, value)
                elif not line and said.event:
                    yield said
                    said = Said()

    def until(self, subject: str, after: str = "") -> list[Said]:
        """What comes, without pulses, up to the first event about that."""
        found = []
        for said in self.messages(after):
            if said.event not in {"pulse", "over"}:
                found.append(said)
                if msgspec.json.decode(said.data, type=Told).subject == subject:
                    return found
        raise AssertionError("the stream ended")

    def close(self) -> None:
        self.client.close()


@pytest.fixture
def reader(site: Site) -> Iterator[Reader]:
    reader = Reader(site)
    yield reader
    reader.close()


def subjects(said: list[Said]) -> list[str]:
    return [msgspec.json.decode(one.data, type=Told).subject for one in said]


def test_a_reader_resumes_with_exactly_what_it_missed(site: Site, reader: Reader) -> None:
    first = site.run(site.here.alert())
    seen = reader.until(first.id, "&after=-1")
    missed = [site.run(site.here.alert()).id for _ in range(5)]

    reader.client.headers["Last-Event-ID"] = seen[-1].id
    resumed = reader.until(missed[-1])
    del reader.client.headers["Last-Event-ID"]
    whole = reader.until(missed[-1], "&after=-1")

    assert subjects(resumed) == missed
    assert [one.id for one in whole] == [one.id for one in [*seen, *resumed]]
    assert [int(one.id) for one in whole] == sorted({int(one.id) for one in whole})


def test_without_a_place_it_begins_now(site: Site, reader: Reader) -> None:
    site.run(site.here.alert())
    messages = reader.messages()
    pulse = next(messages)
    new = site.run(site.here.alert())

    come = [next(messages)]
    while come[-1].event == "pulse":
        come.append(next(messages))

    assert pulse.event == "pulse"
    assert subjects(come[-1:]) == [new.id]


def test_a_pulse_says_the_time_and_how_far_the_log_was_read(site: Site, reader: Reader) -> None:
    before = site.here.clock()

    said = next(one for one in reader.messages("&after=-1") if one.event == "pulse")

    pulse = msgspec.json.decode(said.data, type=Pulse)
    assert before <= pulse.at <= site.here.clock()
    assert int(said.id) == pulse.after


def test_a_session_that_is_over_ends_the_stream(site: Site) -> None:
    token = site.run(site.here.token())
    reader = Reader(site, Authorization=f"Bearer {token}")
    messages = reader.messages()
    next(messages)

    site.run(site.here.staff.sign_out(token))

    *_, last = messages
    assert (last.event, last.data) == ("over", "this session is over; sign in again")
    reader.close()


@pytest.mark.parametrize("place", ["-1", "x", "1.5", "9" * 30, "٣"])
def test_a_place_that_is_none_is_refused(site: Site, place: str) -> None:
    headers = {b"Authorization": f"Bearer {site.token}".encode(), b"Last-Event-ID": place.encode()}
    answer = httpx.get(f"{site.address}/v1/events/stream{WHY}", headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (400, "tutela:BadInput")


def test_the_past_is_followed_at_its_own_time_until_it_is_now(site: Site, reader: Reader) -> None:
    """The same events as the live stream had, pulses that tell the time there, and an end."""
    alert = site.run(site.here.alert("past", MINOR))
    began = clock()
    reader.path = "/v1/past/stream"

    said = list(reader.messages(f"&since={quote(iso(began - 2 * SECOND))}&speed=60"))

    pulses = [msgspec.json.decode(one.data, type=Pulse).at for one in said if one.event == "pulse"]
    assert pulses == sorted(pulses)
    assert began - 2 * SECOND <= pulses[0] < began
    assert alert.id in subjects([one for one in said if one.event == "alert@1"])
    assert (said[-1].event, said[-1].data) == ("over", "this is now")
