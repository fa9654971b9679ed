"""What a browser is told to make or show a passkey, and whether what it answers is true (ADR 25).

Nothing of an answer is logged, nor told in an error: it says who somebody is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
import webauthn
from webauthn.helpers import base64url_to_bytes, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from tutela.errors import Refused
from tutela.model.people import Agent

TIMEOUT = 300_000
"""Milliseconds that a browser gives somebody to find their device."""

_CHOSEN = AuthenticatorSelectionCriteria(
    resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
)
WRONG = (WebAuthnException, ValueError, KeyError, TypeError)
"""What the library raises for an answer that is none: its own errors, and those of what reads CBOR and keys."""


class WebAuthn:
    """Both ceremonies, for a page of that origin. The owner of a device is always asked for: a finger, a face, a PIN."""

    def to_make(self, origin: str, challenge: bytes, agent: Agent, has: Sequence[bytes]) -> Mapping[str, object]:
        """What makes a passkey of this person, on a device that has none of these."""
        options = webauthn.generate_registration_options(
            rp_id=_host(origin),
            rp_name="tutela",
            user_id=agent.id.encode(),
            user_name=agent.name or agent.id,
            challenge=challenge,
            timeout=TIMEOUT,
            authenticator_selection=_CHOSEN,
            exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in has],
        )
        return _json(webauthn.options_to_json(options))

    def to_show(self, origin: str, challenge: bytes) -> Mapping[str, object]:
        """What lets somebody choose a passkey of theirs."""
        options = webauthn.generate_authentication_options(
            rp_id=_host(origin),
            challenge=challenge,
            timeout=TIMEOUT,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return _json(webauthn.options_to_json(options))

    def asked(self, answer: Mapping[str, object]) -> tuple[bytes, bytes]:
        """The challenge that an answer says it is for, and its credential; nothing is believed yet."""
        try:
            response, id_ = _table(answer["response"]), _text(answer["id"])
            said = parse_client_data_json(base64url_to_bytes(_text(response["clientDataJSON"])))
            return said.challenge, base64url_to_bytes(id_)
        except WRONG as wrong:
            raise Refused(
                "this is no answer of a passkey; send what the browser gave, as JSON", policy="passkey"
            ) from wrong

    def made(self, origin: str, challenge: bytes, answer: Mapping[str, object]) -> tuple[bytes, bytes, int] | None:
        """The credential, its public key and its count; None when it is not true."""
        try:
            done = webauthn.verify_registration_response(
                credential=dict(answer),
                expected_challenge=challenge,
                expected_rp_id=_host(origin),
                expected_origin=origin,
                require_user_verification=True,
            )
        except WRONG:
            return None
        return done.credential_id, done.credential_public_key, done.sign_count

    def shown(self, origin: str, challenge: bytes, public_key: bytes, answer: Mapping[str, object]) -> int | None:
        """How often it was used, as the device says; None when it is not true. Whoever keeps the count judges that."""
        try:
            done = webauthn.verify_authentication_response(
                credential=dict(answer),
                expected_challenge=challenge,
                expected_rp_id=_host(origin),
                expected_origin=origin,
                credential_public_key=public_key,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except WRONG:
            return None
        return done.new_sign_count


def _host(origin: str) -> str:
    return urlsplit(origin).hostname or ""


def _json(text: str) -> Mapping[str, object]:
    found: dict[str, Any] = msgspec.json.decode(text)
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _table(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError("not an object")
    return value
