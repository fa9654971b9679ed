"""What an ID token says, once its signature was found to be the provider's (OpenID Connect Core 1.0, section 3.1.3.7).

It has to be of this provider, for us and nobody else, about the question that was asked, of now, and of somebody who signed in there just
now: a session that somebody left open at the provider lets nobody in here.
"""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest

from tutela.errors import Refused
from tutela.model.noun import Noun
from tutela.model.people import Factor

from .strength import factor_of

POLICY = "provider"
"""Stands for a policy where a sign-in at a provider is refused."""

LEEWAY = 60
"""Seconds by which two clocks may differ."""

FRESH = 300
"""Seconds since somebody signed in at the provider, at most (`max_age`): then it asks them again."""

LONGEST = 255
"""Characters of a subject (OpenID Connect Core 1.0, section 2)."""


class Expected(Noun, frozen=True, kw_only=True):
    """Whose token it is to be, for whom, about which question; `now` in seconds."""

    issuer: str
    client: str
    nonce: str
    now: int


class Shown(Noun, frozen=True, kw_only=True):
    """Who somebody is at the provider, and how they showed it there."""

    subject: str
    factor: Factor


def shown(claims: Mapping[str, object], expected: Expected) -> Shown:
    """Who that is; raises Refused, with what is wrong."""
    _meant(claims, expected)
    _timely(claims, expected.now)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= LONGEST:
        raise wrong("it does not say who you are there (sub)")
    return Shown(subject=subject, factor=factor_of(claims))


def wrong(why: str) -> Refused:
    """An ID token that lets nobody in."""
    return Refused(
        f"what your provider says of you is not taken: {why}. Begin again; when it stays so, tell whoever runs this",
        policy=POLICY,
    )


def _meant(claims: Mapping[str, object], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise wrong("it is another provider's (iss)")
    if claims.get("aud") not in (expected.client, [expected.client]):
        raise wrong("it is not for us, or not for us alone (aud)")
    if claims.get("azp", expected.client) != expected.client:
        raise wrong("it was given to another program (azp)")
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not compare_digest(nonce.encode("utf-8", "replace"), expected.nonce.encode()):
        raise wrong("it answers another question (nonce)")


def _timely(claims: Mapping[str, object], now: int) -> None:
    if _time(claims, "exp") <= now - LEEWAY:
        raise wrong("it is over (exp)")
    if _time(claims, "iat") > now + LEEWAY:
        raise wrong("it is from the future (iat); one of the two clocks is wrong")
    if _time(claims, "iat") < now - FRESH - LEEWAY:
        raise wrong("it is old (iat)")
    if "nbf" in claims and _time(claims, "nbf") > now + LEEWAY:
        raise wrong("it is not good yet (nbf)")
    if not now - FRESH - LEEWAY <= _time(claims, "auth_time") <= now + LEEWAY:
        raise wrong(f"you did not sign in there within the last {FRESH // 60} minutes (auth_time)")


def _time(claims: Mapping[str, object], name: str) -> float:
    """A time in seconds."""
    found = claims.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise wrong(f"it does not say when ({name})")
    return found
