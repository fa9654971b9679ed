"""What a search gives lies in the case's scope, always; what it names is a hint until two people said so, each for themselves."""

from __future__ import annotations

import json
from asyncio import run
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec.structs import replace
from tests.flow.case_support import COURT, SAID, SCOPE, CaseTown, case_town
from tests.screens.town import NOW, SQUARE, agreed, source

from tutela.errors import BadInput, Conflict, NotFound, Refused, WrongStep
from tutela.flow import material
from tutela.flow.entering import enter
from tutela.flow.evidence import Export
from tutela.flow.ledger import Query
from tutela.flow.scope import covers
from tutela.model.area import Circle
from tutela.model.call import Call
from tutela.model.case import InScope
from tutela.model.link import EntityKind, Item, Link, LinkState, Searched
from tutela.model.place import Place
from tutela.model.report import ServiceRequest
from tutela.model.when import DAY, HOUR, MINUTE


@pytest.fixture
async def there() -> CaseTown:
    return await case_town()


# ── what is found ───────────────────────────────────────────────────────────────────────────────
async def test_a_search_gives_what_says_it_in_the_order_of_time_and_leaves_an_event_with_sealed_words(
    there: CaseTown,
) -> None:
    first = await there.here.call(SAID)
    await there.here.call("A fall on the stairs")
    there.now[0] += MINUTE
    second = await there.here.report("The blue VAN with abc 123 stands there again.")
    case = await there.case()

    found = await there.aid.search(there.investigator, case, "blue  van")

    assert [item.id for item in found.items] == [first.id, second]
    assert {link.record for link in found.links} == {first.id}
    (event,) = there.here.events("case-search@1")
    told = msgspec.json.decode(event.body, type=Searched)
    assert (told.case, told.shown, told.reason) == (case, (first.id, second), "")
    assert b"van" not in event.body
    assert await there.here.cases.prose.words(told.words) == "blue  van"
    query = msgspec.json.decode(there.here.events("query@1")[-1].body, type=Query)
    assert (query.asker.case, query.persons) == (case, (first.id, second))


@pytest.mark.parametrize("words", ["ABC123", "abc-123", "040-1234567", "kalevankatu 5", "Matti Meikäläinen"])
async def test_the_same_number_plate_street_or_name_is_found_however_it_is_written(there: CaseTown, words: str) -> None:
    call = await there.here.call(SAID)
    await there.here.call("Somebody else")

    found = await there.aid.search(there.investigator, await there.case(), words)

    assert [item.id for item in found.items] == [call.id]


async def test_every_sort_of_record_is_material_as_far_as_the_scope_names_it(there: CaseTown) -> None:
    here = there.here
    call, report, alert = await here.call(SAID), await here.report(), await here.alert()
    incident = await here.incidents.open_from_call(there.opener, call.id, "open")
    await here.incidents.note(there.opener, incident.id, "He is named Onni Olli", "note")
    await here.signed()
    await here.evidence.bundle(there.opener, incident.id, COURT)
    await here.post("The van was here!")
    case = await there.case()

    graph = await there.graph(case)

    words = {item.word: item for item in graph.items}
    assert set(words) == set(InScope)
    assert {words["report"].id, words["incident"].id, words["alert"].id} == {report, incident.id, alert.id}
    assert "A court" in words["evidence"].says
    assert {one.name for one in graph.entities if one.kind is EntityKind.NAME} == {"Matti Meikäläinen", "Onni Olli"}
    for kind in InScope:
        only = await there.case(replace(SCOPE, kinds=(kind,)))
        expected = set() if kind is InScope.EVIDENCE else {kind}
        assert {item.word for item in (await there.graph(only)).items} == expected


async def test_records_that_are_named_are_material_wherever_they_are_and_what_is_elsewhere_is_not(
    there: CaseTown,
) -> None:
    here = there.here
    call, alert, report = await here.call(SAID), await here.alert(), await here.report()
    incident = await here.incidents.open_from_call(there.opener, call.id, "open")
    elsewhere = Circle(centre=Place(lat=60.3, lon=25.1), radius=100.0)
    ids = (call.id, alert.id, report, incident.id, "nothing")

    assert (await there.graph(await there.case(replace(SCOPE, area=elsewhere)))).items == ()
    named = await there.graph(await there.case(replace(SCOPE, area=elsewhere, ids=ids)))
    assert {item.id for item in named.items} == set(ids) - {"nothing"}


