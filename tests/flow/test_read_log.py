"""The log, a page at a time or live: whole, as an envelope, or not at all."""

from __future__ import annotations

from contextlib import aclosing

import pytest
from msgspec.structs import replace
from tests.flow.read_support import NOW, City, access, city
from tests.flow.test_read_desk import INCIDENT

from tutela.errors import Refused
from tutela.flow import read_log
from tutela.flow.prose import Prose
from tutela.flow.read_log import CLASS_OF, Page
from tutela.model.access import Access
from tutela.model.flow import encode
from tutela.model.incident import Incident, Note
from tutela.model.people import Role
from tutela.model.when import DAY
from tutela.policy.purposes import CLASSES

OPERATOR = access()
AUDITOR = access(Role.AUDITOR, "oversight")


@pytest.fixture
async def here() -> City:
    """A log of six events, sealed."""
    here = await city()
    await here.facts.append(
        [
            here.event("alert@1", "a1", b'{"noun": "alert", "purpose": "public-safety"}'),
            here.event("alert@1", "a2", b'{"noun": "alert", "purpose": "neighbourhood"}'),
            here.event("call@1", "c1", b"sealed", key="k1", salt=b"s"),
            here.event("session@1", "s1", b'{"agent": "operator-1"}'),
            here.event("alert@1", "a3", b'{"noun": "alert", "purpose": "public-safety"}', timeline="import/x"),
            here.event("correction@1", "p1", b'{"rows": 3}'),
        ]
    )
    await seal(here)
    return here


async def seal(here: City) -> None:
    here.now[0] += 60_000_000
    epoch = await here.facts.lead("sealer")
    assert epoch is not None
    await here.facts.round(epoch, lambda _: b"leaf", 1000)


def seen(page: Page) -> dict[str, bool]:
    """The subjects, and whether there is a body."""
    return {sealed.event.subject: bool(sealed.event.body) for sealed in page.events}


async def test_an_operator_sees_what_the_purpose_may_see(here: City) -> None:
    page = await here.reads.log.events(OPERATOR, "live")

    assert seen(page) == {"a1": True, "c1": False, "p1": True}
    assert page.after == 5


async def test_an_auditor_sees_what_happened_and_no_content(here: City) -> None:
    page = await here.reads.log.events(AUDITOR, "live")

    assert seen(page) == {"a1": False, "a2": False, "c1": False, "s1": True, "p1": True}
    assert all(sealed.event.salt == b"" for sealed in page.events)


async def test_a_timeline_shows_its_own(here: City) -> None:
    assert seen(await here.reads.log.events(OPERATOR, "import/x")) == {"a3": True}


async def test_a_page_goes_on_where_the_last_one_ended(here: City) -> None:
    first = await here.reads.log.events(OPERATOR, "live", most=2)
    second = await here.reads.log.events(OPERATOR, "live", after=first.after, most=2)
    end = await here.reads.log.events(OPERATOR, "live", after=5)

    assert seen(first) == {"a1": True}
    assert seen(second) == {"c1": False}
    assert (first.after, second.after, end) == (1, 3, Page((), 5))


async def test_a_page_leaves_one_event(here: City) -> None:
    await here.reads.log.events(OPERATOR, "live", after=0, most=3)

    assert [(query.query, query.count) for query in here.queries()] == [("3 events after 0", 1)]


async def test_who_may_see_nothing_is_refused(here: City) -> None:
    nobody = access(Role.OPERATOR, "curiosity")

    with pytest.raises(Refused):
        await here.reads.log.events(nobody, "live")
    with pytest.raises(Refused):
        await anext(here.reads.log.follow(nobody, "live"))

    assert [denial.query for denial in here.denials()] == ["500 events after -1", "events after -1, live"]
    assert not here.queries()


async def test_a_live_reader_gets_what_comes_and_leaves_one_event(here: City) -> None:
    async with aclosing(here.reads.log.follow(OPERATOR, "live")) as pages:
        assert seen(await anext(pages)) == {"a1": True, "c1": False, "p1": True}
        await seal(here)  # the reader's own event
        page = await anext(pages)
        assert (seen(page), page.after) == ({}, 6)

        await here.facts.append([here.event("alert@1", "a4", b'{"purpose": "emergency-response"}')])
        await seal(here)
        while not (page := await anext(pages)).events:
            pass

    assert seen(page) == {"a4": True}
    assert [(query.query, query.count) for query in here.queries()] == [("events after -1, live", 0)]


