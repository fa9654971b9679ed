"""Open311 GeoReport v2 both ways: what can be reported, a report that is taken, and those that a person has looked at."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import NOW, SQUARE, TOKEN, Town

from tutela.flow.entering import enter
from tutela.model.people import Role
from tutela.model.when import DAY, iso
from tutela.standards import open311

Client = AsyncTestClient[Litestar]

SAID = {
    "service_code": "Trees: fallen tree",
    "lat": str(SQUARE.lat),
    "long": str(SQUARE.lon),
    "description": "A tree & a branch < the road",
    "email": "liisa@example.org",
}


async def reported(client: Client, **more: str) -> str:
    answer = await client.post("/open311/v2/requests.json", data={**SAID, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()[0]["service_request_id"])


async def opened(here: Town, number: str, words: str = "A tree & a branch < the road") -> None:
    report, _ = await here.handlings.numbered(number)
    agent, _ = await here.person(Role.OPERATOR, "Bo")
    await here.moderating.open(here.access(agent), report.id, number, words=words)


async def requests(client: Client, query: str = "") -> list[dict[str, str | float]]:
    answer = await client.get(f"/open311/v2/requests.json{query}")
    assert answer.status_code == 200, answer.text
    return msgspec.convert(answer.json(), list[dict[str, str | float]])


async def test_what_can_be_reported_is_told_in_json_and_xml(stranger: Client) -> None:
    listed = (await stranger.get("/open311/v2/services.json")).json()
    answer = await stranger.get("/open311/v2/services.xml")
    tree = ET.fromstring(answer.text)

    assert answer.headers["content-type"].startswith("text/xml")
    assert [one["service_code"] for one in listed] == [one.text for one in tree.findall("service/service_code")]
    assert {one["metadata"] for one in listed} == {False}
    code = listed[0]["service_code"]
    assert (await stranger.get(f"/open311/v2/services/{code}.json")).json()["service_code"] == code


async def test_a_report_is_taken_and_goes_out_when_somebody_has_looked_at_it(here: Town, stranger: Client) -> None:
    number = await reported(stranger)

    assert await requests(stranger) == []
    assert (await stranger.get(f"/open311/v2/requests/{number}.json")).status_code == 404

    await opened(here, number)
    (one,) = await requests(stranger)

    assert (one["service_request_id"], one["status"], one["service_code"]) == (number, "open", "Trees: fallen tree")
    assert one["description"] == SAID["description"]
    assert "liisa" not in str(one)
    assert (await stranger.get(f"/open311/v2/requests/{number}.json")).json() == [one]
    tree = ET.fromstring((await stranger.get(f"/open311/v2/requests/{number}.xml")).text)
    assert {field.tag: field.text or "" for field in tree[0]} == {name: str(value) for name, value in one.items()}


async def test_whoever_reported_gets_a_page_to_follow(here: Town, stranger: Client) -> None:
    answer = await stranger.post("/open311/v2/requests.xml", data=SAID)
    notice = ET.fromstring(answer.text).findtext("request/service_notice", "")
    address = notice.removeprefix("Follow it at https://town.example")

    assert "Received. A person looks at it" in (await stranger.get(address)).text
    (report,) = here.events("report@1")
    assert report.by == "resident-portal"


async def test_our_own_endpoint_is_read_by_our_own_source(here: Town, stranger: Client) -> None:
    number = await reported(stranger)
    await opened(here, number)

    for row in await requests(stranger):
        told = open311.read(msgspec.json.encode(row), "neighbour", "live")

        assert (told.id, told.category, told.place, told.said) == (
            number,
            SAID["service_code"],
            SQUARE,
            SAID["description"],
        )
        assert told.at == NOW


async def test_requests_are_asked_for_by_number_time_sort_and_status_a_page_at_a_time(
    here: Town, stranger: Client
) -> None:
    numbers = [await reported(stranger) for _ in range(3)]
    for number in numbers:
        await opened(here, number)
    await opened_and_closed(here, numbers[0])

    async def found(query: str) -> set[str | float]:
        return {one["service_request_id"] for one in await requests(stranger, query)}

    day = f"?start_date={iso(NOW - DAY)}&end_date={iso(NOW + DAY)}"
    pages = [await found(f"{day}&page_size=2&page={page}") for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [2, 1, 0]
    assert pages[0] | pages[1] == set(numbers)
    assert await found("?status=closed") == {numbers[0]}
    assert await found("?status=open") == set(numbers[1:])
    assert await found("?service_code=Streets: ice") == set()
    assert await found(f"?service_request_id={numbers[0]},260101-AAAA-AAAA,x") == {numbers[0]}
    assert await found(f"?start_date={iso(NOW - 9 * DAY)}&end_date={iso(NOW - DAY)}") == set()


async def opened_and_closed(here: Town, number: str) -> None:
    report, _ = await here.handlings.numbered(number)
    agent, _ = await here.person(Role.OPERATOR, "Cai")
    await here.moderating.close(here.access(agent), report.id, "close", "Done.")


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/open311/v2/requests.json?start_date=2026-01-01T00:00:00Z&end_date=2026-11-01T00:00:00Z", 400, "90 days"),
        ("/open311/v2/requests.json?page_size=1000", 400, "from 1 to 200"),
        ("/open311/v2/requests.json?page=x", 400, "whole number"),
        ("/open311/v2/requests.json?start_date=yesterday", 400, "not a time"),
        ("/open311/v2/requests.pdf", 404, "neither .json nor .xml"),
        ("/open311/v2/tokens.json", 404, "there are: services, requests"),
        ("/open311/v2/services/Aliens.json", 404, "services.json lists"),
        ("/open311/v2/things/x.json", 404, "there are: services, requests"),
        ("/open311/nothing.json", 404, "there are: discovery"),
    ],
)
async def test_what_can_not_be_answered_is_told_in_the_shape_of_georeport(
    stranger: Client, path: str, status: int, says: str
) -> None:
    answer = await stranger.get(path)

    assert answer.status_code == status
    assert answer.json()[0]["code"] == status
    assert says in answer.json()[0]["description"]


async def test_a_report_that_is_none_is_refused_in_the_form_that_was_asked_for(here: Town, stranger: Client) -> None:
    for wrong in ({"service_code": "Aliens"}, {"lat": "", "long": ""}, {"lat": "100"}):
        answer = await stranger.post("/open311/v2/requests.xml", data={**SAID, **wrong})

        assert answer.status_code == 400
        assert ET.fromstring(answer.text).findtext("error/code") == "400"
    assert here.events("report@1") == []


async def test_a_source_of_the_register_sends_its_token_as_api_key(here: Town, stranger: Client) -> None:
    entry = here.known.sources["sensors"]
    changed = msgspec.structs.replace(entry, purposes=("public-safety", "city-operations"), personal_data=True)
    await enter(here.facts, changed, "install", NOW)
    await here.known.refresh()

    wrong = await stranger.post("/open311/v2/requests.json", data={**SAID, "api_key": "made up"})
    await reported(stranger, api_key=TOKEN)

    assert wrong.status_code == 403
    assert [event.by for event in here.events("report@1")] == ["sensors"]


async def test_whoever_reports_without_a_key_very_often_has_to_wait(stranger: Client) -> None:
    answers = [await stranger.post("/open311/v2/requests.json", data=SAID) for _ in range(12)]

    assert [one.status_code for one in answers] == [201] * 10 + [429] * 2


async def test_where_the_service_is_stands_at_its_discovery(stranger: Client) -> None:
    found = (await stranger.get("/open311/discovery.json")).json()
    tree = ET.fromstring((await stranger.get("/open311/discovery.xml")).text)

    assert found["endpoints"][0]["url"] == "https://town.example/open311/v2" == tree.findtext("endpoints/endpoint/url")
    assert [one.text for one in tree.iterfind("endpoints/endpoint/formats/format")] == ["application/json", "text/xml"]


def test_xml_has_no_place_for_some_characters_and_they_are_left_out() -> None:
    text = open311.written([{"description": "a\x00\x0b<b>&\ud800"}], "xml", "errors", "error").decode()

    assert ET.fromstring(text.encode()).findtext("error/description") == "a<b>&"
