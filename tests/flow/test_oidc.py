"""The city's own provider lets in whoever was invited and linked their account, and nobody by any answer that is not just that."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.app.identity import CLIENT, EC, RSA, STRANGE, Identity, by_public_key, identity, signed, text, unsigned
from tests.flow.read_support import City, access, city
from tests.flow.test_people import chance

from tutela.app.provider import HttpProvider
from tutela.backends.memory_facts.passkeys import MemoryPasskeys
from tutela.errors import Conflict, LockedOut, NotFound, Refused, TutelaError
from tutela.flow.oidc import LASTS, Back, Journey, Oidc, journey_of
from tutela.flow.people import Staff
from tutela.flow.ports import Log
from tutela.flow.suspending import Suspending
from tutela.model.access import Access
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.people import Agent, Factor, Role
from tutela.model.timeline import LIVE
from tutela.model.when import HOUR, MINUTE, SECOND
from tutela.policy.purposes import Action, ask

REDIRECT = "http://localhost:8466/enrol/back"
NAME = "Aino"


class Here:
    """A city with people and a provider, whose time moves by hand."""

    def __init__(self, made: City, there: Identity) -> None:
        self.city, self.there = made, there
        self.staff = Staff(
            ledger=made.ledger,
            people=made.facts,
            desk=made.facts,
            log=made.facts,
            shifts=made.facts,
            keys=made.keys,
            chance=chance(),
        )
        self.http = HttpProvider(there.settings, lambda: made.now[0])
        self.oidc = Oidc(staff=self.staff, store=MemoryPasskeys(made.facts.store), provider=self.http)

    async def away(self, code: str = "", name: str = NAME) -> tuple[Journey, Back]:
        """Somebody goes to the provider, signs in there, and is on their way back."""
        address, kept = await self.oidc.begin(REDIRECT, code=code, name=name if code else "")
        return journey_of(kept), Back(**self.there.authorize(address))

    async def come(self, code: str = "", address: str = "") -> tuple[Agent, str]:
        return await self.oidc.come(REDIRECT, *await self.away(code), address)

    async def linked(self, role: Role = Role.OPERATOR, ends: int | None = None, subject: str = "") -> Agent:
        """Somebody whom the provider lets in."""
        self.there.subject = subject or self.there.subject
        return (await self.come(await self.staff.invite_here(role, "city", ends)))[0]

    def kinds(self) -> list[str]:
        return [event.kind for event in self.city.facts.store.events.values()]


@pytest.fixture
async def made() -> City:
    return await city()


@pytest.fixture
def here(made: City) -> Iterator[Here]:
    with identity(lambda: made.now[0] // SECOND) as there:
        yield Here(made, there)


async def test_whoever_was_invited_links_their_account_and_comes_in_by_it_from_then_on(here: Here) -> None:
    agent = await here.linked()
    assert (agent.name, agent.role, agent.agency) == (NAME, Role.OPERATOR, "city")
    here.city.now[0] += 13 * HOUR

    came, token = await here.come()

    assert came == agent
    signed_in = await here.staff.signed_in(token)
    assert (signed_in.agent.id, signed_in.factor) == (agent.id, Factor.PROVIDER)
    assert await here.oidc.has(agent.id)
    assert here.oidc.name == "the town's own"


async def test_nobody_is_made_by_the_provider(here: Here) -> None:
    with pytest.raises(Refused, match="nobody here comes in with this account of the town's own"):
        await here.come()

    assert await here.city.facts.agents() == []
    assert "agent@1" not in here.kinds()


async def test_what_is_asked_is_who_somebody_is_and_nothing_else_with_pkce_a_nonce_and_a_fresh_sign_in(
    here: Here,
) -> None:
    await here.linked()

    (asked,) = here.there.authorized
    assert {
        name: asked[name] for name in ("response_type", "scope", "code_challenge_method", "client_id", "max_age")
    } == {
        "response_type": "code",
        "scope": "openid",
        "code_challenge_method": "S256",
        "client_id": CLIENT,
        "max_age": "300",
    }
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert all(len(asked[name]) == 43 for name in ("state", "nonce", "code_challenge"))
    assert "acr_values" not in asked


async def test_nothing_of_what_the_provider_said_is_kept(here: Here) -> None:
    here.there.subject, here.there.says = "canary-sub", {"email": "canary@city.example", "name": "canary"}
    await here.linked()
    await here.come()

    bodies = b"".join(event.body for event in here.city.facts.store.events.values())
    assert b"canary" not in bodies
    assert b"opaque" not in bodies


async def test_a_mail_address_says_nothing_about_who_somebody_is(here: Here) -> None:
    here.there.says = {"email": "aino@city.example"}
    await here.linked()
    here.there.subject = "another"

    with pytest.raises(Refused, match="nobody here comes in"):
        await here.come()


@pytest.mark.parametrize(
    ("says", "factor"),
    [
        ({"acr": "phr"}, Factor.PROVIDER_KEY),
        ({"amr": ["hwk", "pin"]}, Factor.PROVIDER_KEY),
        ({"amr": ["pwd", "otp"]}, Factor.PROVIDER),
    ],
)
async def test_the_session_says_how_strongly_the_provider_vouched(
    here: Here, says: dict[str, object], factor: Factor
) -> None:
    await here.linked()
    here.there.says = says

    _, token = await here.come()

    assert (await here.staff.signed_in(token)).factor is factor


async def test_whoever_the_provider_vouches_little_for_reads_and_hands_nothing_out(here: Here) -> None:
    agent = await here.linked(Role.SUPERVISOR)
    _, token = await here.come()
    factor = (await here.staff.signed_in(token)).factor
    weak = Access(agent=agent, purpose="public-safety", legal_basis="PublicInterest", factor=factor)
    await here.city.ledger.must(ask(weak, Action.READ, "alerts", here.city.now[0]), LIVE, "queue")

    with pytest.raises(Refused, match="by a provider that vouches for no more") as refused:
        await here.city.ledger.must(ask(weak, Action.EXPORT, "alerts", here.city.now[0]), LIVE, "evidence")
    assert refused.value.policy == "F20-weaker-factor"


def tokens() -> dict[str, dict[str, object]]:
    """What is wrong with a token, and how the provider comes to give it."""
    now = {"iat", "exp", "auth_time", "nbf"}
    return {
        "signed by another's key": {"makes": lambda claims: signed(claims, STRANGE)},
        "signed by nobody (alg none)": {"makes": unsigned},
        "signed by nobody, but named RS256": {"makes": lambda claims: unsigned(claims, "RS256")},
        "HS256 with the public key": {"makes": by_public_key},
        "a key that it brings along": {
            "makes": lambda claims: signed(claims, STRANGE, jwk=STRANGE.as_dict(private=False))
        },
        "for something else (typ)": {"makes": lambda claims: signed(claims, typ="logout+jwt")},
        "of another issuer": {"says": {"iss": "https://id.elsewhere.example"}},
        "without an issuer": {"hides": {"iss"}},
        "for another client": {"says": {"aud": "somebody else"}},
        "for us and another": {"says": {"aud": [CLIENT, "somebody else"]}},
        "for nobody": {"hides": {"aud"}},
        "given to another (azp)": {"says": {"azp": "somebody else"}},
        "of another nonce": {"says": {"nonce": "another"}},
        "without a nonce": {"hides": {"nonce"}},
        "with a nonce that is none": {"says": {"nonce": 7}},
        "of another access token (at_hash)": {"says": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
        "without a subject": {"hides": {"sub"}},
        "of a subject that is none": {"says": {"sub": ["b3f1"]}},
        "of an endless subject": {"says": {"sub": "x" * 256}},
        "over": {"off": -400, "of": now},
        "over for a minute": {"says": {"exp": 1}},
        "from the future": {"off": 400, "of": {"iat"}},
        "not good yet": {"off": 400, "of": {"nbf"}},
        "old": {"off": -400, "of": {"iat"}},
        "without an end": {"hides": {"exp"}},
        "with an end that is none": {"says": {"exp": True}},
        "of a sign-in long ago": {"off": -400, "of": {"auth_time"}},
        "of a sign-in to come": {"off": 400, "of": {"auth_time"}},
        "without a time of sign-in": {"hides": {"auth_time"}},
    }


@pytest.mark.parametrize("what", sorted(tokens()))
async def test_a_token_lets_nobody_in_that_is(here: Here, what: str) -> None:
    agent = await here.linked()
    sessions = len(await here.staff.sittings(agent))
    wrong = tokens()[what]
    there = here.there
    there.makes = wrong.get("makes", signed)  # type: ignore[assignment]
    there.hides = wrong.get("hides", set())  # type: ignore[assignment]
    there.says = dict(wrong.get("says", {}))  # type: ignore[call-overload]
    if "off" in wrong:
        there.says = {name: there.now() + wrong["off"] for name in wrong["of"]}  # type: ignore[attr-defined,operator]

    with pytest.raises(Refused, match="what your provider says of you is not taken"):
        await here.come()

    assert len(await here.staff.sittings(agent)) == sessions
    there.makes, there.hides, there.says = signed, set(), {}
    await here.come()  # and the same one in order does


async def test_a_code_of_the_provider_is_good_once(here: Here) -> None:
    await here.linked()
    journey, back = await here.away()
    await here.oidc.come(REDIRECT, journey, back)
    other, _ = await here.away()

    with pytest.raises(Refused, match="took too long, or was answered already"):
        await here.oidc.come(REDIRECT, journey, back)
    state = Back(state=(await here.away())[1].state, code=back.code, iss=back.iss)
    with pytest.raises(Refused, match="belongs to another browser"):
        await here.oidc.come(REDIRECT, other, state)


async def test_a_code_that_was_stolen_is_of_no_use_in_another_browser(here: Here) -> None:
    """Its verifier and its nonce are the first browser's (RFC 9700, section 4.5)."""
    await here.linked()
    _, theirs = await here.away()
    own, back = await here.away()

    with pytest.raises(Refused, match="does not take this code"):
        await here.oidc.come(REDIRECT, own, replace_code(back, theirs.code))


