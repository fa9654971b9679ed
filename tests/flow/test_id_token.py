"""How strong a sign-in at a provider was, and what of an ID token counts."""

from __future__ import annotations

import pytest

from tutela.errors import Refused
from tutela.flow.id_token import FRESH, LEEWAY, Expected, shown
from tutela.flow.strength import HELD, PHISHING_RESISTANT, VERIFIED, factor_of
from tutela.model.people import Factor

NOW = 1_800_000_000
EXPECTED = Expected(issuer="https://id.city.example", client="tutela", nonce="n", now=NOW)
SAYS = {
    "iss": "https://id.city.example",
    "aud": "tutela",
    "sub": "b3f1",
    "nonce": "n",
    "iat": NOW,
    "exp": NOW + 300,
    "auth_time": NOW,
}

STRONG: list[dict[str, object]] = [
    {"acr": "phr"},
    {"acr": "phrh", "amr": []},
    {"amr": ["hwk", "pin"]},
    {"amr": ["fpt", "hwk", "mfa"]},
    {"amr": ["hwk", "face"], "acr": "1"},
    {"amr": ["hwk", "iris"]},
    {"amr": ["hwk", "retina"]},
]
WEAK: list[dict[str, object]] = [
    {},
    {"acr": "0"},
    {"acr": "PHR"},
    {"acr": "phr phrh"},
    {"acr": ["phr"]},
    {"amr": "hwk pin"},
    {"amr": ["hwk"]},
    {"amr": ["pin"]},
    {"amr": ["hwk", "user"]},
    {"amr": ["swk", "fpt"]},
    {"amr": ["pwd", "otp", "mfa"]},
    {"amr": ["sms", "pin"]},
    {"amr": [["hwk", "pin"]]},
    {"amr": {"hwk": 1, "pin": 1}},
    {"acr": "https://refeds.org/profile/mfa"},
    {"acr": None, "amr": None},
]


@pytest.mark.parametrize("says", STRONG, ids=str)
def test_what_can_not_be_phished_counts_as_a_passkey(says: dict[str, object]) -> None:
    assert factor_of(says) is Factor.PROVIDER_KEY


@pytest.mark.parametrize("says", WEAK, ids=str)
def test_all_else_and_nothing_is_the_weaker_way_in(says: dict[str, object]) -> None:
    assert factor_of(says) is Factor.PROVIDER


def test_how_strong_a_sign_in_was_is_one_table() -> None:
    """Each word with who says what it means; whoever adds one turns this red, and reads that."""
    assert set(PHISHING_RESISTANT) == {"phr", "phrh"}
    assert (set(HELD), set(VERIFIED)) == ({"hwk"}, {"pin", "fpt", "face", "iris", "retina"})
    assert all("EAP ACR Values" in source for source in PHISHING_RESISTANT.values())
    assert all("RFC 8176" in source for source in (*HELD.values(), *VERIFIED.values()))


def test_two_clocks_may_differ_by_a_minute_and_no_more() -> None:
    right: list[dict[str, object]] = [
        {"exp": NOW - LEEWAY + 1},
        {"iat": NOW + LEEWAY},
        {"nbf": NOW + LEEWAY},
        {"auth_time": NOW - FRESH - LEEWAY},
        {"auth_time": NOW + LEEWAY},
        {"iat": NOW - FRESH - LEEWAY},
        {"aud": ["tutela"]},
        {"azp": "tutela"},
    ]
    for says in right:
        assert shown({**SAYS, **says}, EXPECTED).subject == "b3f1"
    wrong: list[dict[str, object]] = [
        {"exp": NOW - LEEWAY},
        {"iat": NOW + LEEWAY + 1},
        {"nbf": NOW + LEEWAY + 1},
        {"auth_time": NOW - FRESH - LEEWAY - 1},
        {"auth_time": NOW + LEEWAY + 1},
        {"iat": NOW - FRESH - LEEWAY - 1},
        {"aud": []},
        {"aud": ["tutela", "tutela"]},
    ]
    for says in wrong:
        with pytest.raises(Refused):
            shown({**SAYS, **says}, EXPECTED)
