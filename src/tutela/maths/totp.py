"""Codes that a device and a server make out of a shared secret and the time (RFC 6238, with RFC 4226's HMAC-SHA-1 and six digits)."""

from __future__ import annotations

import hmac

STEP = 30
"""Seconds for which a code is the same."""

DIGITS = 6


def code(secret: bytes, step: int) -> str:
    """The code of that step: the number of the steps since 1970 (RFC 4226, section 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 0x0F
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_of(secret: bytes, said: str, seconds: int, drift: int = 1) -> int | None:
    """The step whose code that is, `drift` steps early or late at most (RFC 6238, section 5.2); None for a wrong one.

    `seconds` since 1970. All are compared, each in constant time.
    """
    now, typed = seconds // STEP, said.encode()
    steps = range(max(0, now - drift), now + drift + 1)
    right = [step for step in steps if hmac.compare_digest(code(secret, step).encode(), typed)]
    return right[0] if right else None
