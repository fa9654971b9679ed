"""The provider over HTTP: asked where it may be, by its own name, not too often; and one that is not ours lets somebody in."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import RSAKey
from tests.app.identity import CLIENT, SECRET, Identity, identity, signed
from tests.integration.running import free_port, until
from tests.screens.town import town

from tutela.app import doctoring
from tutela.app.provider import AGAIN, KEPT, HttpProvider, here
from tutela.app.settings import OIDC_CA, OIDC_CLIENT, OIDC_INSIDE, OIDC_ISSUER, OIDC_NAME, OIDC_SECRET_FILE, Settings
from tutela.errors import BadInput, EngineDown, Refused
from tutela.flow.oidc import Back, Question, journey_of
from tutela.model.people import Role
from tutela.model.when import SECOND

REDIRECT = "http://localhost:8466/enrol/back"
ASKED = Question(redirect=REDIRECT, state="s", nonce="n", verifier="v" * 43)


class Here:
    """A provider that answers, and ours of it; whose time moves by hand."""

    def __init__(self, there: Identity, now: list[int]) -> None:
        self.there, self.now = there, now
        self.ours = HttpProvider(there.settings, lambda: now[0])

    async def code(self) -> str:
        return self.there.authorize(await self.ours.ask(ASKED, 300))["code"]

    async def told(self) -> str:
        return str((await self.ours.told(ASKED, await self.code()))["sub"])


@pytest.fixture
def made() -> Iterator[Here]:
    now = [1_800_000_000 * SECOND]
    with identity(lambda: now[0] // SECOND) as there:
        yield Here(there, now)


async def test_what_it_says_of_itself_and_its_keys_are_asked_for_once_an_hour(made: Here) -> None:
    for _ in range(3):
        assert await made.told() == "b3f1"
    assert made.there.paths() == ["/.well-known/openid-configuration", "/token", "/jwks", "/token", "/token"]

    made.now[0] += KEPT
    await made.told()
    assert made.there.paths().count("/jwks") == 2


async def test_a_new_key_is_found_at_once_and_a_made_up_one_does_not_make_us_ask_again_and_again(made: Here) -> None:
    await made.told()
    new = RSAKey.generate_key(2048, {"kid": "new"})
    made.there.makes = lambda claims: signed(claims, new)
    for _ in range(5):
        with pytest.raises(Refused, match="signed by a key that it does not have"):
            await made.told()
    assert made.there.paths().count("/jwks") == 1

    made.there.keys.append(new)
    made.now[0] += AGAIN
    assert await made.told() == "b3f1"
    assert made.there.paths().count("/jwks") == 2


@pytest.mark.parametrize("methods", [["client_secret_basic", "client_secret_post"], ["client_secret_post"], []])
async def test_we_show_who_we_are_in_the_way_that_it_takes(made: Here, tmp_path: Path, methods: list[str]) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    made.there.describes = {"token_endpoint_auth_methods_supported": methods} if methods else {}
    made.ours.set = replace(made.ours.set, secret_file=str(tmp_path / "secret"))
    assert await made.told() == "b3f1"

    (form,) = [form for path, form in made.there.asked if path == "/token"]
    assert ("authorization" in form, "client_secret" in form) == ((False, True) if len(methods) == 1 else (True, False))
    assert SECRET not in json.dumps(made.there.authorized)

    (tmp_path / "secret").write_text("another")
    with pytest.raises(EngineDown, match=r"answers 401 \(invalid_client\); whoever runs this"):
        await made.told()
    made.ours.set = replace(made.ours.set, secret_file=str(tmp_path / "gone"))
    with pytest.raises(EngineDown, match=OIDC_SECRET_FILE):
        await made.told()


async def test_it_is_asked_for_what_can_not_be_phished_where_it_knows_that(made: Here) -> None:
    made.there.describes = {"acr_values_supported": ["1", "phr", "gold"]}
    await made.ours.ask(ASKED, 300)

    assert "acr_values=phr&" in (await made.ours.ask(ASKED, 300)) + "&"


async def test_what_calls_itself_by_another_name_is_another(made: Here) -> None:
    made.there.describes = {"issuer": made.there.issuer + "/"}

    with pytest.raises(EngineDown, match="set it as the provider writes it"):
        await made.ours.ask(ASKED, 300)


@pytest.mark.parametrize("what", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize(
    "address", ["http://id.city.example/x", "ftp://id", "javascript:alert(1)", "https://a:b@c/", "x\ny"]
)
async def test_an_address_without_tls_is_neither_asked_nor_shown(made: Here, what: str, address: str) -> None:
    made.there.describes = {what: address}

    with pytest.raises(EngineDown, match=r"is not over TLS|is no address"):
        await made.ours.ask(ASKED, 300)


@pytest.mark.parametrize(
    "issuer", ["https://10.0.0.1", "https://169.254.169.254", "https://[fd00::1]", "https://192.168.1.7:8443"]
)
async def test_a_provider_inside_of_the_house_is_asked_only_when_somebody_said_so(made: Here, issuer: str) -> None:
    ours = HttpProvider(replace(made.there.settings, issuer=issuer), lambda: 0)

    with pytest.raises(EngineDown, match=r"which (is not on the public Internet|no other machine has)"):
        await ours.ask(ASKED, 300)


async def test_a_provider_elsewhere_can_not_lead_to_this_machine(made: Here) -> None:
    """Its description is believed in its addresses only as far as the guard goes: the one of this machine needs another word."""
    ours = HttpProvider(replace(made.there.settings, issuer="https://id.city.example"), lambda: 0)

    with pytest.raises(EngineDown, match="not over TLS"):
        await ours._body("GET", f"{made.there.issuer}/jwks")
    with pytest.raises(EngineDown, match="not on the public Internet"):
        await ours._body("GET", made.there.issuer.replace("http:", "https:"))
    assert made.there.asked == []


@pytest.mark.parametrize(
    ("status", "spoils", "says"),
    [
        (302, b"", "answers 302"),
        (200, b"<html>", "none of an OpenID provider's answers"),
        (200, b"x" * (1 << 20 | 1), "more than"),
        (500, b"", "answers 500"),
    ],
)
async def test_what_answers_otherwise_is_named_with_what_it_answers(
    made: Here, status: int, spoils: bytes, says: str
) -> None:
    made.there.status, made.there.spoils = status, spoils

    with pytest.raises(EngineDown, match=says):
        await made.ours.ask(ASKED, 300)


async def test_a_code_is_taken_once_and_only_with_its_verifier(made: Here) -> None:
    code = await made.code()
    with pytest.raises(Refused, match="does not take this code"):
        await made.ours.told(Question(redirect=REDIRECT, state="s", nonce="n", verifier="w" * 43), code)
    with pytest.raises(Refused, match="does not take this code"):
        await made.ours.told(ASKED, code)


def test_this_machine_is_known_by_its_names() -> None:
    assert [
        here(one) for one in ("localhost", "127.0.0.1", "::1", "id.city.example", "10.0.0.1", "localhost.evil.example")
    ] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_it_is_set_from_outside_and_what_is_wrong_is_said() -> None:
    def set_(**env: str) -> Settings:
        return Settings(Path("nowhere"), env)

    full = {OIDC_ISSUER: "https://id.city.example/realms/city", OIDC_CLIENT: "tutela"}
    assert set_().oidc is None
    found = set_(**full).oidc
    assert found is not None
    assert (found.name, found.inside, found.secret()) == ("id.city.example", False, "")
    named = set_(**full, **{OIDC_NAME: "the city's account", OIDC_INSIDE: "yes"}).oidc
    assert named is not None
    assert (named.name, named.inside) == ("the city's account", True)
    for issuer in ("id.city.example", "ftp://id", "https://id?x=1", "https://id#x", "https://a:b@id"):
        with pytest.raises(BadInput, match=OIDC_ISSUER):
            _ = set_(**{**full, OIDC_ISSUER: issuer}).oidc
    with pytest.raises(BadInput, match=OIDC_CLIENT):
        _ = set_(**{OIDC_ISSUER: "https://id"}).oidc
    with pytest.raises(BadInput, match=OIDC_CA):
        HttpProvider(replace(found, ca="/nowhere"), lambda: 0)


async def test_the_doctor_says_whether_it_can_be_used(made: Here, tmp_path: Path) -> None:
    async def found(**env: str) -> list[tuple[str, str]]:
        told = await doctoring.run(Settings(tmp_path, env))
        return [(one.health.value, one.what) for one in told if "provider" in one.what or "keys that sign" in one.what]

    set_ = {OIDC_ISSUER: made.there.issuer, OIDC_CLIENT: CLIENT, OIDC_NAME: "the town's own"}
    assert await found() == []
    assert await found(**set_) == [("good", "the town's own answers, with 2 keys that sign")]
    made.there.keys = []
    ((health, says),) = await found(**set_)
    assert (health, "no key that is taken here" in says) == ("bad", True)
    made.there.status = 500
    ((health, says),) = await found(**set_)
    assert (health, "answers 500" in says) == ("bad", True)
    ((health, says),) = await found(**{OIDC_ISSUER: "x"})
    assert (health, "give it as the provider writes it" in says) == ("bad", True)


@pytest.fixture
def foreign() -> Iterator[str]:
    """A provider that we did not write (oidc-provider-mock, which is Authlib's), in a process of its own."""
    port = free_port()
    who = json.dumps({"sub": "aino", "auth_time": int(time.time()), "amr": ["pwd"]})
    run = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "--user-claims", who]
    process = subprocess.Popen([*run, "--require-nonce"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/jwks"), "another's provider answers")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


async def test_a_provider_that_is_not_ours_lets_somebody_in(foreign: str, tmp_path: Path) -> None:
    """Discovery, code, keys and token of other people's code, over HTTP."""
    here_ = await town(lambda: int(time.time()) * SECOND)
    (tmp_path / "secret").write_text(SECRET)
    set_ = replace(Identity(lambda: 0).settings, issuer=foreign, secret_file=str(tmp_path / "secret"))
    here_.provider = HttpProvider(set_, here_.clock)

    async def come(code: str = "") -> tuple[object, str]:
        address, kept = await here_.oidc.begin(REDIRECT, code=code, name="Aino")
        async with httpx.AsyncClient() as browser:
            answer = await browser.post(address, data={"sub": "aino"})
        told = dict(httpx.URL(answer.headers["location"]).params)
        return await here_.oidc.come(REDIRECT, journey_of(kept), Back(**told))

    agent, _ = await come(await here_.staff.invite_here(Role.OPERATOR, "city"))
    came, token = await come()

    assert came == agent
    assert (await here_.staff.signed_in(token)).factor == "provider"


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.HTTPError:
        return False
