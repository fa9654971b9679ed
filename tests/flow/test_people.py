"""Codes work once and for an hour, sessions for twelve; a shift begins and ends."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from itertools import count

import pytest
from msgspec.structs import replace
from tests.flow.read_support import City, access, city

from tutela.errors import BadInput, Conflict, LockedOut, NotFound, Refused
from tutela.flow.alert import budget
from tutela.flow.people import CODE_LASTS, IDLE, SESSION_LASTS, Staff
from tutela.model.access import Access
from tutela.model.flow import encode
from tutela.model.people import Agent, Role, Shift
from tutela.model.when import HOUR, MINUTE

SUPERVISOR = access(Role.SUPERVISOR, "system-operation")


def chance() -> Callable[[int], bytes]:
    """Bytes that look like chance, the same in each run."""
    numbers = count()
    return lambda size: sha256(str(next(numbers)).encode()).digest()[:size]


@pytest.fixture
async def here() -> City:
    return await city()


@pytest.fixture
def staff(here: City) -> Staff:
    return Staff(
        ledger=here.ledger,
        people=here.facts,
        desk=here.facts,
        log=here.facts,
        shifts=here.facts,
        keys=here.keys,
        chance=chance(),
    )


def as_(agent: Agent, purpose: str = "public-safety") -> Access:
    return replace(access(purpose=purpose), agent=agent)


async def test_the_first_person_comes_in_by_a_code_from_the_machine(here: City, staff: Staff) -> None:
    agent, token = await staff.enrol(await staff.invite_here(Role.SUPERVISOR, "city"), "  Aino  Virtanen ")

    assert (agent.name, agent.role, agent.agency, agent.suspended) == ("Aino Virtanen", "supervisor", "city", False)
    assert await staff.named(await staff.who(token)) == agent
    assert [event.by for event in here.events("invitation@1")] == ["install"]
    assert [event.subject for event in here.events("session@1")] == [agent.id]


async def test_a_supervisor_invites_and_the_log_knows_whom(here: City, staff: Staff) -> None:
    agent, _ = await staff.enrol(await staff.invite(SUPERVISOR, Role.OPERATOR, "city"), "Oskari")

    assert (agent.role, agent.agency) == ("operator", "city")
    assert [event.by for event in here.events("invitation@1")] == ["supervisor-1"]
    assert [event.by for event in here.events("agent@1")] == [agent.id]


async def test_an_operator_invites_nobody(here: City, staff: Staff) -> None:
    with pytest.raises(Refused):
        await staff.invite(access(purpose="system-operation"), Role.SUPERVISOR, "city")
    with pytest.raises(Refused):
        await staff.invite_again(access(purpose="system-operation"), "somebody")

    assert not here.facts.store.invitations
    assert [denial.query for denial in here.denials()] == ["invite supervisor of city", "invite somebody again"]


@pytest.mark.parametrize("who", [Role.IT, Role.SUPERVISOR])
@pytest.mark.parametrize(
    ("role", "agency", "policy"),
    [
        (Role.OPERATOR, "police", "F18-own-agency-invites"),
        (Role.OPERATOR, "City", "F18-own-agency-invites"),
        (Role.AUDITOR, "city", "F19-oversight-apart"),
        (Role.PRIVACY_OFFICER, "city", "F19-oversight-apart"),
    ],
)
async def test_nobody_makes_themselves_another_agency_or_their_own_oversight(
    here: City, staff: Staff, who: Role, role: Role, agency: str, policy: str
) -> None:
    with pytest.raises(Refused) as refused:
        await staff.invite(access(who, "system-operation"), role, agency)

    assert refused.value.policy == policy
    assert not here.facts.store.invitations
    assert [denial.query for denial in here.denials()] == [f"invite {role} of {agency}"]


async def test_oversight_invites_oversight(staff: Staff) -> None:
    agent, _ = await staff.enrol(await staff.invite(access(Role.AUDITOR, "oversight"), Role.AUDITOR, "city"), "Elina")

    assert agent.role == "auditor"


async def test_somebody_of_another_agency_or_of_oversight_is_not_invited_again(here: City, staff: Staff) -> None:
    for role, agency in ((Role.OPERATOR, "police"), (Role.AUDITOR, "city")):
        other, _ = await staff.enrol(await staff.invite_here(role, agency), "Aino")
        with pytest.raises(Refused):
            await staff.invite_again(SUPERVISOR, other.id)

    assert [denial.policy for denial in here.denials()] == ["F18-own-agency-invites", "F19-oversight-apart"]


async def test_a_code_is_typed_as_people_type(staff: Staff) -> None:
    code = await staff.invite_here(Role.OPERATOR, "city")
    assert len(code) == len("ABCD-EFGH-IJKL-MNOP")

    agent, _ = await staff.enrol(code.lower().replace("-", " "), "Aino")

    assert agent.role == "operator"


async def test_a_code_works_once(staff: Staff) -> None:
    code = await staff.invite_here(Role.OPERATOR, "city")
    await staff.enrol(code, "Aino")

    with pytest.raises(Conflict):
        await staff.enrol(code, "Oskari")


async def test_a_code_works_for_an_hour(here: City, staff: Staff) -> None:
    early, late = [await staff.invite_here(Role.OPERATOR, "city") for _ in range(2)]

    here.now[0] += CODE_LASTS - 1
    await staff.enrol(early, "Aino")

    here.now[0] += 1
    with pytest.raises(Refused):
        await staff.enrol(late, "Oskari")


async def test_a_code_that_nobody_made_does_not_work(staff: Staff) -> None:
    with pytest.raises(NotFound):
        await staff.enrol("ABCD-EFGH-IJKL-MNOP", "Aino")


@pytest.mark.parametrize("name", ["", "   ", "a" * 101, "Aino\u202e"])
async def test_a_name_is_one_that_colleagues_can_read(here: City, staff: Staff, name: str) -> None:
    with pytest.raises(BadInput, match="a name has"):
        await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), name)

    assert not here.facts.store.agents


async def test_a_session_lasts_twelve_hours(here: City, staff: Staff) -> None:
    _, token = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Aino")

    here.now[0] += SESSION_LASTS - 1
    await staff.who(token)

    here.now[0] += 1
    with pytest.raises(Refused, match="over"):
        await staff.who(token)


async def test_a_token_that_nobody_was_given_is_nobodys(staff: Staff) -> None:
    with pytest.raises(Refused):
        await staff.who("made up")


async def test_no_secret_and_no_name_is_kept_in_the_open(here: City, staff: Staff) -> None:
    code = await staff.invite_here(Role.OPERATOR, "city")
    agent, token = await staff.enrol(code, "Aino Virtanen")

    kept = b"".join(event.body + event.subject.encode() for event in here.facts.store.events.values())
    kept += b"".join([*here.facts.store.invitations, *here.facts.store.sessions])
    kept += encode(list(here.facts.store.agents.values()))
    for secret in (code, code.replace("-", ""), token, "Virtanen"):
        assert secret.encode() not in kept
    (enrolled,) = here.events("agent@1")
    assert enrolled.key is not None
    assert len(enrolled.salt) == 16
    assert agent.name == "Aino Virtanen"


async def test_a_name_that_was_erased_is_shown_to_nobody(here: City, staff: Staff) -> None:
    _, token = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Aino Virtanen")
    (enrolled,) = here.events("agent@1")
    await here.keys.destroy(enrolled.key or "")

    assert (await staff.named(await staff.who(token))).name == ""


async def test_somebody_known_comes_again_as_the_same_person(here: City, staff: Staff) -> None:
    agent, _ = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Aino")
    here.now[0] += 13 * HOUR

    again, token = await staff.enrol(await staff.invite_again(SUPERVISOR, agent.id), "whoever")

    assert again == agent
    assert await staff.named(await staff.who(token)) == agent


async def test_whoever_holds_the_machine_lets_anybody_come_again(here: City, staff: Staff) -> None:
    agent, _ = await staff.enrol(await staff.invite_here(Role.AUDITOR, "police"), "Aino")

    role, code = await staff.invite_again_here(agent.id)

    assert (role, (await staff.enrol(code, "whoever"))[0]) == ("auditor", agent)
    assert [event.by for event in here.events("invitation@1")] == ["install", "install"]
    with pytest.raises(NotFound, match="has enrolled"):
        await staff.invite_again_here("nobody")


async def test_nobody_unknown_comes_again(staff: Staff) -> None:
    with pytest.raises(NotFound, match="has enrolled"):
        await staff.invite_again(SUPERVISOR, "nobody")


async def test_a_shift_begins_and_ends_with_an_event(here: City, staff: Staff) -> None:
    agent, _ = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Aino")

    begun = await staff.sign_on(as_(agent), 6)
    here.now[0] += HOUR
    ended = await staff.sign_off(as_(agent))

    assert (begun.agent, begun.budget, begun.until) == (agent.id, 6, begun.since + SESSION_LASTS)
    assert ended == replace(begun, until=begun.since + HOUR)
    assert list(await here.facts.shifts()) == [ended]
    assert [event.subject for event in here.events("shift@1")] == [agent.id, agent.id]


async def test_nobody_is_on_two_shifts(here: City, staff: Staff) -> None:
    agent, _ = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Aino")
    other, _ = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Oskari")
    await staff.sign_on(as_(agent), 6)
    await staff.sign_on(as_(other), 6)

    with pytest.raises(Conflict, match="sign off first"):
        await staff.sign_on(as_(agent), 6)

    here.now[0] += 1
    await staff.sign_off(as_(agent))
    with pytest.raises(NotFound, match="sign on first"):
        await staff.sign_off(as_(agent))
    here.now[0] += 1
    await staff.sign_on(as_(agent), 12)


async def test_a_shift_ends_with_its_session(here: City, staff: Staff) -> None:
    agent, _ = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Aino")
    here.now[0] += HOUR
    await staff.sign_on(as_(agent), 12)

    here.now[0] += SESSION_LASTS - HOUR - 1
    assert budget(await here.facts.shifts(), here.now[0]) == 12
    here.now[0] += 1
    assert budget(await here.facts.shifts(), here.now[0]) == 0
    assert await staff.shift(as_(agent)) is None


async def test_one_person_over_three_days_is_one_agent_with_one_budget(here: City, staff: Staff) -> None:
    agent, _ = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Aino")
    for _ in range(3):
        await staff.sign_on(as_(agent), 12)
        assert budget(await here.facts.shifts(), here.now[0]) == 12
        here.now[0] += 24 * HOUR
        assert (await staff.enrol(await staff.invite_again(SUPERVISOR, agent.id), ""))[0] == agent


async def test_whoever_signs_out_goes_off_shift(here: City, staff: Staff) -> None:
    agent, token = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Aino")
    begun = await staff.sign_on(as_(agent), 12)
    here.now[0] += HOUR

    await staff.sign_out(token)

    assert list(await here.facts.shifts()) == [replace(begun, until=here.now[0])]
    assert budget(await here.facts.shifts(), here.now[0]) == 0


async def test_a_shift_goes_on_in_another_session_and_no_longer_than_that(here: City, staff: Staff) -> None:
    agent, first = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Aino")
    here.now[0] += HOUR
    _, second = await staff.enrol(await staff.invite_again(SUPERVISOR, agent.id), "")
    begun = await staff.sign_on(as_(agent), 12)

    await staff.sign_out(first)
    assert list(await here.facts.shifts()) == [begun]

    here.now[0] += HOUR
    _, third = await staff.enrol(await staff.invite_again(SUPERVISOR, agent.id), "")
    await staff.sign_out(third)
    assert await staff.shift(as_(agent)) == begun
    await staff.sign_out(second)
    assert await staff.shift(as_(agent)) is None


async def test_a_shift_without_an_end_ends_with_the_last_session(here: City, staff: Staff) -> None:
    agent, first = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Aino")
    await staff.enrol(await staff.invite_again(SUPERVISOR, agent.id), "")
    endless = Shift(agent=agent.id, since=here.now[0], budget=12)
    await here.facts.act((), (), (), (endless,))

    await staff.sign_out(first)

    assert await staff.shift(as_(agent)) == replace(endless, until=here.now[0] + SESSION_LASTS)


@pytest.mark.parametrize("alerts", [-1, 0, 601])
async def test_a_budget_is_one_that_a_person_can_keep(staff: Staff, alerts: int) -> None:
    with pytest.raises(BadInput, match="1 to 600"):
        await staff.sign_on(access(), alerts)


async def test_an_auditor_signs_on_to_nothing(staff: Staff) -> None:
    with pytest.raises(Refused):
        await staff.sign_on(access(Role.AUDITOR, "oversight"), 6)
    with pytest.raises(Refused):
        await staff.sign_off(access(Role.AUDITOR, "oversight"))


async def test_a_person_sees_the_shift_they_are_on(here: City, staff: Staff) -> None:
    agent, _ = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Aino")

    assert await staff.shift(as_(agent)) is None
    begun = await staff.sign_on(as_(agent), 6)
    assert await staff.shift(as_(agent)) == begun
    assert [query.query for query in here.queries()] == ["own shift", "own shift"]


async def test_a_session_that_is_signed_out_of_is_over_at_once(here: City, staff: Staff) -> None:
    agent, token = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Aino")
    here.now[0] += HOUR

    await staff.sign_out(token)

    with pytest.raises(Refused):
        await staff.who(token)
    assert [event.subject for event in here.events("session@1")] == [agent.id, agent.id]


async def test_after_the_end_of_a_role_nothing_is_permitted_and_the_sentence_says_so(here: City, staff: Staff) -> None:
    ends = here.now[0] + HOUR - MINUTE
    agent, token = await staff.enrol(await staff.invite(SUPERVISOR, Role.OPERATOR, "city", ends), "Aino")
    late = await staff.invite_again(SUPERVISOR, agent.id)
    begun = await staff.sign_on(as_(agent), 6)
    assert (agent.until, begun.until, await staff.who(token)) == (ends, ends, replace(agent, name=""))

    here.now[0] = ends - 1
    await staff.who(token)
    here.now[0] = ends
    for refused in (staff.who(token), staff.active(token), staff.enrol(late, "")):
        with pytest.raises(Refused, match="your role here, operator of city, ended at") as told:
            await refused
        assert told.value.policy == "role-ended"
    assert budget(await here.facts.shifts(), here.now[0]) == 0


async def test_a_later_end_lets_the_same_person_come_again_and_no_end_lies_in_the_past(
    here: City, staff: Staff
) -> None:
    agent, _ = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city", here.now[0] + HOUR), "Aino")
    here.now[0] += 2 * HOUR

    for past in (staff.invite_again(SUPERVISOR, agent.id), staff.invite_here(Role.IT, "city", here.now[0])):
        with pytest.raises(BadInput, match="an end that is still to come"):
            await past
    again, token = await staff.enrol((await staff.invite_again_here(agent.id, here.now[0] + HOUR))[1], "")

    assert again == replace(agent, until=here.now[0] + HOUR)
    assert (await staff.who(token)).until == here.now[0] + HOUR
    assert (await staff.enrol(await staff.invite_again(SUPERVISOR, agent.id), ""))[0] == again


async def test_whoever_was_idle_for_half_an_hour_reads_and_does_not_act(here: City, staff: Staff) -> None:
    _, token = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Aino")
    for _ in range(3):
        here.now[0] += IDLE - 1
        await staff.active(token)

    here.now[0] += IDLE
    await staff.who(token)
    for _ in range(2):  # being refused is no sign of life
        with pytest.raises(Refused, match="you did nothing here since") as refused:
            await staff.active(token)
        assert refused.value.policy == "idle"
    await staff.sign_out(token)


async def test_after_five_wrong_codes_from_one_address_none_is_tried_right_or_wrong(here: City, staff: Staff) -> None:
    right, other = [await staff.invite_here(Role.OPERATOR, "city") for _ in range(2)]
    await staff.enrol(other, "Oskari", "203.0.113.7")
    for wrong in ("ABCD-EFGH-IJKL-MNOP", other, "", "A", "B"):
        with pytest.raises((NotFound, Conflict)):
            await staff.enrol(wrong, "Aino", "203.0.113.7")
        here.now[0] += MINUTE

    says = set()
    for code in (right, other, "made up"):
        with pytest.raises(LockedOut, match="until 2026-11-25T08:15:00") as locked:
            await staff.enrol(code, "Aino", "203.0.113.7")
        says.add(locked.value.message)
    assert (len(says), locked.value.status, locked.value.retry_after) == (1, 429, 600.0)
    (told,) = here.events("locked-out@1")
    assert (told.by, told.subject, b"203.0.113" in told.body) == ("entrance", "entrance", False)

    here.now[0] += 10 * MINUTE
    assert (await staff.enrol(right, "Aino", "203.0.113.7"))[0].name == "Aino"


async def test_five_failures_of_one_person_lock_that_person_from_everywhere(here: City, staff: Staff) -> None:
    agent, _ = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Aino")
    used = await staff.invite_again(SUPERVISOR, agent.id)
    await staff.enrol(used, "", "203.0.113.1")
    for place in range(5):
        with pytest.raises(Conflict):
            await staff.enrol(used, "", f"203.0.113.{place}")

    with pytest.raises(LockedOut):
        await staff.enrol(await staff.invite_again(SUPERVISOR, agent.id), "", "203.0.113.9")
    await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Oskari", "203.0.113.9")

    assert [event.subject for event in here.events("locked-out@1")] == [agent.id]


async def test_a_name_that_is_none_is_no_sign_in_that_failed(staff: Staff) -> None:
    code = await staff.invite_here(Role.OPERATOR, "city")
    for _ in range(6):
        with pytest.raises(BadInput):
            await staff.enrol(code, "", "203.0.113.7")

    await staff.enrol(code, "Aino", "203.0.113.7")


async def test_somebody_sees_their_sessions_and_ends_all_others_at_once(here: City) -> None:
    staff = Staff(
        ledger=here.ledger,
        people=here.facts,
        desk=here.facts,
        log=here.facts,
        shifts=here.facts,
        keys=here.keys,
        chance=chance(),
    )
    agent, first = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Aino")
    other, theirs = await staff.enrol(await staff.invite_here(Role.OPERATOR, "city"), "Bo")
    second = await staff.begin(agent)

    assert [one.own for one in await staff.sittings(agent, second)] == [False, True]
    await staff.end_others(second)

    assert [one.own for one in await staff.sittings(agent, second)] == [True]
    with pytest.raises(Refused):
        await staff.who(first)
    assert (await staff.who(theirs)).id == other.id
    await staff.leave(second)
    await staff.leave(second)
    with pytest.raises(Refused):
        await staff.who(second)
