"""An identity provider over HTTP, for the tests: it signs real tokens, and does one thing wrong when it is told to.

What it does right it does by the book: a code is good once, for the client, the address and the verifier that it was asked for with.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key, RSAKey

from tutela.app.settings import OidcSettings

CLIENT, SECRET = "tutela at the town", "a secret: with signs"
RSA, EC = RSAKey.generate_key(2048, {"kid": "one"}), ECKey.generate_key("P-256", {"kid": "two"})
STRANGE = RSAKey.generate_key(2048, {"kid": "one"})
"""A key of somebody else's, by the same name."""

Claims = dict[str, Any]


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(claims: Claims, key: Key = RSA, alg: str = "RS256", **header: object) -> str:
    """A token, whatever its algorithm."""
    told = {"alg": alg, "kid": key.kid, **header}
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jwt.encode(
        {name: value for name, value in told.items() if value is not None}, claims, key, registry=registry
    )


def unsigned(claims: Claims, alg: str = "none") -> str:
    """A token with nothing behind it."""
    head, body = (text(json.dumps(part).encode()) for part in ({"alg": alg, "typ": "JWT", "kid": "one"}, claims))
    return f"{head}.{body}."


def by_public_key(claims: Claims) -> str:
    """HS256 with the provider's public key as the secret: whoever takes the token's word for its algorithm takes this."""
    told = unsigned(claims, "HS256").removesuffix(".")
    return f"{told}.{text(hmac.digest(RSA.as_pem(private=False), told.encode(), 'sha256'))}"


@dataclass
class Identity:
    """`now`: seconds. `subject`, `says` and `hides` make an ID token; `makes` signs it; `describes` changes what it says of itself."""

    now: Callable[[], int]
    subject: str = "b3f1"
    says: Claims = field(default_factory=dict)
    hides: set[str] = field(default_factory=set)
    makes: Callable[[Claims], str] = signed
    keys: list[Key] = field(default_factory=lambda: [RSA, EC])
    describes: Claims = field(default_factory=dict)
    back: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    authorized: list[dict[str, str]] = field(default_factory=list)
    status: int = 200
    spoils: bytes = b""
    issuer: str = ""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _number: Iterator[int] = field(default_factory=count)

    @property
    def settings(self) -> OidcSettings:
        return OidcSettings(issuer=self.issuer, client=CLIENT, name="the town's own")

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [path for path, _ in self.asked]

    def described(self) -> Claims:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "authorization_response_iss_parameter_supported": True,
        } | self.describes

    def authorize(self, address: str) -> dict[str, str]:
        """Somebody signs in there, and says yes: what their browser brings back."""
        asked = dict(parse_qsl(urlsplit(address).query))
        self.authorized.append(asked)
        code = f"code-{next(self._number)}"
        self._codes[code] = asked
        told = {"state": asked["state"], "code": code, "iss": self.issuer} | self.back
        return {name: value for name, value in told.items() if value}

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, Claims]:
        asked = self._codes.pop(form.get("code", ""), None)
        if not self._known(form, authorization):
            return 401, {"error": "invalid_client"}
        verifier = text(hashlib.sha256(form["code_verifier"].encode()).digest())
        if asked is None or (form["redirect_uri"], verifier) != (asked["redirect_uri"], asked["code_challenge"]):
            return 400, {"error": "invalid_grant"}
        return 200, {
            "id_token": self.makes(self.claims(asked["nonce"])),
            "access_token": "opaque",
            "token_type": "Bearer",
        }

    def claims(self, nonce: str) -> Claims:
        """What its token says of whoever signed in."""
        now = self.now()
        half = text(hashlib.sha256(b"opaque").digest()[:16])
        times = {"iat": now, "exp": now + 300, "auth_time": now}
        who = {"iss": self.issuer, "aud": CLIENT, "sub": self.subject, "nonce": nonce, "at_hash": half}
        return {name: value for name, value in (who | times | self.says).items() if name not in self.hides}

    def _known(self, form: dict[str, str], authorization: str) -> bool:
        if not authorization:
            return form.get("client_secret", SECRET) == SECRET and form["client_id"] == CLIENT
        client, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        return (unquote(client), unquote(secret)) == (CLIENT, SECRET)

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, Claims]:
        if path == "/.well-known/openid-configuration":
            return 200, self.described()
        if path == "/jwks":
            return 200, {"keys": [key.as_dict(private=False) for key in self.keys]}
        return self.token(form, authorization) if path == "/token" else (404, {})


@contextmanager
def identity(now: Callable[[], int]) -> Iterator[Identity]:
    """One that answers at an address of this machine, until the end of the block."""
    made = Identity(now)

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = urlsplit(self.path)
            if place.path == "/authorize":
                asked = dict(parse_qsl(place.query))
                return self._go(f"{asked['redirect_uri']}?{urlencode(made.authorize(self.path))}")
            return self._say({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            self._say({name: values[0] for name, values in parse_qs(body).items()})

        def _go(self, address: str) -> None:
            self.send_response(303)
            self.send_header("Location", address)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _say(self, form: dict[str, str]) -> None:
            path, authorization = urlsplit(self.path).path, self.headers.get("Authorization", "")
            made.asked.append((path, {**form, "authorization": authorization} if authorization else form))
            status, told = made.answer(path, form, authorization)
            body = made.spoils or json.dumps(told).encode()
            self.send_response(made.status if made.status != 200 else status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is said of it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    made.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
