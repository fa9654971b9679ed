"""What a person objected to is shown to nobody, but where the law demands it, until a person says otherwise with a reason."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZipFile

import msgspec
import pytest
from tests.flow.test_rights import CLAIM
from tests.flow.test_subject_access import LIISA, Known

from tutela.errors import BadInput, NotFound, Refused, WrongStep
from tutela.flow.objections import OLDEST, Objections
from tutela.model.access import Access
from tutela.model.evidence import Handover
from tutela.model.people import Role
from tutela.model.rights import OBJECTION, Objected, Right, objected

SAID = "My stairs are on fire"


class Objecting(Known):
    """She objects to the call, to a report about her, and to the incident."""

    async def begin(self, right: Right = Right.OBJECTION) -> Objecting:
        await super().begin(right)
        self.vital = msgspec.structs.replace(self.access, legal_basis="VitalInterest")
        return self

    async def object(self, *records: str, overruled: str | None = None) -> None:
        for record in records:
            await self.here.rights_acts.object(self.me, self.id, record, overruled)

    async def calls(self, access: Access) -> str:
        return str(await self.here.reads.desk.calls(access, "live"))


@pytest.fixture
async def case() -> Objecting:
    return await Objecting().begin()


async def test_a_call_is_bare_from_then_on_but_for_life_and_limb(case: Objecting) -> None:
    assert SAID in await case.calls(case.access)
    await case.object(case.call)

    assert SAID not in await case.calls(case.access)
    assert case.call in await case.calls(case.access)  # that there was one is about nobody
    with pytest.raises(Refused, match="has objected to its use"):
        await case.here.reads.desk.call(case.access, case.call)
    assert SAID in await case.calls(case.vital)


async def test_a_report_and_an_incident_are_not_shown_either(case: Objecting) -> None:
    await case.object(case.other, case.incident)

    assert "hedge" not in str(await case.here.reads.told.newest(case.access, "report", "live"))
    with pytest.raises(Refused, match="has objected to its use"):
        await case.here.reads.desk.incident(case.access, case.incident)
    incidents = await case.here.reads.desk.incidents(case.access, "live")
    assert case.incident not in {one.id for one in incidents}
    assert await case.here.reads.desk.incidents_of(case.access, "live", [case.call]) == {}


async def test_it_is_not_handed_out_either_unless_the_law_demands_it(case: Objecting) -> None:
    agent, _ = await case.here.person(Role.SUPERVISOR, "Ada")
    await case.object(case.call)
    await case.here.agreement("a court", "R 1")
    await case.here.witnessed()

    found = {}
    for basis in ("PublicInterest", "LegalObligation"):
        access = msgspec.structs.replace(case.here.access(agent), legal_basis=basis)
        handed = Handover(recipient="a court", agreement="R 1", reason="it asked")
        with ZipFile(BytesIO(await case.here.evidence.bundle(access, case.incident, handed))) as zip_:
            found[basis] = SAID in zip_.read("told.ndjson").decode()
    assert found == {"PublicInterest": False, "LegalObligation": True}


async def test_whoever_answers_the_person_still_finds_it(case: Objecting) -> None:
    await case.object(case.call)

    assert case.call in (await case.found()).persons


async def test_a_person_says_otherwise_with_a_reason_which_is_sealed(case: Objecting) -> None:
    await case.object(case.call)
    with pytest.raises(BadInput, match="say why it is shown again"):
        await case.object(case.call, overruled=" ")
    await case.object(case.call, overruled="Liisa is a witness of a fire")

    assert SAID in await case.calls(case.access)
    event = case.here.events("objection@1")[-1]
    told = msgspec.json.decode(event.body, type=Objected)
    assert (event.by, told.record, told.request) == (case.me.agent.id, case.call, case.id)
    assert told.overruled.startswith("sealed:")


async def test_the_end_of_one_objection_leaves_those_of_others_as_they_are(case: Objecting) -> None:
    hers = case.id
    case.filed = await case.here.rights.file(Right.OBJECTION, LIISA)
    await case.here.rights_acts.identify(case.me, case.id, "passport")
    await case.object(case.call)
    with pytest.raises(NotFound, match=f"{hers} does not object to"):
        await case.here.rights_acts.object(case.me, hers, case.call, "She never did")
    await case.here.rights_acts.object(case.me, hers, case.call)
    await case.here.rights_acts.object(case.me, hers, case.call, "Liisa is a witness of a fire")

    assert SAID not in await case.calls(case.access)
    await case.object(case.call, overruled="This one too")
    assert SAID in await case.calls(case.access)


async def test_an_event_of_another_kind_about_objections_does_not_break_them(case: Objecting) -> None:
    await case.object(case.call)
    (event,) = case.here.events(OBJECTION)
    other = msgspec.structs.replace(event, kind="approval@1", body=b'{"of": "something else"}')

    assert objected([event, other]) == {case.call}


async def test_another_process_knows_it_within_five_seconds(case: Objecting) -> None:
    elsewhere = Objections(ledger=case.here.ledger, log=case.here.facts, keys=case.here.keys)
    await elsewhere.fresh()
    await case.object(case.call)
    await elsewhere.fresh()
    assert elsewhere._records == frozenset()
    case.now += OLDEST
    await elsewhere.fresh()
    assert elsewhere._records == {case.call}


async def test_only_what_names_the_person_and_only_by_a_request_of_objection_that_was_checked(case: Objecting) -> None:
    with pytest.raises(NotFound):
        await case.object(case.stranger)
    with pytest.raises(Refused):
        await case.here.rights_acts.object(case.access, case.id, case.call)
    for right, says in ((Right.ACCESS, "by a request of objection"), (Right.OBJECTION, "first check who asks")):
        filed = await case.here.rights.file(right, CLAIM)
        with pytest.raises(WrongStep, match=says):
            await case.here.rights_acts.object(case.me, filed.reference, case.call)
    assert not case.here.events("objection@1")
