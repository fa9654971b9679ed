"""What widens a register entry is named part by part; over the API it takes two people, and what narrows takes one."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace
from tests.screens.town import Town, town

from tutela.errors import BadInput, Refused
from tutela.flow.entry_acts import EntryChange
from tutela.flow.widening import widened
from tutela.model.access import Access
from tutela.model.people import Role
from tutela.model.register import Source
from tutela.model.when import DAY, parse

START: int = parse("2026-11-25T08:00:00Z")
ENTRY = Source(
    name="cameras",
    owner="City",
    kind="cameras",
    purposes=("traffic", "environment"),
    legal_basis="PublicInterest",
    personal_data=False,
    place="Centre",
    retention_days=3,
    dpia="D 1",
    ends=START + 30 * DAY,
    simulated=True,
    subjects=("event", "weather"),
)

WIDER: tuple[tuple[dict[str, object], str], ...] = (
    ({"owner": "Shop"}, "another owner: Shop"),
    ({"kind": "microphones"}, "another kind: microphones"),
    ({"purposes": ("traffic", "public-safety")}, "purposes are added: public-safety"),
    ({"legal_basis": "Consent"}, "another legal basis: Consent"),
    ({"personal_data": True}, "personal data is allowed"),
    ({"place": "Whole city"}, "another place: Whole city"),
    ({"retention_days": 4}, "it is kept for longer"),
    ({"retention_days": None}, "it is kept for longer"),
    ({"dpia": None}, "another impact assessment: none"),
    ({"dpia": "D 2"}, "another impact assessment: D 2"),
    ({"ends": START + 31 * DAY}, "its end is put off"),
    ({"ends": None}, "its end is put off"),
    ({"simulated": False}, "it is simulated no more"),
    ({"agency": "police"}, "another agency: police"),
    ({"subjects": ()}, "posts of any subject are followed"),
    ({"subjects": ("event", "crime")}, "subjects are added: crime"),
)
NARROWER: tuple[dict[str, object], ...] = (
    {},
    {"purposes": ("traffic",)},
    {"retention_days": 2},
    {"ends": START + DAY},
    {"subjects": ("event",)},
)


@pytest.mark.parametrize(("changes", "says"), WIDER, ids=[says for _, says in WIDER])
def test_each_part_that_permits_more_is_named(changes: dict[str, object], says: str) -> None:
    assert widened(ENTRY, replace(ENTRY, **changes)) == (says,)


@pytest.mark.parametrize("changes", NARROWER, ids=repr)
def test_what_permits_less_widens_nothing(changes: dict[str, object]) -> None:
    assert widened(ENTRY, replace(ENTRY, **changes)) == ()


def test_what_stands_without_bounds_is_not_widened_by_bounds() -> None:
    free = replace(ENTRY, retention_days=None, ends=None, subjects=(), dpia=None, personal_data=True, simulated=False)
    assert widened(free, replace(ENTRY, simulated=True)) == ()


def test_no_field_of_an_entry_is_passed_over() -> None:
    """Whatever field comes later has to be judged as well."""
    judged = {name for changes, _ in WIDER for name in changes}
    assert judged | {"name"} == set(Source.__struct_fields__)


def test_the_first_entry_widens() -> None:
    assert widened(None, ENTRY) == ("it is entered for the first time",)


class Two:
    """IT, who enters sources, a privacy officer, who votes, and a clock."""

    here: Town
    now: int = START

    async def begin(self) -> Two:
        self.here = await town(lambda: self.now)
        agent, _ = await self.here.person(Role.IT, "Ilta")
        officer, _ = await self.here.person(Role.PRIVACY_OFFICER, "Cai")
        self.it = Access(agent=agent, purpose="system-operation", legal_basis="PublicInterest")
        self.officer = Access(agent=officer, purpose="oversight", legal_basis="PublicInterest")
        return self

    async def entered(self, entry: Source) -> None:
        proposal = await self.here.entries.propose(self.it, entry, "needed")
        await self.here.approvals.vote(self.officer, proposal.id, yes=True, reason="it is")
        self.now += DAY
        await self.here.entries.enter(self.it, entry, proposal.id)

    async def stands(self) -> Source | None:
        return next((one for one in await self.here.facts.sources() if one.name == ENTRY.name), None)


@pytest.fixture
async def two() -> Two:
    return await Two().begin()


async def test_a_source_is_entered_and_widened_by_two_people_and_narrowed_by_one(two: Two) -> None:
    people = replace(ENTRY, personal_data=True)
    with pytest.raises(Refused, match="takes two people") as refused:
        await two.here.entries.enter(two.it, people)
    assert await two.stands() is None
    await two.entered(people)
    assert await two.stands() == people

    longer, shorter = replace(people, retention_days=9), replace(people, retention_days=1)
    with pytest.raises(Refused, match="takes two people"):
        await two.here.entries.enter(two.it, longer)
    assert await two.here.entries.enter(two.it, shorter) == shorter

    assert await two.stands() == shorter
    assert refused.value.policy == "G27-second-person"
    assert len(two.here.events("refusal@1")) == 2


async def test_a_new_source_without_data_of_people_takes_one_person_and_two_once_it_widens(two: Two) -> None:
    assert await two.here.entries.enter(two.it, ENTRY) == ENTRY
    with pytest.raises(Refused, match="takes two people"):
        await two.here.entries.enter(two.it, replace(ENTRY, personal_data=True))

    assert await two.stands() == ENTRY


async def test_an_approval_is_void_when_the_entry_was_changed_since(two: Two) -> None:
    """They voted on a step from three days to nine, not from one."""
    await two.entered(ENTRY)
    longer = replace(ENTRY, retention_days=9)
    proposal = await two.here.entries.propose(two.it, longer, "needed")
    await two.here.approvals.vote(two.officer, proposal.id, yes=True, reason="it is")
    two.now += DAY
    await two.here.entries.enter(two.it, replace(ENTRY, retention_days=1))

    with pytest.raises(Refused, match="is of something else"):
        await two.here.entries.enter(two.it, longer, proposal.id)


async def test_what_is_voted_on_names_what_widens(two: Two) -> None:
    proposal = await two.here.entries.propose(two.it, ENTRY, "needed")

    told = msgspec.json.decode(proposal.body, type=EntryChange)
    assert (told.widens, told.before, told.after) == (("it is entered for the first time",), None, ENTRY)


async def test_what_needs_nobody_else_is_not_proposed_and_what_nobody_may_have_is_refused(two: Two) -> None:
    await two.entered(ENTRY)

    with pytest.raises(BadInput, match="permits nothing more than the entry of cameras that stands"):
        await two.here.entries.propose(two.it, ENTRY, "needed")
    with pytest.raises(Refused) as refused:
        await two.here.entries.propose(two.it, replace(ENTRY, purposes=("marketing",)), "needed")
    with pytest.raises(Refused):
        await two.here.entries.propose(two.officer, ENTRY, "needed")
    assert refused.value.policy == "R12-advertising"
    assert len(two.here.events("refusal@1")) == 2
