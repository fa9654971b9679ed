"""Tokens of sources: shown once, kept as a hash, refused when unknown, forgotten soon after they are taken back."""

from __future__ import annotations

import pytest

from tutela.errors import Quarantined
from tutela.flow.tokens import HOLDS, Tokens


class Holders:
    def __init__(self) -> None:
        self.kept: dict[bytes, str] = {}
        self.asked = 0

    async def allow(self, hash_: bytes, source: str, at: int) -> None:
        assert at >= 0
        self.kept[hash_] = source

    async def holder(self, hash_: bytes) -> str | None:
        self.asked += 1
        return self.kept.get(hash_)


class Time:
    now = 0

    def __call__(self) -> int:
        return self.now


async def test_whoever_shows_a_token_is_its_source_and_only_the_hash_is_kept() -> None:
    holders = Holders()
    tokens = Tokens(holders, Time(), lambda size: b"\x07" * size)
    token = await tokens.issue("lamps")

    assert await tokens.identify(token) == "lamps"
    assert all(token.encode() not in hash_ for hash_ in holders.kept)


async def test_an_unknown_token_is_quarantined_with_what_to_do() -> None:
    with pytest.raises(Quarantined, match="tutela sources enter"):
        await Tokens(Holders(), Time(), bytes).identify("")


async def test_a_token_is_not_asked_for_again_within_five_seconds_and_works_no_longer_once_taken_back() -> None:
    holders, time = Holders(), Time()
    tokens = Tokens(holders, time, lambda size: b"\x07" * size)
    token = await tokens.issue("lamps")
    await tokens.identify(token)
    holders.kept.clear()

    assert await tokens.identify(token) == "lamps"
    assert holders.asked == 1
    time.now = HOLDS
    with pytest.raises(Quarantined):
        await tokens.identify(token)