async def test_a_live_reader_is_told_that_nothing_came(here: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_log, "SILENCE", 0.0)

    async with aclosing(here.reads.log.follow(OPERATOR, "live", after=5)) as pages:
        assert [await anext(pages) for _ in range(3)] == [Page((), 5)] * 3


async def test_a_live_reader_hears_nothing_when_the_log_is_down(here: City) -> None:
    here.facts.down = True

    with pytest.raises(Refused) as refused:
        await anext(here.reads.log.follow(OPERATOR, "live"))

    assert refused.value.policy == "G33-audit"


async def test_a_body_that_says_no_purpose_is_judged_by_its_class(here: City) -> None:
    await here.facts.append([here.event("alert@1", "a6", b"{}")])
    await seal(here)

    assert seen(await here.reads.log.events(OPERATOR, "live", after=5)) == {"a6": True}


def test_the_classes_of_events_are_known() -> None:
    assert set(CLASS_OF.values()) <= CLASSES.keys()


async def test_the_newest_position_is_where_live_reading_can_begin(here: City) -> None:
    newest = await here.reads.log.last(OPERATOR, "live")

    assert newest == (await here.reads.log.events(OPERATOR, "live", most=1000)).after


async def test_what_happened_to_one_thing_is_told_also_before_it_is_sealed(here: City) -> None:
    again = here.event("alert@1", "a1", b'{"noun": "alert", "purpose": "public-safety", "revision": 1}', id="again")
    elsewhere = here.event("alert@1", "a1", b'{"purpose": "public-safety"}', id="elsewhere", timeline="import/x")
    await here.facts.append([again, elsewhere])

    told = await here.reads.log.about(OPERATOR, "live", "a1")
    hidden = await here.reads.log.about(OPERATOR, "live", "a2")
    envelopes = await here.reads.log.about(AUDITOR, "live", "a1")

    assert [event.id for event in told] == ["alert@1-a1", "again"]
    assert not hidden
    assert [(event.id, event.body) for event in envelopes] == [("alert@1-a1", b""), ("again", b"")]
    assert [query.count for query in here.queries()] == [2, 0, 2]


async def happened(here: City, *revisions: Incident) -> None:
    """An incident's life, each revision with its notes sealed, as `flow/deed` commits it."""
    for number, revision in enumerate(revisions):
        kept = await Prose(here.keys).kept(None, replace(revision, revision=number))
        event = here.event("incident@1", kept.id, encode(kept), id=f"{kept.id}-{number}")
        await here.facts.append([event])
    await seal(here)


NOTED = replace(INCIDENT, agencies=("fire",), notes=(Note(at=NOW, by="x", text="Anna Virtanen is hurt"),))


async def bodies(here: City, who: Access) -> list[list[bytes]]:
    """What each way to read the log shows of the incident i1: a page, the stream, all about it."""
    page = await here.reads.log.events(who, "live")
    async with aclosing(here.reads.log.follow(who, "live")) as pages:
        live = await anext(pages)
    about = await here.reads.log.about(who, "live", "i1")
    told = [[one.event for one in page.events], [one.event for one in live.events], about]
    return [[event.body for event in events if event.subject == "i1"] for events in told]


async def test_who_works_on_an_incident_reads_what_was_noted_and_it_is_named(here: City) -> None:
    await happened(here, NOTED)

    page, live, (about,) = await bodies(here, access(agency="fire"))

    assert page == live
    assert b"sealed:" in page[0]
    assert b"Anna Virtanen is hurt" in about
    assert [query.persons for query in here.queries()][-1] == ("i1",)


async def test_an_incident_of_another_agency_is_no_more_open_in_the_log_than_at_the_desk(here: City) -> None:
    await happened(here, NOTED)

    assert await bodies(here, access(agency="police")) == [[], [], []]
    assert not any(query.persons for query in here.queries())


async def test_an_incident_past_its_retention_is_in_the_log_no_more(here: City) -> None:
    await happened(here, NOTED)
    here.now[0] = NOW + 7 * 365 * DAY

    assert await bodies(here, access(agency="fire")) == [[], [], []]


async def test_an_incidents_story_is_for_those_who_work_on_it_now(here: City) -> None:
    everybodys = replace(NOTED, agencies=())
    await happened(here, everybodys, NOTED)

    assert not await here.reads.log.about(access(agency="police"), "live", "i1")
    assert len(await here.reads.log.about(access(agency="fire"), "live", "i1")) == 2


async def test_an_auditor_sees_that_an_incident_happened_and_no_content(here: City) -> None:
    await happened(here, NOTED)

    assert await bodies(here, AUDITOR) == [[b""], [b""], [b""]]
    assert not any(query.persons for query in here.queries())
