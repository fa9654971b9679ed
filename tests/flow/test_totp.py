"""An app's codes let their owner in, each once, and hand nothing out; whoever is suspended is out until another person says otherwise."""

from __future__ import annotations

import asyncio
from base64 import b32decode

import pytest
from tests.flow.read_support import City, access, city
from tests.flow.test_people import chance

from tutela.errors import BadInput, Conflict, LockedOut, NotFound, Refused
from tutela.flow.people import Staff
from tutela.flow.suspending import Suspending
from tutela.flow.totp import Totp
from tutela.maths.totp import STEP, code
from tutela.model.access import Access
from tutela.model.people import Agent, Factor, Role
from tutela.model.timeline import LIVE
from tutela.model.when import HOUR, SECOND
from tutela.policy.purposes import Action, ask


class Here:
    """A city with people, whose time moves by hand."""

    def __init__(self, made: City) -> None:
        self.city = made
        self.staff = Staff(
            ledger=made.ledger,
            people=made.facts,
            desk=made.facts,
            log=made.facts,
            shifts=made.facts,
            keys=made.keys,
            chance=chance(),
        )
        self.totp = Totp(staff=self.staff, issuer="Helsinki")
        self.suspending = Suspending(staff=self.staff)

    async def person(self, role: Role = Role.OPERATOR, ends: int | None = None) -> Agent:
        return (await self.staff.enrol(await self.staff.invite_here(role, "city", ends), "Aino"))[0]

    def code(self, secret: str, off: int = 0) -> str:
        return code(b32decode(secret), self.city.now[0] // SECOND // STEP + off)

    async def app(self, agent: Agent) -> str:
        """The secret of an app whose codes let them in."""
        secret = (await self.totp.to_share(agent)).secret
        await self.totp.show(agent, self.code(secret))
        return secret


@pytest.fixture
async def here() -> Here:
    return Here(await city())


def boss(agent: Agent) -> Access:
    return Access(agent=agent, purpose="system-operation", legal_basis="PublicInterest")


async def test_a_code_lets_its_owner_in_and_the_session_says_how(here: Here) -> None:
    agent = await here.person()
    shared = await here.totp.to_share(agent)
    assert not await here.totp.has(agent.id)
    await here.totp.show(agent, here.code(shared.secret))
    here.city.now[0] += 13 * HOUR

    came, token = await here.totp.come(agent.id, here.code(shared.secret))

    assert came == agent
    assert (await here.staff.signed_in(token)).factor is Factor.TOTP
    assert shared.address.startswith(f"otpauth://totp/Helsinki%3A{agent.id}?secret={shared.secret}&issuer=Helsinki")


async def test_the_secret_is_nowhere_in_the_log_in_the_clear(here: Here) -> None:
    secret = await here.app(await here.person())

    bodies = b"".join(event.body for event in here.city.facts.store.events.values())
    assert b32decode(secret) not in bodies
    assert secret.encode() not in bodies


async def test_each_code_lets_in_once_also_of_two_at_once(here: Here) -> None:
    agent = await here.person()
    secret = await here.app(agent)
    said = here.code(secret)

    came = await asyncio.gather(*(here.totp.come(agent.id, said) for _ in range(3)), return_exceptions=True)

    assert sorted(isinstance(one, Refused) for one in came) == [False, True, True]
    with pytest.raises(Refused, match="wait for the next one"):
        await here.totp.come(agent.id, said)
    here.city.now[0] += STEP * SECOND
    await here.totp.come(agent.id, here.code(secret))


async def test_a_secret_of_which_no_code_was_shown_lets_nobody_in_and_the_one_before_stays(here: Here) -> None:
    agent = await here.person()
    first = await here.app(agent)
    second = (await here.totp.to_share(agent)).secret

    with pytest.raises(Refused):
        await here.totp.come(agent.id, here.code(second))
    await here.totp.come(agent.id, here.code(first))
    with pytest.raises(Refused, match="not the code that this secret makes"):
        await here.totp.show(agent, here.code(second, off=5))
    await here.totp.show(agent, here.code(second))
    here.city.now[0] += STEP * SECOND
    with pytest.raises(Refused):
        await here.totp.come(agent.id, here.code(first))
    await here.totp.come(agent.id, here.code(second))


async def test_nobody_learns_who_is_here_and_five_wrong_ones_lock(here: Here) -> None:
    agent = await here.person()
    secret = await here.app(agent)
    with pytest.raises(Refused) as unknown:
        await here.totp.come("nobody", here.code(secret))
    for _ in range(5):
        with pytest.raises(Refused) as wrong:
            await here.totp.come(agent.id, here.code(secret, off=9))

    assert unknown.value.message == wrong.value.message
    with pytest.raises(LockedOut):
        await here.totp.come(agent.id, here.code(secret))


async def test_removed_codes_let_nobody_in(here: Here) -> None:
    agent, other = await here.person(), await here.person()
    secret = await here.app(agent)
    with pytest.raises(NotFound):
        await here.totp.show(other, "123456")
    with pytest.raises(NotFound):
        await here.totp.remove(other)
    await here.totp.remove(agent)
    with pytest.raises(Refused):
        await here.totp.come(agent.id, here.code(secret))

    await here.app(other)
    await here.totp.remove_of(access(Role.SUPERVISOR, "system-operation"), other.id)
    assert not await here.totp.has(other.id)
    with pytest.raises(Refused):
        await here.totp.remove_of(access(Role.OPERATOR, "system-operation"), other.id)


async def test_whose_role_is_over_does_not_come_in_by_a_code(here: Here) -> None:
    agent = await here.person(ends=here.city.now[0] + HOUR)
    secret = await here.app(agent)
    here.city.now[0] += HOUR

    with pytest.raises(Refused):
        await here.totp.come(agent.id, here.code(secret))


async def test_whoever_came_in_by_a_code_reads_and_hands_nothing_out(here: Here) -> None:
    agent = await here.person(Role.SUPERVISOR)
    weak = Access(agent=agent, purpose="public-safety", legal_basis="PublicInterest", factor=Factor.TOTP)
    now = here.city.now[0]
    await here.city.ledger.must(ask(weak, Action.READ, "alerts", now), LIVE, "queue")

    with pytest.raises(Refused, match="Come in with a passkey") as refused:
        await here.city.ledger.must(ask(weak, Action.EXPORT, "alerts", now), LIVE, "evidence")
    assert refused.value.policy == "F20-weaker-factor"


async def test_whoever_is_suspended_is_out_everywhere_until_another_person_restores_them(here: Here) -> None:
    one, two = boss(await here.person(Role.SUPERVISOR)), boss(await here.person(Role.SUPERVISOR))
    agent = await here.person()
    secret = await here.app(agent)
    token = await here.staff.begin(agent)
    code_ = await here.staff.invite_again(one, agent.id)

    made = await here.suspending.suspend(one, agent.id, "a lost phone")
    with pytest.raises(Refused):
        await here.staff.who(token)
    with pytest.raises(Refused):
        await here.totp.come(agent.id, here.code(secret))
    _, again = await here.staff.enrol(code_, "Aino")
    with pytest.raises(Refused):
        await here.staff.who(again)
    with pytest.raises(Conflict, match="somebody else decides"):
        await here.suspending.restore(one, agent.id, "found")
    back = await here.suspending.restore(two, agent.id, "found")

    assert (made.suspended, back.suspended) == (True, False)
    assert (await here.staff.who(again)).id == agent.id
    kinds = [event.kind for event in await here.city.facts.about(agent.id) if b"lost phone" in event.body]
    assert kinds == []


async def test_suspending_asks_for_a_right_and_a_reason_and_is_for_others(here: Here) -> None:
    chief = boss(await here.person(Role.SUPERVISOR))
    agent = await here.person()
    with pytest.raises(Conflict, match="yourself"):
        await here.suspending.suspend(chief, chief.agent.id, "tired")
    with pytest.raises(BadInput, match="say why"):
        await here.suspending.suspend(chief, agent.id, " ")
    with pytest.raises(Refused):
        await here.suspending.suspend(access(Role.OPERATOR, "public-safety"), agent.id, "envy")
    with pytest.raises(Conflict, match="not suspended"):
        await here.suspending.restore(chief, agent.id, "why not")
    await here.suspending.suspend(chief, agent.id, "a lost phone")
    with pytest.raises(Conflict, match="already"):
        await here.suspending.suspend(chief, agent.id, "again")


@pytest.mark.parametrize("typed", ["break-glass", "legal-holds", "nobody"])
async def test_what_a_stranger_typed_as_their_id_is_not_written_down_and_names_no_subject(
    here: Here, typed: str
) -> None:
    for _ in range(5):
        with pytest.raises(Refused):
            await here.totp.come(typed, "123456")
    with pytest.raises(LockedOut):
        await here.totp.come(typed, "123456")

    (locked,) = here.city.events("locked-out@1")
    assert (locked.subject, b"null" in locked.body) == ("entrance", True)
    assert await here.city.facts.about(typed) == []
