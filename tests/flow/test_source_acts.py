"""A source is added whole or not at all, by whoever may enter it; what is secret is sealed, and its token is shown once."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.screens.town import NOW, Town, source, town

from tutela.errors import BadInput, Conflict, Refused
from tutela.flow.source_acts import Adding, SourceActs
from tutela.model.access import Access
from tutela.model.people import Role
from tutela.model.register import Connection, Datastream, Reach

NEW = replace(source("attic-air", "environment"), kind="air sensor", simulated=False)
PM25 = Datastream(
    id=0, name="attic/pm25", source="", thing="attic", kind="readings", observed_property="pm25", unit="ug/m3"
)
BROKER = Connection(
    source="", part="broker", standard="ttn", options={"host": "broker.example", "topics": ["sensors/+"]}
)


class Hall:
    async def begin(self) -> Hall:
        self.here: Town = await town()
        self.acts: SourceActs = self.here.admin_desk.sources
        self.it = await self.person(Role.IT)
        return self

    async def person(self, role: Role, purpose: str = "system-operation") -> Access:
        agent, _ = await self.here.person(role, "Ilta")
        return Access(agent=agent, purpose=purpose, legal_basis="PublicInterest")

    async def names(self) -> set[str]:
        return {one.name for one in await self.here.facts.sources()}


@pytest.fixture
async def hall() -> Hall:
    return await Hall().begin()


async def test_a_source_that_sends_gets_what_it_measures_and_a_token(hall: Hall) -> None:
    added = await hall.acts.add(hall.it, Adding(source=NEW, datastreams=(PM25,)))
    (stream,) = [one for one in await hall.here.facts.datastreams() if one.source == "attic-air"]
    (thing,) = [one for one in await hall.here.facts.things() if one.source == "attic-air"]
    (event,) = [one for one in hall.here.events("source@1") if one.subject == "attic-air"]

    assert (added.source, added.token) == (NEW, "a token of attic-air")
    assert (stream.name, stream.purpose, thing.kind) == ("attic/pm25", "environment", "air sensor")
    assert event.by == hall.it.agent.id


async def test_a_source_that_is_fetched_has_its_secrets_sealed_and_no_token(hall: Hall) -> None:
    secret = {"user": "kim", "password": "only-you-know"}
    added = await hall.acts.add(hall.it, Adding(source=NEW, connection=BROKER, secret=secret))
    (kept,) = await hall.here.facts.connections()

    assert added.token is None
    assert (kept.connection.source, kept.connection.secret) == ("attic-air", ("password", "user"))
    assert not [one for one in hall.here.facts.store.events.values() if b"only-you-know" in one.body]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"connection": replace(BROKER, part="nothing")}, "nothing"),
        ({"connection": replace(BROKER, options={"host": "a/b", "topics": ["x"]})}, "no name or address"),
        ({"connection": BROKER, "secret": {"host": "x"}}, "is no secret"),
        ({"datastreams": (replace(PM25, observed_property="social-score"),)}, "does not score people"),
        ({"connection": replace(BROKER, reading={"observed_property": "social-score"})}, "does not score people"),
        ({"source": replace(NEW, purposes=("marketing",))}, "marketing"),
    ],
)
async def test_what_could_never_run_or_nobody_may_have_leaves_nothing(
    hall: Hall, changes: dict[str, object], says: str
) -> None:
    before = await hall.names()
    with pytest.raises((BadInput, Refused), match=says):
        await hall.acts.add(hall.it, replace(Adding(source=NEW, datastreams=(PM25,)), **changes))

    assert await hall.names() == before
    assert await hall.here.facts.connections() == []


async def test_a_name_that_is_taken_is_refused_and_the_entry_stays(hall: Hall) -> None:
    before = await hall.here.facts.sources()
    with pytest.raises(Conflict, match="a source called 'sensors' already"):
        await hall.acts.add(hall.it, Adding(source=replace(NEW, name="sensors")))

    assert await hall.here.facts.sources() == before


async def test_data_of_people_takes_a_second_person(hall: Hall) -> None:
    with pytest.raises(Refused, match="takes two people"):
        await hall.acts.add(hall.it, Adding(source=replace(NEW, personal_data=True)))

    assert "attic-air" not in await hall.names()


async def test_an_operator_adds_nothing_and_an_analyst_does_not_see_how_sources_are_reached(hall: Hall) -> None:
    with pytest.raises(Refused):
        await hall.acts.add(await hall.person(Role.OPERATOR, "public-safety"), Adding(source=NEW))
    with pytest.raises(Refused):
        await hall.acts.listed(await hall.person(Role.ANALYST, "statistics"))


async def test_the_list_tells_how_each_is_reached_and_nothing_that_is_secret(hall: Hall) -> None:
    await hall.acts.add(
        hall.it, Adding(source=NEW, connection=BROKER, secret={"user": "kim", "password": "only-you-know"})
    )
    epoch = await hall.here.facts.attend("connecting")
    assert epoch is not None
    await hall.here.facts.report(epoch, [Reach(source="attic-air", at=NOW, reachable=True)])
    found = {one.source.name: one for one in await hall.acts.listed(hall.it)}

    reached = found["attic-air"]
    assert reached.connection is not None
    assert (reached.connection.part, reached.connection.secret) == ("broker", ("password", "user"))
    assert reached.condition is not None
    assert "only-you-know" not in str(found)
    assert (found["sensors"].connection, found["sensors"].condition) == (None, None)
