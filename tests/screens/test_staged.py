"""The page that tells which staged events were found, how late, and what was raised without a cause."""

from __future__ import annotations

from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import NOW, SQUARE, Town

from tutela.app.city import told
from tutela.model.staged import Staged
from tutela.model.when import MINUTE, SECOND

Client = AsyncTestClient[Litestar]


def staged(what: str, minutes_ago: float, *expects: str) -> Staged:
    at = NOW - round(minutes_ago * MINUTE)
    return Staged(what=what, says=f"A {what}.", at=at, until=at + 3 * MINUTE, place=SQUARE, expects=expects)


async def test_it_tells_what_was_found_and_what_was_not(here: Town, operator: Client) -> None:
    for one in (staged("noise", 2, "noise"), staged("crowd", 40, "crowd")):
        await here.facts.act([told(one, one.until)], (), (), ())
    await here.alert("noise")
    await here.alert("smoke", since=NOW - 31 * MINUTE, last=NOW - 31 * MINUTE, shown_at=NOW - 31 * MINUTE + SECOND)

    page = (await operator.get("/staged")).text

    assert "<b>1</b> of 2 staged events found" in page
    assert "not found" in page
    assert "A crowd." in page
    assert "<b>1</b> raised without a staged cause" in page
    assert "All of this is simulated." in page


async def test_before_anything_is_over_it_says_so(operator: Client) -> None:
    page = (await operator.get("/staged")).text

    assert "Nothing that was staged is over yet." in page
    assert "Not to be told yet." in page


async def test_a_stranger_is_led_to_the_entrance(stranger: Client) -> None:
    answer = await stranger.get("/staged", follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (303, "/enrol")
