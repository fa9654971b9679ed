"""A device in software that makes passkeys and shows them, as WebAuthn says; it can be made to lie."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40

Json = dict[str, Any]


def text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def raw(text_: str) -> bytes:
    return urlsafe_b64decode(text_ + "=" * (-len(text_) % 4))


@dataclass
class Authenticator:
    """Holds one passkey. `flags`: what it says of its owner; `counts`: whether it counts; `origin`: the page it sees."""

    origin: str = "http://localhost:8466"
    flags: int = PRESENT | VERIFIED
    counts: bool = True
    count: int = 0
    id: bytes = b"credential of the device"
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))

    def make(self, options: Mapping[str, Any]) -> Json:
        """As `navigator.credentials.create` does."""
        public = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32, "big"), -3: public.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(cose)
        data = self._data(options["rp"]["id"], ATTESTED) + attested
        said = self._said("webauthn.create", options["challenge"])
        whole = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer({"clientDataJSON": text(said), "attestationObject": text(whole)})

    def show(self, options: Mapping[str, Any]) -> Json:
        """As `navigator.credentials.get` does."""
        self.count += self.counts
        data, said = self._data(options["rpId"], 0), self._said("webauthn.get", options["challenge"])
        signature = self.key.sign(data + sha256(said).digest(), ECDSA(SHA256()))
        return self._answer(
            {"clientDataJSON": text(said), "authenticatorData": text(data), "signature": text(signature)}
        )

    def _data(self, rp_id: str, more: int) -> bytes:
        return sha256(rp_id.encode()).digest() + bytes([self.flags | more]) + self.count.to_bytes(4, "big")

    def _said(self, what: str, challenge: str) -> bytes:
        return json.dumps({"type": what, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, response: Json) -> Json:
        return {"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": response}
