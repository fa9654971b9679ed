"""The city's own identity provider over HTTP (OpenID Connect Discovery 1.0): what it says of itself, its keys, and the token for a code.

It is asked at addresses that were looked at, over TLS unless it is on this very machine; what it says of itself has to be by the name that is set
here, letter by letter. It is not asked more often for that or for its keys than a bound allows, whatever tokens somebody sends. The access token that comes
with an ID token is looked at for `at_hash`, and kept nowhere.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import quote

import httpx
import msgspec

from tutela import __version__
from tutela.app.settings import OIDC_CA, OIDC_INSIDE, OidcSettings
from tutela.backends.id_tokens import Unknown, claims, usable
from tutela.errors import BadInput, EngineDown, Refused
from tutela.flow.id_token import POLICY
from tutela.flow.oidc import Question
from tutela.flow.strength import PHISHING_RESISTANT
from tutela.model.when import HOUR, MINUTE
from tutela.sources.poll import Away, address_of

DISCOVERY = "/.well-known/openid-configuration"
LONGEST = 1 << 20
"""Bytes of an answer."""

PATIENCE = 10.0
KEPT = HOUR
"""How long its description and its keys are good without being asked for again."""

AGAIN = MINUTE
"""How soon its keys are asked for again, when a token names one that is not among them."""

BASIC = "client_secret_basic"
Told = TypeVar("Told")


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says of itself, as far as it matters here (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = (BASIC,)
    acr_values_supported: tuple[str, ...] = ()
    authorization_response_iss_parameter_supported: bool = False


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What it gives for a code."""

    id_token: str
    access_token: str = ""


class _Wrong(msgspec.Struct, frozen=True):
    error: str = ""


@dataclass(slots=True)
class Known:
    """What was asked for, and when (microseconds)."""

    body: bytes = b""
    at: int = 0

    def fresh(self, now: int, lasts: int) -> bool:
        """Whether it need not be asked for again."""
        return bool(self.body) and now - self.at < lasts


