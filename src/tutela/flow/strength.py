"""How strong a sign-in at a provider was, by what its ID token says of it: what can't be phished counts as a passkey does.

Where the token says nothing, or something else, it is the weaker way in. What a provider says of itself is believed: whoever names one in
the settings trusts it to let people in.
"""

from __future__ import annotations

from collections.abc import Mapping

from tutela.model.people import Factor

PHISHING_RESISTANT: Mapping[str, str] = {
    "phr": "OpenID Connect EAP ACR Values 1.0, section 2: phishing-resistant",
    "phrh": "OpenID Connect EAP ACR Values 1.0, section 2: phishing-resistant, by a key in hardware",
}
"""Values of `acr` that are as good as a passkey, and who says what they mean."""

HELD: Mapping[str, str] = {"hwk": "RFC 8176, section 2: possession of a key in hardware was proved"}
"""Values of `amr` that say what somebody has …"""

VERIFIED: Mapping[str, str] = {
    "pin": "RFC 8176, section 2: a PIN or pattern that unlocks a key on the device",
    "fpt": "RFC 8176, section 2: a fingerprint",
    "face": "RFC 8176, section 2: a face",
    "iris": "RFC 8176, section 2: an iris",
    "retina": "RFC 8176, section 2: a retina",
}
"""… and those that say that it was its owner who used it: only both together are as good as a passkey.

Not `user` (somebody was there), `mfa` (of which factors, it does not say), `swk` (a key that can be copied), `otp`, `sms`, `tel`, `pwd`.
"""


def factor_of(claims: Mapping[str, object]) -> Factor:
    """How somebody came in whose ID token says this."""
    acr, amr = claims.get("acr"), claims.get("amr")
    named = {one for one in amr if isinstance(one, str)} if isinstance(amr, list) else set[str]()
    strong = (isinstance(acr, str) and acr in PHISHING_RESISTANT) or (named & HELD.keys() and named & VERIFIED.keys())
    return Factor.PROVIDER_KEY if strong else Factor.PROVIDER