def replace_code(back: Back, code: str) -> Back:
    return Back(state=back.state, code=code, iss=back.iss)


async def test_an_answer_is_taken_from_the_browser_alone_that_asked_and_within_its_time(here: Here) -> None:
    await here.linked()
    mine, back = await here.away()
    others, _ = await here.away()
    with pytest.raises(Refused, match="belongs to another browser"):
        await here.oidc.come(REDIRECT, others, back)
    here.city.now[0] += LASTS

    with pytest.raises(Refused, match="took too long"):
        await here.oidc.come(REDIRECT, mine, back)


@pytest.mark.parametrize("kept", ["", "nothing", "!", "é", "eyJzZWNyZXQiOiAiw6kifQ", "bnVsbA"])
def test_a_browser_that_began_nothing_brings_nothing_back(kept: str) -> None:
    with pytest.raises(Refused, match="this browser did not begin this sign-in"):
        journey_of(kept)


async def test_an_answer_of_another_issuer_is_a_mix_up_and_lets_nobody_in(here: Here) -> None:
    await here.linked()
    here.there.back = {"iss": "https://id.elsewhere.example"}
    with pytest.raises(Refused, match="this answer is not the town's own's"):
        await here.come()
    here.there.back = {"iss": ""}
    with pytest.raises(Refused, match="this answer is not the town's own's"):
        await here.come()
    assert here.there.paths().count("/token") == 1  # of linking: no code was shown to anybody

    here.http._about.at = -HOUR
    here.there.describes = {"authorization_response_iss_parameter_supported": False}
    await here.come()  # who never says so need not


