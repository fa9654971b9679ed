"""Whose signature an ID token has (ADR 38): it is read by `joserfc`, here alone, with algorithms that are listed here.

A key is chosen by us, from the provider's own set: whatever a token says of keys (`jwk`, `jku`, `x5c`, `x5u`) is passed over. Nothing of a token
is logged, nor told in an error: it says who somebody is.
"""

from __future__ import annotations

import hashlib
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from hmac import compare_digest
from typing import Any

import msgspec
from joserfc import jws, jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey

from tutela.errors import Refused

HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
ALGORITHMS: Mapping[str, tuple[type[Key], str]] = {
    **{f"{kind}{bits}": (RSAKey, bits) for kind in ("RS", "PS") for bits in HASHES},
    **{f"ES{bits}": (ECKey, bits) for bits in HASHES},
    "Ed25519": (OKPKey, "512"),
}
"""What is taken: the kind of key, and the hash that `at_hash` is made with. Never `none`, and nothing with a secret that we have too (`HS…`)."""

STRONG = 2048
"""Bits of an RSA key, at least."""

POLICY = "provider"
WRONG = (JoseError, ValueError, TypeError, KeyError)
"""What the library raises for a token or a key that is none."""

_registry = jws.JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)


class Unknown(Exception):
    """The key that a token names is not in the set: perhaps it is new."""


class _Set(msgspec.Struct):
    keys: list[dict[str, Any]]


def claims(token: str, keys: bytes, access_token: str = "") -> Mapping[str, object]:
    """What a token says, when one of these keys signed it. `keys`: a JWK Set (RFC 7517).

    Raises Unknown when it names a key that is not there, and Refused for what is no token of theirs.
    """
    header = _header(token)
    kind, bits = ALGORITHMS[str(header["alg"])]
    key = _key(header, keys, kind)
    try:
        found = jwt.decode(token, key, registry=_registry)
    except WRONG as wrong:
        raise _refused("it is not signed by its key") from wrong
    if access_token and "at_hash" in found.claims:
        _same(found.claims["at_hash"], HASHES[bits](access_token.encode()).digest())
    return found.claims


def usable(keys: bytes) -> int:
    """How many keys of a set can be used here."""
    kinds = (RSAKey, ECKey, OKPKey)
    return sum(isinstance(one, kinds) for one in _usable(keys))


def _header(token: str) -> Mapping[str, object]:
    """Its header, which is believed in nothing but which of our keys and algorithms to try."""
    try:
        header = jws.extract_compact(token.encode(), registry=_registry).headers()
    except WRONG as wrong:
        raise _refused("it is no signed token") from wrong
    if header.get("alg") not in ALGORITHMS:
        raise _refused("it is signed in a way that is not taken (alg)")
    if str(header.get("typ", "JWT")).upper() != "JWT":
        raise _refused("it is a token for something else (typ)")
    return header


def _key(header: Mapping[str, object], keys: bytes, kind: type[Key]) -> Key:
    fit = [one for one in _usable(keys, header["alg"]) if isinstance(one, kind)]
    named = [one for one in fit if "kid" not in header or one.kid == header["kid"]]
    if not named:
        raise Unknown
    if len(named) > 1:
        raise _refused("it does not say by which key it is signed (kid)")
    return named[0]


def _usable(keys: bytes, algorithm: object = None) -> Iterator[Key]:
    """The keys of a set that sign in this way (None: in any); those that we can't read, or that are too short, are passed over (RFC 7517, section 5)."""
    try:
        told = msgspec.json.decode(keys, type=_Set).keys
    except msgspec.DecodeError as wrong:
        raise _refused("its keys can't be read") from wrong
    for one in told:
        if one.get("use", "sig") != "sig" or algorithm not in (None, one.get("alg", algorithm)):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SecurityWarning)  # of short keys, which are left out below
                key = JWKRegistry.import_key(one)
        except WRONG:
            continue
        if not isinstance(key, RSAKey) or key.raw_value.key_size >= STRONG:
            yield key


def _same(told: object, digest: bytes) -> None:
    half = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if not isinstance(told, str) or not compare_digest(told.encode("utf-8", "replace"), half):
        raise _refused("it came with something that is not its own (at_hash)")


def _refused(why: str) -> Refused:
    return Refused(f"what your provider says of you is not taken: {why}. Begin again", policy=POLICY)