async def test_a_call_that_was_erased_says_nothing_any_more(there: CaseTown) -> None:
    call = await there.here.call(SAID)
    event = await there.here.facts.telling(call.id)
    await there.here.keys.destroy(event.key or "")

    graph = await there.graph(await there.case())
    by_id = await there.graph(await there.case(replace(SCOPE, area=None, ids=(call.id,))))

    assert [(item.says, item.whole) for item in graph.items] == [("EMS: fall", False)]
    assert by_id.items == ()


async def test_what_another_agency_holds_of_people_is_no_material(there: CaseTown) -> None:
    calls, portal = (there.here.facts.store.sources[name] for name in ("calls", "portal"))
    await there.here.call(SAID)
    await there.here.report(SAID)
    for entry in (calls, portal):
        there.here.facts.store.sources[entry.name] = replace(entry, agency="fire")
    await there.here.known.refresh()

    graph = await there.graph(await there.case())

    assert [item.whole for item in graph.items] == [False, False]
    assert graph.entities == ()


async def test_a_record_of_another_purpose_is_not_found(there: CaseTown) -> None:
    """What neighbours share is for neighbours."""
    await enter(there.here.facts, source("neighbours", "neighbourhood", personal=True), "install", NOW)
    await there.here.known.refresh()
    await there.here.alert(purpose="neighbourhood")
    shared = ServiceRequest(
        id="n-1",
        timeline="live",
        source="neighbours",
        at=NOW,
        place=SQUARE,
        cell=0,
        category="c",
        said="Tea at five",
        purpose="neighbourhood",
    )
    await there.here.recorder.tell(shared)

    assert [item.word for item in (await there.graph(await there.case())).items] == ["detection"]


async def test_an_incident_from_before_the_scope_is_none_of_it(there: CaseTown) -> None:
    old = await there.here.incidents.open_from_call(there.opener, (await there.here.call()).id, "old")
    there.now[0] += DAY
    new = await there.here.incidents.open_from_call(there.opener, (await there.here.call()).id, "new")
    scope = replace(SCOPE, since=NOW + HOUR, until=NOW + 2 * DAY, kinds=(InScope.INCIDENT,))

    items = (await there.graph(await there.case(scope))).items

    assert old.id != new.id
    assert [item.id for item in items] == [new.id]


