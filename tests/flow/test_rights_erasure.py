"""One record is erased when nothing of anybody else goes with it; a hold wins; and the person is told what became of it."""

from __future__ import annotations

import msgspec
import pytest
from tests.flow.test_subject_access import Known

from tutela.errors import Conflict, NotFound, Refused, WrongStep
from tutela.flow.retain import Erased
from tutela.model.hold import Hold
from tutela.model.rights import EXEMPTIONS, Fate, Outcome, Right
from tutela.model.when import DAY, HOUR


class Erasing(Known):
    """Two days after all of it was told, so that the hours are over: the call shares its hour, the report of another hour does not."""

    async def begin(self, right: Right = Right.ERASURE) -> Erasing:
        await super().begin(right)
        self.now += HOUR
        self.lone = await self.here.report("Liisa Mäki parks on the pavement.")
        await self.here.seal()
        self.now += 2 * DAY
        return self

    async def close(self) -> None:
        await self.here.incidents.close(self.access, self.incident, "It is out.", "9")
        await self.here.seal()

    async def erase(self, record: str) -> Outcome:
        return await self.here.rights_acts.erase(self.me, self.id, record)

    async def hold(self, **on: str) -> None:
        wanted = Hold(id="", case="R 1", authority="a court", reason="r", at=0, review=self.now + DAY, **on)
        await self.here.holds.place(wanted, "somebody")


@pytest.fixture
async def case() -> Erasing:
    return await Erasing().begin()


async def test_a_record_with_a_key_of_its_own_is_erased_and_an_event_says_so_by_whom(case: Erasing) -> None:
    event = await case.here.facts.telling(case.lone)
    assert (await case.here.keys.open(event.key or "", event.body)).startswith(b"{")

    assert (await case.erase(case.lone)).fate is Fate.ERASED
    with pytest.raises(Refused, match="erased"):
        await case.here.keys.open(event.key or "", event.body)
    (told,) = case.here.events("erasure@1")
    assert (told.by, msgspec.json.decode(told.body, type=Erased).key) == (case.me.agent.id, event.key)
    with pytest.raises(NotFound, match=r"no record .* names them"):  # nobody can read it any more, so nobody finds it
        await case.erase(case.lone)


async def test_words_about_an_incident_that_is_closed_are_erased_by_themselves(case: Erasing) -> None:
    await case.close()
    assert (await case.erase(case.incident)).fate is Fate.ERASED
    incident = await case.here.reads.desk.incident(case.access, case.incident)

    assert [note.text for note in incident.notes] == ["(erased)"]


async def test_words_about_an_incident_stay_while_people_work_with_them(case: Erasing) -> None:
    found = await case.erase(case.incident)

    assert (found.fate, found.says.endswith("ask again when it is closed.")) == (Fate.SHARED, True)
    assert not case.here.events("erasure@1")


async def test_what_others_wrote_about_an_incident_stays_with_what_names_the_person(case: Erasing) -> None:
    await case.here.incidents.note(case.access, case.incident, "Pekka has broken his leg.", "8")
    await case.close()
    found = await case.erase(case.incident)

    assert (found.fate, "Notes that do not name you" in found.says, found.until is not None) == (
        Fate.SHARED,
        True,
        True,
    )
    assert not case.here.events("erasure@1")


async def test_what_shares_its_key_stays_and_the_person_is_told_until_when(case: Erasing) -> None:
    found = await case.erase(case.call)

    assert (found.fate, found.until) == (Fate.SHARED, case.now - 2 * DAY - HOUR - 40_000_000 + 365 * DAY)
    assert found.says.endswith("goes with it on 2027-11-25.")
    assert not case.here.events("erasure@1")


async def test_an_hour_that_may_be_added_to_is_not_erased(case: Erasing) -> None:
    case.now -= 2 * DAY

    assert (await case.erase(case.lone)).fate is Fate.SHARED


async def test_a_legal_hold_wins_and_the_person_is_told_its_exemption(case: Erasing) -> None:
    await case.hold(incident=case.incident)
    await case.hold(bucket="city-operations/reports/2026-11")

    for record in (case.incident, case.lone, case.call):
        found = await case.erase(record)
        assert (found.fate, EXEMPTIONS["legal-hold"].says in found.says) == (Fate.HELD, True)
    assert not case.here.events("erasure@1")


async def test_nothing_is_erased_while_a_copy_is_being_made(case: Erasing) -> None:
    case.here.copied = True
    with pytest.raises(Conflict, match="a copy of this instance is being made"):
        await case.erase(case.lone)
    assert not case.here.events("erasure@1")


async def test_only_what_names_the_person_is_erased_and_only_for_a_request_of_erasure(case: Erasing) -> None:
    with pytest.raises(NotFound):
        await case.erase(case.stranger)
    other = await Known().begin(Right.ACCESS)
    with pytest.raises(WrongStep, match="for an open request of erasure"):
        await other.here.rights_acts.erase(other.me, other.id, other.call)
    with pytest.raises(Refused):
        await case.here.rights_acts.erase(case.access, case.id, case.lone)


async def test_what_is_erased_already_is_told_as_erased(case: Erasing) -> None:
    found = (await case.here.rights_acts.answer(case.me, case.id)).records
    (incident,) = [one for one in found if one.kind == "incident"]
    await case.close()
    await case.erase(case.incident)

    again = await case.here.rights_acts.erasure.of(incident, "somebody")
    assert (again.fate, again.says) == (Fate.ERASED, "What was written there is erased already.")


async def test_a_record_whose_time_has_no_end_is_told_so(case: Erasing) -> None:
    found = (await case.here.rights_acts.answer(case.me, case.id)).records
    (call,) = [one for one in found if one.id == case.call]

    told = await case.here.rights_acts.erasure.of(msgspec.structs.replace(call, until=None), "somebody")
    assert told.says.endswith("goes with it when its time is over.")
