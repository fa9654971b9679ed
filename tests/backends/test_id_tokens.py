"""Whose signature a token has: a listed algorithm, a key of the provider's own set, long enough, and for just this."""

from __future__ import annotations

import json

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey
from tests.app.identity import EC, RSA, STRANGE, by_public_key, signed, unsigned

from tutela.backends.id_tokens import Unknown, claims, usable
from tutela.errors import Refused

SAYS = {"sub": "b3f1"}
SHORT = json.loads(
    '{"kty": "RSA", "kid": "short", "e": "AQAB", "n": "'
    "w5YAmJHwhLCNA9cyJ9eJn3Fxi8k5qfXq_dYSrGZOBPyDpTdnSbGtmLEjbTGrJZUsf0CUKmBR31LJ4hC-MkXjx8yUr2iGUwXIxGJxDPKbpGQpEtY8"
    'rSJ2-fb5JVAqHJRdrBvVfLqoZ2zPqeCXLgNt0ZOwDoPDtKNyJFYrgHc8iZE"}'
)
"""The public half of an RSA key of 1,024 bits."""


def known(*keys: object) -> bytes:
    told = [key if isinstance(key, dict) else key.as_dict(private=False) for key in keys]  # type: ignore[attr-defined]
    return json.dumps({"keys": told}).encode()


@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
def test_what_its_key_signed_says_what_it_says(alg: str) -> None:
    assert claims(signed(SAYS, RSA, alg), known(EC, RSA)) == SAYS


def test_keys_on_curves_sign_too() -> None:
    edwards, larger = OKPKey.generate_key("Ed25519", {"kid": "e"}), ECKey.generate_key("P-384", {"kid": "l"})

    assert claims(signed(SAYS, EC, "ES256"), known(EC)) == SAYS
    assert claims(signed(SAYS, larger, "ES384"), known(EC, larger)) == SAYS
    assert claims(signed(SAYS, edwards, "Ed25519"), known(EC, edwards)) == SAYS


@pytest.mark.parametrize(
    "token",
    [
        signed(SAYS, STRANGE),
        signed(SAYS, STRANGE, jwk=STRANGE.as_dict(private=False)),
        signed(SAYS, STRANGE, jku="https://elsewhere.example/keys"),
        unsigned(SAYS),
        unsigned(SAYS, "RS256"),
        by_public_key(SAYS),
        signed(SAYS, typ="at+jwt"),
        signed(SAYS, STRANGE, x5u="https://elsewhere.example"),
        "",
        "a.b",
        "a.b.c",
        "é.é.é",
        signed(SAYS)[:-8],
        signed(SAYS) + "." + "x",
        "x" * 200_000,
    ],
    ids=lambda token: token[:12],
)
def test_what_another_signed_or_nobody_says_nothing(token: str) -> None:
    with pytest.raises(Refused, match="is not taken"):
        claims(token, known(RSA, EC))


def test_a_key_that_is_not_there_may_be_new() -> None:
    for keys in (
        known(EC),
        known(),
        known({"kty": "oct", "kid": "one", "k": "AAAA"}),
        known({"kty": "??", "kid": "one"}),
    ):
        with pytest.raises(Unknown):
            claims(signed(SAYS), keys)


def test_a_key_for_something_else_or_for_another_algorithm_or_a_short_one_is_none() -> None:
    own = RSA.as_dict(private=False)
    with pytest.raises(Unknown):
        claims(signed(SAYS), known({**own, "use": "enc"}))
    with pytest.raises(Unknown):
        claims(signed(SAYS), known({**own, "alg": "PS256"}))
    with pytest.raises(Unknown):
        claims(signed(SAYS, kid="short"), known(SHORT))

    assert usable(known({**own, "use": "enc"}, SHORT)) == 0
    assert usable(known({**own, "use": "sig", "alg": "RS256"}, EC)) == 2


def test_without_a_name_one_key_is_tried_and_of_several_none() -> None:
    token = signed(SAYS, kid=None)
    assert claims(token, known(RSA, EC)) == SAYS

    with pytest.raises(Refused, match="does not say by which key"):
        claims(token, known(RSA, RSAKey.generate_key(2048, {"kid": "three"})))


def test_keys_that_can_not_be_read_let_nobody_in() -> None:
    for keys in (b"", b"[]", b"<html>", b'{"keys": 1}'):
        with pytest.raises(Refused, match="its keys can't be read"):
            claims(signed(SAYS), keys)


@pytest.mark.parametrize("told", [7, None, "", "é"])
def test_a_token_is_for_the_access_token_that_it_came_with(told: object) -> None:
    with pytest.raises(Refused, match="at_hash"):
        claims(signed({**SAYS, "at_hash": told}), known(RSA), "opaque")
    assert claims(signed({**SAYS, "at_hash": told}), known(RSA))["sub"] == "b3f1"  # none came
