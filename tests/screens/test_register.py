"""The public register is asked of the running system, is for everybody, and shows what nobody has written yet."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import NOW, Town, source

from tutela.app.registering import read
from tutela.detectors.threshold import Threshold
from tutela.errors import BadInput
from tutela.flow.entering import enter
from tutela.flow.register_public import KIND, OLDEST, missing
from tutela.flow.rules import arm
from tutela.model.capability import PublicRegister, Words
from tutela.model.people import Role
from tutela.model.rule import Rule
from tutela.systems import environment

Client = AsyncTestClient[Litestar]
AIR = Words(system="environment", goal="That nobody breathes smoke unawares.", risk_category="minimal risk")
RULE = msgspec.convert(
    {
        "name": "smoke-and-calls",
        "says": "Smoke, and somebody called.",
        "purpose": "emergency-response",
        "rule": {"when": {"all": [{"fact": ["smoke"]}, {"fact": ["call"]}]}},
    },
    Rule,
)


async def told(client: Client) -> PublicRegister:
    answer = await client.get("/v1/register")
    assert answer.status_code == 200
    return msgspec.json.decode(answer.content, type=PublicRegister)


async def test_it_names_every_detector_of_every_system_and_every_source_without_signing_in(
    here: Town, stranger: Client
) -> None:
    found = await told(stranger)

    assert {one.name for one in found.capabilities if one.system == "environment"} == {
        use.name for use in environment.system.detectors
    }
    (smoke,) = [one for one in found.capabilities if one.name == "smoke"]
    assert (smoke.finds, smoke.part, smoke.version) == (Threshold.card.finds, "threshold", Threshold.version)
    assert {one.source for one in found.sources} == set(await here.facts.sources())
    assert {one.source.name: one.things for one in found.sources}["lamps"] == {"street-lamp": 1}


async def test_it_follows_the_system_within_half_a_minute_and_says_how_old_it_is(here: Town, stranger: Client) -> None:
    first = await told(stranger)
    await enter(here.facts, source("weather", "environment"), "install", NOW)
    await arm(here.facts, RULE, "install", NOW)
    assert (await told(stranger)) == first

    here.registering.clock = lambda: NOW + OLDEST
    found = await told(stranger)
    (rule,) = [one for one in found.capabilities if one.system == "rules"]
    assert (found.at, rule.finds, rule.name) == (NOW + OLDEST, RULE.says, RULE.name)
    assert "weather" in {one.source.name for one in found.sources}


async def test_what_people_say_is_an_event_and_what_they_have_not_said_is_missing(here: Town, stranger: Client) -> None:
    assert set((await told(stranger)).missing["environment"]) == set(missing(Words(system="environment")))

    assert [await here.registering.write(AIR, "install") for _ in range(2)] == [True, False]
    found = await told(stranger)
    (event,) = await here.facts.about("register/environment")
    assert (event.kind, event.by, msgspec.json.decode(event.body, type=Words)) == (KIND, "install", AIR)
    assert AIR in found.words
    assert set(missing(Words(system="environment"))) - set(found.missing["environment"]) == {"goal", "risk_category"}
    page = (await stranger.get("/register")).text
    assert AIR.goal in page
    assert "objection procedure" in page


async def test_words_for_no_system_are_refused_with_the_systems_that_there_are(here: Town) -> None:
    with pytest.raises(BadInput, match="no system is called 'air'; there are: emergency, environment"):
        await here.registering.write(Words(system="air"), "install")


@pytest.mark.parametrize("form", ["algoritmeregister", "atrs", "dtpr"])
async def test_each_form_has_every_capability_and_names_what_it_lacks(here: Town, stranger: Client, form: str) -> None:
    await here.registering.write(AIR, "install")
    answer = await stranger.get(f"/v1/register/{form}")
    found = {one["name"]: one for one in answer.json()}

    assert found.keys() == {one.name for one in (await told(stranger)).capabilities}
    assert all(one["missing"] and not set(one["missing"]) & one["record"].keys() for one in found.values())


async def test_a_form_that_nobody_knows_is_refused(stranger: Client) -> None:
    assert (await stranger.get("/v1/register/csv")).status_code in {400, 404}


async def test_nothing_about_a_person_is_in_it(here: Town, stranger: Client) -> None:
    await here.call()
    agent, _ = await here.person(Role.OPERATOR, "Aino")
    texts = [(await stranger.get(path)).text for path in ("/v1/register", "/register", "/v1/register/dtpr")]

    assert not [text for text in texts if agent.id in text or "Aino" in text]


def test_a_file_that_can_not_be_read_is_named_with_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "register.toml"
    file.write_text('[[words]]\nsystem = "traffic"\ngaol = "typo"\n')
    with pytest.raises(BadInput, match=r"register\.toml can't be read: .*gaol"):
        read(file)
