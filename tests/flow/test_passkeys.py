"""People add passkeys and come in again with them; a device that lies, or an answer sent twice, lets nobody in."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.flow.authenticator import PRESENT, Authenticator, Json, raw, text
from tests.flow.read_support import City, access, city
from tests.flow.test_people import as_, chance

from tutela.backends.ceremonies import WebAuthn
from tutela.backends.memory_facts.passkeys import MemoryPasskeys
from tutela.errors import BadInput, Conflict, LockedOut, NotFound, Refused
from tutela.flow.passkeys import CHALLENGE_LASTS, MOST, Passkeys
from tutela.flow.people import Staff
from tutela.model.people import Agent, Factor, Role
from tutela.model.when import HOUR

ORIGIN = "http://localhost:8466"
SUPERVISOR = access(Role.SUPERVISOR, "system-operation")


@pytest.fixture
async def here() -> City:
    return await city()


@pytest.fixture
def passkeys(here: City) -> Passkeys:
    staff = Staff(
        ledger=here.ledger,
        people=here.facts,
        desk=here.facts,
        log=here.facts,
        shifts=here.facts,
        keys=here.keys,
        chance=chance(),
    )
    return Passkeys(staff=staff, store=MemoryPasskeys(here.facts.store), ceremonies=WebAuthn())


async def person(passkeys: Passkeys, role: Role = Role.OPERATOR, agency: str = "city") -> Agent:
    return (await passkeys.staff.enrol(await passkeys.staff.invite_here(role, agency), "Aino"))[0]


async def added(passkeys: Passkeys, agent: Agent, device: Authenticator, name: str = "My phone") -> str:
    """The id of a passkey that this device made."""
    answer = device.make(await passkeys.to_make(agent, ORIGIN))
    return (await passkeys.add(agent, ORIGIN, name, answer)).id


async def shown(passkeys: Passkeys, device: Authenticator) -> Json:
    return device.show(await passkeys.to_show(ORIGIN))


async def test_somebody_comes_in_again_with_a_passkey_and_the_session_says_so(here: City, passkeys: Passkeys) -> None:
    agent, device = await person(passkeys), Authenticator()
    id_ = await added(passkeys, agent, device, "  My   phone ")
    here.now[0] += 13 * HOUR

    came, token = await passkeys.come(ORIGIN, await shown(passkeys, device))

    assert came == replace(agent, name="")
    signed = await passkeys.staff.signed_in(token)
    assert (signed.agent, signed.factor) == (came, Factor.PASSKEY)
    assert b'"factor":"passkey"' in here.events("session@1")[-1].body
    (own,) = await passkeys.own(agent)
    assert (own.id, own.name, own.used_at) == (id_, "My phone", here.now[0])


async def test_a_device_is_asked_for_its_owner_and_for_a_passkey_it_can_find_by_itself(passkeys: Passkeys) -> None:
    agent = await person(passkeys)
    await added(passkeys, agent, Authenticator())

    make: Json = dict(await passkeys.to_make(agent, ORIGIN))
    show: Json = dict(await passkeys.to_show(ORIGIN))

    assert (make["rp"]["id"], make["user"]["name"], raw(make["user"]["id"])) == ("localhost", "Aino", agent.id.encode())
    chosen = make["authenticatorSelection"]
    assert (chosen["userVerification"], chosen["residentKey"]) == ("required", "required")
    assert [raw(one["id"]) for one in make["excludeCredentials"]] == [b"credential of the device"]
    assert (show["rpId"], show["userVerification"], show["allowCredentials"]) == ("localhost", "required", [])


async def test_what_a_passkey_is_called_and_its_key_are_kept_sealed(here: City, passkeys: Passkeys) -> None:
    agent = await person(passkeys)
    await added(passkeys, agent, Authenticator(), "Aino's phone")

    (event,) = here.events("passkey@1")
    assert (event.by, event.subject, event.key is not None, len(event.salt)) == (agent.id, agent.id, True, 16)
    kept = b"".join(one.body for one in here.facts.store.events.values())
    for secret in (b"phone", text(b"credential of the device").encode(), b"credential of the device"):
        assert secret not in kept
    await here.keys.destroy(event.key or "")
    assert [own.name for own in await passkeys.own(agent)] == [""]


@pytest.mark.parametrize("name", ["", "   ", "a" * 61, "phone\u202e"])
async def test_a_passkey_has_a_name_that_can_be_read(passkeys: Passkeys, name: str) -> None:
    agent = await person(passkeys)
    with pytest.raises(BadInput, match="a passkey's name has"):
        await added(passkeys, agent, Authenticator(), name)


@pytest.mark.parametrize(
    "lies",
    [
        Authenticator(flags=PRESENT),
        Authenticator(flags=0),
        Authenticator(origin="https://evil.example"),
        Authenticator(origin="http://localhost:9999"),
    ],
    ids=["owner not verified", "nobody there", "another site", "another port"],
)
async def test_a_device_that_saw_another_page_or_not_its_owner_is_refused(
    passkeys: Passkeys, lies: Authenticator
) -> None:
    agent = await person(passkeys)
    with pytest.raises(Refused, match="was not made as it must be"):
        await added(passkeys, agent, lies)

    honest = Authenticator(key=lies.key)
    await added(passkeys, agent, honest)
    with pytest.raises(Refused, match="does not let you in"):
        await passkeys.come(ORIGIN, await shown(passkeys, replace_count(lies, 7)))
    await passkeys.come(ORIGIN, await shown(passkeys, honest))


def replace_count(device: Authenticator, count: int) -> Authenticator:
    device.count = count
    return device


async def test_a_challenge_is_answered_once_within_its_time_and_by_whom_it_was_made_for(
    here: City, passkeys: Passkeys
) -> None:
    agent, other, device = await person(passkeys), await person(passkeys), Authenticator()
    made = device.make(await passkeys.to_make(agent, ORIGIN))
    with pytest.raises(Refused, match="begin again"):
        await passkeys.add(other, ORIGIN, "stolen", made)
    with pytest.raises(Refused, match="begin again"):  # it is used up by that
        await passkeys.add(agent, ORIGIN, "phone", made)
    await added(passkeys, agent, device)

    answer = await shown(passkeys, device)
    await passkeys.come(ORIGIN, answer)
    late = await shown(passkeys, device)
    here.now[0] += CHALLENGE_LASTS
    for refused in (answer, late, device.show({**await passkeys.to_make(agent, ORIGIN), "rpId": "localhost"})):
        with pytest.raises(Refused, match="begin again"):
            await passkeys.come(ORIGIN, refused)
    await passkeys.to_show(ORIGIN)
    assert len(here.facts.store.challenges) == 1


async def test_another_key_and_an_unknown_passkey_are_refused_in_the_same_words(passkeys: Passkeys) -> None:
    agent = await person(passkeys)
    await added(passkeys, agent, Authenticator())
    says = set()
    for stranger in (Authenticator(), Authenticator(id=b"never seen")):
        with pytest.raises(Refused) as refused:
            await passkeys.come(ORIGIN, await shown(passkeys, stranger))
        says.add((refused.value.message, refused.value.policy))

    assert len(says) == 1


async def test_a_passkey_that_counts_backwards_lets_nobody_in_and_the_log_says_so(
    here: City, passkeys: Passkeys
) -> None:
    agent, device = await person(passkeys), Authenticator()
    id_ = await added(passkeys, agent, device)
    copy = Authenticator(key=device.key)
    await passkeys.come(ORIGIN, await shown(passkeys, device))

    with pytest.raises(Refused, match="as if somebody had copied it"):
        await passkeys.come(ORIGIN, await shown(passkeys, copy))

    (doubted,) = here.events("passkey-doubted@1")
    assert (doubted.subject, id_.encode() in doubted.body) == (agent.id, True)


async def test_a_passkey_that_never_counts_is_believed(passkeys: Passkeys) -> None:
    agent, device = await person(passkeys), Authenticator(counts=False)
    await added(passkeys, agent, device)
    for _ in range(3):
        await passkeys.come(ORIGIN, await shown(passkeys, device))


async def test_one_passkey_is_one_persons_and_nobody_has_more_than_twenty(passkeys: Passkeys) -> None:
    agent, other = await person(passkeys), await person(passkeys)
    for number in range(MOST):
        await added(passkeys, agent, Authenticator(id=b"%d" % number))

    with pytest.raises(Conflict, match="is here already"):
        await added(passkeys, other, Authenticator(id=b"0"))
    with pytest.raises(BadInput, match="remove one"):
        await passkeys.to_make(agent, ORIGIN)


async def test_whoever_removes_a_passkey_puts_out_who_came_in_with_it(here: City, passkeys: Passkeys) -> None:
    agent, device = await person(passkeys), Authenticator()
    id_ = await added(passkeys, agent, device)
    here.now[0] += 13 * HOUR
    _, token = await passkeys.come(ORIGIN, await shown(passkeys, device))
    begun = await passkeys.staff.sign_on(as_(agent), 6)
    here.now[0] += HOUR

    await passkeys.remove(agent, id_)

    with pytest.raises(Refused, match="over"):
        await passkeys.staff.who(token)
    assert list(await here.facts.shifts()) == [replace(begun, until=here.now[0])]
    assert not await passkeys.own(agent)
    with pytest.raises(NotFound):
        await passkeys.remove(agent, id_)
    with pytest.raises(Refused, match="does not let you in"):
        await passkeys.come(ORIGIN, await shown(passkeys, device))
    assert [event.by for event in here.events("passkey-removed@1")] == [agent.id]


async def test_a_supervisor_removes_a_passkey_of_their_own_agency_and_of_no_other(
    here: City, passkeys: Passkeys
) -> None:
    mine, theirs = await person(passkeys), await person(passkeys, agency="fire")
    ids = [await added(passkeys, one, Authenticator(id=one.id.encode()[:16])) for one in (mine, theirs)]

    assert [own.id for own in await passkeys.of(SUPERVISOR, mine.id)] == [ids[0]]
    await passkeys.remove_of(SUPERVISOR, mine.id, ids[0])
    for refused in (passkeys.of(SUPERVISOR, theirs.id), passkeys.remove_of(SUPERVISOR, theirs.id, ids[1])):
        with pytest.raises(Refused) as other:
            await refused
        assert other.value.policy == "F18-own-agency-invites"
    for refused in (passkeys.of(as_(mine), mine.id), passkeys.remove_of(as_(mine), theirs.id, ids[1])):
        with pytest.raises(Refused):
            await refused
    with pytest.raises(NotFound):
        await passkeys.remove_of(SUPERVISOR, mine.id, ids[1])

    assert (await passkeys.own(mine), len(await passkeys.own(theirs))) == ([], 1)
    assert [event.by for event in here.events("passkey-removed@1")] == ["supervisor-1"]


async def test_five_answers_that_are_wrong_lock_their_person(passkeys: Passkeys) -> None:
    agent, device = await person(passkeys), Authenticator()
    await added(passkeys, agent, device)
    for place in range(5):
        with pytest.raises(Refused):
            await passkeys.come(ORIGIN, await shown(passkeys, Authenticator()), f"203.0.113.{place}")

    with pytest.raises(LockedOut):
        await passkeys.come(ORIGIN, await shown(passkeys, device), "203.0.113.9")


async def test_after_the_end_of_a_role_its_passkeys_let_nobody_in(here: City, passkeys: Passkeys) -> None:
    code = await passkeys.staff.invite_here(Role.OPERATOR, "city", here.now[0] + HOUR)
    agent, device = (await passkeys.staff.enrol(code, "Aino"))[0], Authenticator()
    await added(passkeys, agent, device)
    here.now[0] += HOUR

    with pytest.raises(Refused, match="your role here"):
        await passkeys.come(ORIGIN, await shown(passkeys, device))


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"id": 1, "response": {}},
        {"id": "a", "response": "x"},
        {"id": "a", "response": {"clientDataJSON": 3}},
        {"id": "a", "response": {"clientDataJSON": text(b"not json")}},
        {"id": "a", "response": {"clientDataJSON": text(b"{}")}},
        {"id": "a", "response": {"clientDataJSON": text(b"[]")}},
        {"id": "\x00", "response": {"clientDataJSON": "\u20ac"}},
    ],
)
async def test_garbage_is_told_to_be_garbage(passkeys: Passkeys, answer: Json) -> None:
    with pytest.raises(Refused, match="no answer of a passkey"):
        await passkeys.come(ORIGIN, answer)


@pytest.mark.parametrize("field", ["authenticatorData", "signature", "clientDataJSON"])
@pytest.mark.parametrize("bad", ["", "AAAA", "\u20ac", None, 7, text(b"\xa1" * 60)])
async def test_a_damaged_answer_lets_nobody_in(passkeys: Passkeys, field: str, bad: object) -> None:
    agent, device = await person(passkeys), Authenticator()
    await added(passkeys, agent, device)
    answer = await shown(passkeys, device)
    answer["response"][field] = bad

    with pytest.raises(Refused):
        await passkeys.come(ORIGIN, answer)


@pytest.mark.parametrize("bad", ["", "AAAA", "\u20ac", None, text(b"\xa1" * 60), text(b"\xff")])
async def test_a_damaged_passkey_is_not_kept(here: City, passkeys: Passkeys, bad: object) -> None:
    agent = await person(passkeys)
    answer = Authenticator().make(await passkeys.to_make(agent, ORIGIN))
    answer["response"]["attestationObject"] = bad

    with pytest.raises(Refused, match="was not made as it must be"):
        await passkeys.add(agent, ORIGIN, "phone", answer)
    assert not here.facts.store.passkeys