@pytest.mark.parametrize(
    ("error", "says"), [("access_denied", "access_denied"), ("<b>x", "it says no more"), ("", "it says no more")]
)
async def test_what_the_provider_says_no_to_is_told_in_one_word_of_its_own(here: Here, error: str, says: str) -> None:
    here.there.back = {"error": error, "code": ""}

    with pytest.raises(Refused, match=rf"the town's own let nobody in \({says}\)"):
        await here.come()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    where=st.sampled_from(["state", "code", "iss", "secret", "token"]),
    place=st.integers(0, 2000),
    to=st.sampled_from("AQgw05_-.x"),
)
def test_no_answer_that_was_altered_in_one_place_lets_anybody_in(where: str, place: int, to: str) -> None:
    async def tried() -> None:
        made = await city()
        with identity(lambda: made.now[0] // SECOND) as there:
            here = Here(made, there)
            await here.linked()
            if where == "token":
                there.makes = lambda claims: altered(signed(claims), place, to)
            journey, back = await here.away()
            told = {"state": back.state, "code": back.code, "iss": back.iss, "secret": journey.secret}
            if where != "token":
                told[where] = altered(told[where], place, to)
            secret = told.pop("secret")
            before = len(made.facts.store.sessions)
            with pytest.raises(TutelaError):
                await here.oidc.come(REDIRECT, journey_of(text(encode(Journey(secret=secret)))), Back(**told))
            assert len(made.facts.store.sessions) == before

    asyncio.run(tried())


def altered(whole: str, place: int, to: str) -> str:
    """Another text by one character, that no reader of base64 takes for the same."""
    spot = place % (len(whole) - 1)  # the last one has bits that say nothing
    if "." in whole[max(spot - 1, 0) : spot + 2]:
        spot = 3
    return whole[:spot] + (to if whole[spot] != to else "B") + whole[spot + 1 :]


async def test_failed_sign_ins_lock_the_address_out_and_what_is_ours_does_not_count(here: Here) -> None:
    agent = await here.linked()
    here.there.status = 503
    for _ in range(6):
        with pytest.raises(TutelaError, match="answers 503"):
            await here.oidc.come(REDIRECT, *await here.away(), "192.0.2.0/32")
    here.there.status, here.there.makes = 200, unsigned
    for _ in range(5):
        with pytest.raises(Refused):
            await here.come(address="192.0.2.0/32")
    here.there.makes = signed

    with pytest.raises(LockedOut):
        await here.come(address="192.0.2.0/32")
    await here.come(address="192.0.2.1/32")
    assert "locked-out@1" in here.kinds()
    assert agent.id


async def test_whose_role_is_over_or_who_is_suspended_or_was_erased_does_not_come_in(here: Here) -> None:
    agent = await here.linked(ends=here.city.now[0] + HOUR)
    await Suspending(staff=here.staff).suspend(access(Role.SUPERVISOR, "system-operation"), agent.id, "a lost phone")
    with pytest.raises(Refused, match="suspended here"):
        await here.come()
    other = await here.linked(ends=here.city.now[0] + HOUR, subject="other")
    here.city.now[0] += HOUR
    with pytest.raises(Refused, match="your role has ended"):
        await here.come()
    assert other.id != agent.id


async def test_removed_it_lets_nobody_in_until_it_is_linked_anew(here: Here) -> None:
    agent = await here.linked()
    await here.oidc.remove(agent)
    with pytest.raises(NotFound):
        await here.oidc.remove(agent)
    assert not await here.oidc.has(agent.id)
    with pytest.raises(Refused, match="nobody here comes in"):
        await here.come()

    again = await here.linked()
    assert again.id != agent.id  # a code for somebody new, by whom the account is taken up
    assert (await here.come())[0].id == again.id
    with pytest.raises(Refused):
        await here.oidc.remove_of(access(Role.OPERATOR, "system-operation"), again.id)
    await here.oidc.remove_of(access(Role.SUPERVISOR, "system-operation"), again.id)
    assert not await here.oidc.has(again.id)


async def test_the_newest_account_of_somebody_counts_and_the_one_before_lets_nobody_in(here: Here) -> None:
    agent = await here.linked(subject="first")
    here.there.subject = "second"
    code = (await here.staff.invite_again_here(agent.id))[1]
    assert (await here.come(code))[0].id == agent.id

    assert (await here.come())[0].id == agent.id
    here.there.subject = "first"
    with pytest.raises(Refused, match="nobody here comes in"):
        await here.come()


async def test_one_account_is_one_person(here: Here) -> None:
    agent = await here.linked()
    code = await here.staff.invite_here(Role.SUPERVISOR, "city")
    with pytest.raises(Conflict, match="lets somebody in here already"):
        await here.come(code)
    assert (await here.come())[0].id == agent.id
    again = (await here.staff.invite_again_here(agent.id))[1]
    assert (await here.come(again))[0].id == agent.id  # who comes again with their own account may

    assert (await here.staff.enrol(code, "Bo"))[0].role is Role.SUPERVISOR  # nobody used the other code up


async def test_of_two_who_link_one_account_at_once_one_has_it(here: Here) -> None:
    ways = [await here.away(await here.staff.invite_here(Role.OPERATOR, "city")) for _ in range(3)]

    came = await asyncio.gather(*(here.oidc.come(REDIRECT, *way) for way in ways), return_exceptions=True)

    assert sorted(isinstance(one, Conflict) for one in came) == [False, True, True]
    (first,) = [one[0] for one in came if isinstance(one, tuple)]
    assert (await here.come())[0].id == first.id


async def test_of_two_who_are_told_to_the_log_at_once_the_first_has_it(here: Here) -> None:
    """Between looking and telling, somebody else's process told the log."""

    class Late:
        def __getattr__(self, name: str) -> object:
            return getattr(here.city.facts, name)

        async def append(self, events: Sequence[Event]) -> None:
            first = [event for event in events if event.kind == "provider@1"]
            await here.city.facts.append([msgspec.structs.replace(one, body=b"{}", subject="bo") for one in first])
            await here.city.facts.append(events)

    code = await here.staff.invite_here(Role.OPERATOR, "city")
    late = replace(here.oidc, staff=replace(here.staff, log=cast("Log", Late())))

    with pytest.raises(Conflict, match="linked this account just now"):
        await late.come(REDIRECT, *await here.away(code))


@pytest.mark.parametrize("code", ["AAAA-BBBB-CCCC-DDDD", "used"])
async def test_a_code_that_is_none_links_nothing(here: Here, code: str) -> None:
    if code == "used":
        code = await here.staff.invite_here(Role.OPERATOR, "city")
        await here.staff.enrol(code, "Bo")

    with pytest.raises((NotFound, Conflict)):
        await here.come(code)
    assert "provider@1" not in here.kinds()


async def test_without_a_provider_nobody_goes_there_and_what_was_linked_can_still_be_removed(here: Here) -> None:
    agent = await here.linked()
    without = replace(here.oidc, provider=None)
    with pytest.raises(NotFound, match="no identity provider is set up here"):
        await without.begin(REDIRECT)
    assert without.name == ""

    await without.remove(agent)
    assert not await without.has(agent.id)


async def test_a_locked_person_does_not_come_in_by_the_provider_either(here: Here) -> None:
    agent = await here.linked()
    for _ in range(5):
        with pytest.raises(Refused), here.staff.lockout.attempt(here.city.now[0], f"of {agent.id}"):
            raise Refused("wrong", policy="totp")

    with pytest.raises(LockedOut):
        await here.come()
    here.city.now[0] += 16 * MINUTE
    assert (await here.come())[0].id == agent.id


async def test_keys_of_other_kinds_sign_too(here: Here) -> None:
    agent = await here.linked()
    here.there.makes = lambda claims: signed(claims, EC, "ES256")
    assert (await here.come())[0].id == agent.id
    here.there.makes = lambda claims: signed(claims, RSA, "PS256")
    assert (await here.come())[0].id == agent.id
