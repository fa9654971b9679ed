"""What every answer tells the browser: nothing from elsewhere, nothing inside other sites' frames, nothing guessed."""

from __future__ import annotations

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: with it a browser would hide even from us that a form came from our own page.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

LOCATED = frozenset({"/resident", "/resident/report"})
"""Pages that may ask a browser where it is, when somebody presses the button for it."""

TLS_ALWAYS = "max-age=63072000; includeSubDomains"
"""Once over TLS, two years over nothing else (RFC 6797). Said over TLS alone: elsewhere browsers pass it over."""


async def harden(message: Message, scope: Scope) -> None:
    """Set the headers; for the app's `before_send`, so that errors and files carry them too."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        for name, value in HEADERS.items():
            headers[name] = value
        if scope["path"] in LOCATED:
            headers["Permissions-Policy"] = HEADERS["Permissions-Policy"].replace(
                "geolocation=()", "geolocation=(self)"
            )
        if scope["scheme"] == "https":
            headers["Strict-Transport-Security"] = TLS_ALWAYS
        headers.setdefault("Cache-Control", "no-store")