class HttpProvider:
    """A provider, by what is set of it; times are those of the clock."""

    def __init__(self, set_: OidcSettings, clock: Callable[[], int]) -> None:
        self.set, self.clock = set_, clock
        self._about, self._keys = Known(), Known()
        try:
            self._trusted = ssl.create_default_context(cafile=set_.ca or None)
        except (OSError, ssl.SSLError) as wrong:
            raise BadInput(f"{OIDC_CA}: {set_.ca} holds no certificates that can be read: {wrong}") from wrong

    @property
    def name(self) -> str:
        """What people call it."""
        return self.set.name

    @property
    def issuer(self) -> str:
        """What it calls itself."""
        return self.set.issuer

    @property
    def client(self) -> str:
        """What it calls us."""
        return self.set.client

    async def ask(self, question: Question, max_age: int) -> str:
        """Where a browser goes to be asked. Nothing is asked for but who it is: no mail, no profile."""
        about = await self.described()
        strong = [one for one in about.acr_values_supported if one in PHISHING_RESISTANT]
        asked = {
            "response_type": "code",
            "scope": "openid",
            "client_id": self.client,
            "redirect_uri": question.redirect,
            "state": question.state,
            "nonce": question.nonce,
            "code_challenge": question.challenge,
            "code_challenge_method": "S256",
            "max_age": str(max_age),
            **({"acr_values": " ".join(strong)} if strong else {}),
        }
        return str(httpx.URL(about.authorization_endpoint).copy_merge_params(asked))

    async def names_itself(self) -> bool:
        """Whether it says in each answer who it is."""
        return (await self.described()).authorization_response_iss_parameter_supported

    async def told(self, question: Question, code: str) -> Mapping[str, object]:
        """What the ID token says that it gives for this code."""
        given = await self._given(await self.described(), question, code)
        keys = await self._signing(KEPT)
        try:
            return claims(given.id_token, keys, given.access_token)
        except Unknown:
            try:
                return claims(given.id_token, await self._signing(AGAIN), given.access_token)
            except Unknown as wrong:
                raise Refused(
                    f"what {self.name} says of you is signed by a key that it does not have", policy=POLICY
                ) from wrong

    async def well(self) -> int:
        """How many keys it signs with, for whoever looks whether it can be used; raises EngineDown, and Refused."""
        self.set.secret()
        found = usable(await self._signing(KEPT))
        if not found:
            raise EngineDown(f"{self.name} has no key that is taken here; docs/how-to/oidc.md names those that are")
        return found

    async def described(self) -> Described:
        """What it says of itself; raises EngineDown for what is not its own."""
        now = self.clock()
        if not self._about.fresh(now, KEPT):
            url = self.issuer.removesuffix("/") + DISCOVERY
            about = _read(await self._body("GET", url), Described, url)
            if about.issuer != self.issuer:
                raise EngineDown(
                    f"{url} is of {about.issuer[:200]!r}, and not of {self.issuer!r} as it is set here; set it as the provider writes it"
                )
            for one in (about.authorization_endpoint, about.token_endpoint, about.jwks_uri):
                self._allowed(one)
            self._about = Known(msgspec.json.encode(about), now)
        return msgspec.json.decode(self._about.body, type=Described)

    async def _signing(self, lasts: int) -> bytes:
        """Its keys, no older than that."""
        now = self.clock()
        if not self._keys.fresh(now, lasts):
            self._keys = Known(await self._body("GET", (await self.described()).jwks_uri), now)
        return self._keys.body

    async def _given(self, about: Described, question: Question, code: str) -> Given:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": question.redirect,
            "code_verifier": question.verifier,
            "client_id": self.client,
        }
        secret, headers = self.set.secret(), dict[str, str]()
        if secret and BASIC in about.token_endpoint_auth_methods_supported:
            who = httpx.BasicAuth(quote(self.client, safe=""), quote(secret, safe=""))
            headers["Authorization"] = next(who.auth_flow(httpx.Request("POST", self.issuer))).headers["Authorization"]
        elif secret:
            form["client_secret"] = secret
        body = await self._body("POST", about.token_endpoint, form, headers)
        return _read(body, Given, about.token_endpoint)

    # ── over HTTP ───────────────────────────────────────────────────────────────────────────────
    def _allowed(self, text: str) -> httpx.URL:
        """An address that may be asked, or shown to a browser: TLS, or this machine's own when the provider is on it."""
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL as wrong:
            raise EngineDown(f"{self.name} names {text[:100]!r}, which is no address") from wrong
        plain = url.scheme == "http" and here(url.host) and here(httpx.URL(self.issuer).host)
        if not url.host or url.userinfo or not (url.scheme == "https" or plain):
            raise EngineDown(f"{self.name} names {text[:100]!r}, which is not over TLS (https); nothing is asked there")
        return url

    async def _body(
        self, method: str, text: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """What it answers; raises EngineDown when it can't, and Refused when it takes no such code."""
        url = self._allowed(text)
        inside = self.set.inside or here(httpx.URL(self.issuer).host)
        try:
            async with (
                asyncio.timeout(PATIENCE),
                httpx.AsyncClient(trust_env=False, timeout=PATIENCE, verify=self._trusted) as client,
            ):
                address = await address_of(url, allow_private=inside)
                own = {"Host": url.netloc.decode(), "Accept": "application/json", "User-Agent": f"tutela/{__version__}"}
                asked = client.build_request(
                    method,
                    url.copy_with(host=address),
                    data=form,
                    headers={**own, **(headers or {})},
                    extensions={"sni_hostname": url.host},
                )
                return await self._whole(await client.send(asked, stream=True), text)
        except Away as wrong:
            raise EngineDown(f"{text} is not asked: {wrong} (of this provider: {OIDC_INSIDE}=yes)") from wrong
        except (httpx.HTTPError, TimeoutError, OSError, UnicodeError) as wrong:
            raise EngineDown(
                f"{text} can't be asked: {wrong or type(wrong).__name__}; try again, or come in another way"
            ) from wrong

    async def _whole(self, answer: httpx.Response, text: str) -> bytes:
        found = b""
        try:
            async for some in answer.aiter_bytes():
                found += some
                if len(found) > LONGEST:
                    raise EngineDown(f"{text} answers more than {LONGEST:,} bytes")
        finally:
            await answer.aclose()
        if answer.status_code == httpx.codes.BAD_REQUEST and _error(found) == "invalid_grant":
            raise Refused(f"{self.name} does not take this code, or not twice; begin again", policy=POLICY)
        if answer.status_code != httpx.codes.OK:
            raise EngineDown(
                f"{text} answers {answer.status_code} ({_error(found) or answer.reason_phrase}); whoever runs this looks at what is set there of us"
            )
        return found


def here(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _error(body: bytes) -> str:
    """The name of an error, if it is one."""
    try:
        error = msgspec.json.decode(body, type=_Wrong).error
    except msgspec.DecodeError:
        return ""
    return error if error.isascii() and error.isprintable() and len(error) <= 40 else ""


def _read(body: bytes, type_: type[Told], text: str) -> Told:
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.DecodeError as wrong:
        raise EngineDown(f"{text} answers what is none of an OpenID provider's answers: {wrong}") from wrong