async def test_a_scope_that_holds_too_much_is_told_to_be_smaller(
    there: CaseTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(material, "MOST", 2)
    await there.here.call()
    case = await there.case()
    assert len((await there.graph(case)).items) == 1
    await there.here.report()

    with pytest.raises(BadInput, match="2 records or more are in the scope"):
        await there.aid.read(there.investigator, case)


WORLD = some.lists(
    some.tuples(
        some.floats(-0.02, 0.02), some.floats(-0.04, 0.04), some.integers(-40 * 60, 30), some.sampled_from(["x", "y"])
    ),
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(
    world=WORLD,
    radius=some.floats(50.0, 2500.0),
    hours=some.integers(1, 40),
    kinds=some.sets(some.sampled_from(InScope)),
)
def test_whatever_there_is_a_search_gives_only_what_the_scope_covers(
    world: list[tuple[float, float, int, str]], radius: float, hours: int, kinds: set[InScope]
) -> None:
    """A random world, a random scope: found ⊆ scope, found ⊇ what says it and is covered, and a stranger finds nothing."""

    async def tried() -> None:
        there = await case_town()
        scope = replace(
            SCOPE,
            since=NOW - hours * HOUR,
            until=NOW - HOUR // 2,
            kinds=tuple(sorted(kinds | {InScope.CALL})),
            area=Circle(centre=SQUARE, radius=radius),
        )
        expected = set()
        for number, (north, east, minutes, word) in enumerate(world):
            place = Place(lat=SQUARE.lat + north, lon=SQUARE.lon + east)
            call = Call(
                id=f"112-{number}",
                timeline="live",
                source="calls",
                at=NOW + min(minutes, 0) * MINUTE,
                place=place,
                cell=0,
                category="c",
                said=f"{word} marks the spot",
            )
            id_ = await there.here.recorder.tell(call)
            item = Item(word=InScope.CALL, id=id_, at=call.at, place=place, says="")
            expected |= {id_} if covers(scope, item) and word == "x" else set()
        case = await there.case(scope)
        found = await there.aid.search(there.investigator, case, "x marks")
        assert {item.id for item in found.items} == expected
        assert all(covers(scope, item) for item in found.items)
        with pytest.raises(Refused):
            await there.aid.search(there.stranger, case, "x marks")
        there.now[0] += 31 * DAY
        with pytest.raises(Refused):
            await there.aid.search(there.investigator, case, "x marks")

    run(tried())


# ── what is named ───────────────────────────────────────────────────────────────────────────────
async def test_every_link_explains_itself_and_an_entity_is_of_its_case_alone(there: CaseTown) -> None:
    call, other = await there.here.call(SAID), await there.here.call("Again ABC-123!")
    graph = await there.graph(await there.case())
    second = await there.graph(await there.case(replace(SCOPE, until=SCOPE.until + 1)))

    plate = next(one for one in graph.entities if one.kind is EntityKind.PLATE)
    links = [link for link in graph.links if link.entity == plate.id]
    assert [(link.record, link.because, link.state) for link in links] == [
        (one, "plate", LinkState.HINT) for one in sorted([call.id, other.id], key=lambda id_: links_at(links, id_))
    ]
    assert all("ABC-123" in link.says for link in links)
    assert {one.id for one in graph.entities}.isdisjoint(one.id for one in second.entities)
    assert {one.name for one in graph.entities} == {one.name for one in second.entities}


def links_at(links: list[Link], record: str) -> tuple[int, str]:
    return next((link.at, link.id) for link in links if link.record == record)


async def test_a_person_tags_what_a_record_says_and_nothing_else(there: CaseTown) -> None:
    call, case = await there.here.call(SAID), await there.case()
    tag = there.aid.tag

    await tag(there.investigator, case, call.id, EntityKind.PLACE, "blue  van")
    link = await there.link(case, "blue  van")

    assert link.because == f"tagged by {there.investigator.agent.id}"
    assert "A man in a blue van" in link.says
    assert all(b"van" not in event.body for event in there.here.events("case-tag@1"))
    with pytest.raises(BadInput, match="does not say so"):
        await tag(there.investigator, case, call.id, EntityKind.NAME, "Kari Grandi")
    with pytest.raises(BadInput, match="does not say so"):
        await tag(there.investigator, case, call.id, EntityKind.NAME, "x")
    with pytest.raises(NotFound, match="no record 'other'"):
        await tag(there.investigator, case, "other", EntityKind.NAME, "Matti")
    with pytest.raises(WrongStep, match="reviewers confirm"):
        await tag(there.reviewer, case, call.id, EntityKind.NAME, "Matti")
    with pytest.raises(Refused):
        await tag(there.stranger, case, call.id, EntityKind.NAME, "Matti")


async def test_what_a_tagged_record_does_not_say_any_more_is_no_link(there: CaseTown) -> None:
    call, case = await there.here.call(SAID), await there.case()
    await there.aid.tag(there.investigator, case, call.id, EntityKind.PLACE, "blue van")
    await there.here.keys.destroy((await there.here.facts.telling(call.id)).key or "")

    assert (await there.graph(case)).links == ()


# ── what two people say ─────────────────────────────────────────────────────────────────────────
async def test_a_link_is_confirmed_by_two_people_who_do_not_see_each_others_answer(there: CaseTown) -> None:
    await there.here.call(SAID)
    case = await there.case()
    link = await there.link(case, "ABC-123")

    mine = await there.aid.vote(there.reviewer, case, link.id, confirms=True)

    assert (mine.state, mine.mine) == (LinkState.HINT, True)
    assert await there.link(case, "ABC-123", there.second) == link  # nothing tells that somebody answered, or what
    assert all(b'"yes"' not in event.body for event in there.here.events("case-vote@1"))
    with pytest.raises(Conflict, match="once by each"):
        await there.aid.vote(there.reviewer, case, link.id, confirms=False)

    decided = await there.aid.vote(there.second, case, link.id, confirms=True)
    assert decided.state is LinkState.CONFIRMED
    with pytest.raises(Conflict, match="by two people in all"):
        await there.aid.vote(there.investigator, case, link.id, confirms=False)


@pytest.mark.parametrize("answers", [(True, False), (False, True), (False, False)])
async def test_what_two_people_do_not_both_confirm_stays_a_hint_and_in_the_case(
    there: CaseTown, answers: tuple[bool, bool]
) -> None:
    await there.here.call(SAID)
    case = await there.case()
    link = await there.link(case, "ABC-123")
    for access, confirms in zip((there.reviewer, there.second), answers, strict=True):
        await there.aid.vote(access, case, link.id, confirms=confirms)

    seen = await there.link(case, "ABC-123", there.second)

    assert (seen.state, seen.mine) == (LinkState.HINT, answers[1])
    with pytest.raises(Refused) as refused:
        await there.exports.export(there.second, case, COURT)
    assert refused.value.policy == "G10-two-people"


async def test_what_was_confirmed_stays_without_an_agreement_with_whoever_wants_it(there: CaseTown) -> None:
    await there.here.call(SAID)
    case = await there.case()
    link = await there.link(case, "ABC-123")
    for access in (there.reviewer, there.investigator):
        await there.aid.vote(access, case, link.id, confirms=True)

    with pytest.raises(Refused) as refused:
        await there.exports.export(there.second, case, replace(COURT, recipient="Another court"))
    assert refused.value.policy == "G20-agreement"
    assert "There is no agreement 'R 26/77' with Another court" in refused.value.message


async def test_what_a_member_entered_themselves_lets_nothing_of_theirs_leave(there: CaseTown) -> None:
    await there.here.call(SAID)
    case = await there.case()
    link = await there.link(case, "ABC-123")
    for access in (there.reviewer, there.investigator):
        await there.aid.vote(access, case, link.id, confirms=True)
    await there.here.papers.enter(agreed(there.now[0], "A court", "R 26/78"), there.second.agent.id)

    with pytest.raises(Refused, match="was entered by you") as refused:
        await there.exports.export(there.second, case, replace(COURT, agreement="R 26/78"))
    assert refused.value.policy == "G20-agreement"


@pytest.mark.parametrize("classes", [("cases",), ("cases", "calls"), ("cases", "incidents", "report-contents")])
async def test_a_link_stays_when_the_agreement_does_not_cover_the_record_that_says_it(
    there: CaseTown, classes: tuple[str, ...]
) -> None:
    await there.here.call(SAID)
    case = await there.case()
    link = await there.link(case, "ABC-123")
    for access in (there.reviewer, there.investigator):
        await there.aid.vote(access, case, link.id, confirms=True)
    await there.here.agreement("The press", "R 26/78", *classes)

    with pytest.raises(Refused, match="covers none of the records") as refused:
        await there.exports.export(there.second, case, replace(COURT, recipient="The press", agreement="R 26/78"))
    assert refused.value.policy == "G20-agreement"
    assert there.here.events("export@1") == []


async def test_of_links_that_were_confirmed_those_leave_whose_record_is_covered_and_the_others_are_counted(
    there: CaseTown,
) -> None:
    call = await there.here.call(SAID)
    incident = await there.here.incidents.open_from_call(there.opener, call.id, "one")
    await there.here.incidents.note(there.opener, incident.id, "The van XYZ-901 came back", "two")
    case = await there.case()
    links = [await there.link(case, name) for name in ("ABC-123", "XYZ-901")]
    for link in links:
        for access in (there.reviewer, there.investigator):
            await there.aid.vote(access, case, link.id, confirms=True)
    await there.here.agreement("The press", "R 26/78", "cases", "call-contents")

    body = await there.exports.export(there.second, case, replace(COURT, recipient="The press", agreement="R 26/78"))

    told = msgspec.json.decode(there.here.events("export@1")[0].body, type=Export)
    graph = await there.graph(case)
    assert [one["id"] for one in json.loads(body)["links"]] == [links[0].id]
    assert b"XYZ-901" not in body
    assert (told.left_out, told.persons) == (len(graph.links) - 1, (call.id,))


async def test_whoever_tagged_something_is_none_of_the_two(there: CaseTown) -> None:
    call, case = await there.here.call(SAID), await there.case()
    await there.aid.tag(there.investigator, case, call.id, EntityKind.PLACE, "blue van")
    link = await there.link(case, "blue van")

    with pytest.raises(WrongStep, match="two others say whether it is so"):
        await there.aid.vote(there.investigator, case, link.id, confirms=True)
    with pytest.raises(NotFound, match="no link 'x'"):
        await there.aid.vote(there.reviewer, case, "x", confirms=True)


async def test_what_leaves_is_what_was_confirmed_with_an_event_that_has_its_hash(there: CaseTown) -> None:
    call, case = await there.here.call(SAID), await there.case()
    link = await there.link(case, "ABC-123")
    for access in (there.reviewer, there.investigator):
        await there.aid.vote(access, case, link.id, confirms=True)

    body = await there.exports.export(there.second, case, COURT)

    said = json.loads(body)
    assert [one["id"] for one in said["links"]] == [link.id]
    assert [one["name"] for one in said["entities"]] == ["ABC-123"]
    assert [one["id"] for one in said["records"]] == [call.id]
    assert b"Meik" not in body.replace(link.says.encode(), b"")
    (event,) = there.here.events("export@1")
    told = msgspec.json.decode(event.body, type=Export)
    assert (told.sha256, told.persons, told.asker.case) == (sha256(body).hexdigest(), (call.id,), case)
    assert told.left_out == 4
    assert b"It asked" not in event.body
    with pytest.raises(Refused):
        await there.exports.export(there.reviewer, case, COURT)  # an operator hands nothing out
    with pytest.raises(BadInput, match="to whom it goes"):
        await there.exports.export(there.second, case, replace(COURT, recipient=""))
