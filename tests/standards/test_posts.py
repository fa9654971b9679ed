"""Posts as JSON: subject, place and words are taken; whoever wrote them is not."""

from __future__ import annotations

import json

import pytest

from tutela.errors import BadInput
from tutela.standards import posts

POST = {
    "id": "p-1",
    "at": "2026-11-25T08:00:00Z",
    "lat": 60.17,
    "lon": 24.94,
    "subject": "Fire",
    "said": "Smoke over our street!",
}


def body(**changes: object) -> bytes:
    return json.dumps({**POST, **changes}).encode()


def test_a_post_is_taken_with_its_subject_its_place_and_its_words() -> None:
    post = posts.read(body(), "feed", "live")

    assert (post.id, post.source, post.timeline, post.at) == ("p-1", "feed", "live", 1795593600000000)
    assert (post.place.lat, post.place.lon, post.category, post.said) == (60.17, 24.94, "Fire", POST["said"])


def test_nothing_is_kept_of_whoever_wrote_it() -> None:
    told = body(account="@aino@example.fi", user={"name": "Aino", "followers": 7})

    assert posts.read(told, "feed", "live") == posts.read(body(), "feed", "live")


def test_names_of_accounts_in_the_words_are_left_out() -> None:
    said = "Hey @aino and @matti@mastodon.example, see? (@a.b-c)"

    assert posts.read(body(said=said), "feed", "live").said == "Hey @… and @…, see? (@…)"


@pytest.mark.parametrize(
    "subject",
    [
        "@aino", "Fire @aino", "aino@example.fi", "#fire", "+358 40 123", "040123", "Fire 112", "Aino Virtanen", "AINO",
        "fire: aino", "fire  aino", " aino", "aino ", "aino-", "Fi\u202ere", "fire\naino", "one two three four five", "x" * 41,
    ],
)  # fmt: skip
def test_a_subject_that_may_tell_of_somebody_is_refused_and_not_repeated(subject: str) -> None:
    """It would stay in the clear; and of a connection the last trouble is kept."""
    with pytest.raises(BadInput, match="subject of a post is what its feed is followed by: up to 4 words") as wrong:
        posts.read(body(subject=subject), "feed", "live")

    assert subject not in wrong.value.message
    assert "aino" not in wrong.value.message


@pytest.mark.parametrize("subject", ["Fire", "storm", "Burst pipe", "traffic-jam", "Überschwemmung", "पानी", "x" * 40])
def test_a_subject_is_a_few_words_in_any_script(subject: str) -> None:
    assert posts.read(body(subject=subject), "feed", "live").category == subject


def test_a_bare_post_has_lost_its_words() -> None:
    bare = posts.read(body(), "feed", "live").bare()

    assert (bare.said, bare.category) == ("", "Fire")


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ""},
        {"id": 7},
        {"subject": "Fi\u202ere"},
        {"subject": "x" * 201},
        {"subject": 7},
        {"said": "x" * 5_001},
        {"at": "2026-11-25"},
        {"lat": -91},
        {"lon": "east"},
    ],
)
def test_a_post_that_cannot_be_understood_is_a_clear_error(changes: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        posts.read(body(**changes), "feed", "live")


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_garbage_is_a_clear_error(garbage: bytes) -> None:
    with pytest.raises(BadInput, match="not a post"):
        posts.read(garbage, "feed", "live")
