"""When a capability is at work: while it is armed and each of its papers stands, the same by whatever time one looks."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.flow.test_papers import HASH

from tutela.flow.at_work import at_work, needed, now_of, spans, standing
from tutela.flow.options import ALL, FOR_EVER
from tutela.flow.rules import SOON
from tutela.model.arming import (
    SUBJECT,
    CapabilityArmed,
    CapabilityDisarmed,
    CapabilityPublished,
    Comment,
    CommentAnswered,
    Extent,
    lives,
)
from tutela.model.capability import Capability, Words
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.paper import About, Agreement, Dpia, Filed, ForecastCard, Fria, Paper
from tutela.model.when import DAY, EVER, MINUTE, SECOND, iso

T = 1_795_000_000 * SECOND
EXTENT = Extent(areas=("Kallio",), purposes=("public-safety",), classes=("positions",), days=1)


def event(kind: str, says: Noun, at: int) -> Event:
    return Event(
        id=f"{kind}{at}", at=at, by="a", cause=None, kind=kind, timeline="live", body=encode(says), subject=SUBJECT
    )


def published(at: int, *needs: str) -> Event:
    says = CapabilityPublished(name="c", system="s", text="t", extent=EXTENT, needs=needs, until=at)
    return event("capability-published@1", says, at)


def armed(at: int) -> Event:
    return event("capability-armed@1", CapabilityArmed(name="c"), at)


def disarmed(at: int, *needs: str) -> Event:
    says = CapabilityDisarmed(name="c", system="s", needs=needs, reason="r")
    return event("capability-disarmed@1", says, at)


def paper(about: About, since: int, until: int, ended: int | None = None) -> Filed:
    made = Paper(
        number="1", authority="a", signed="s", about=about, since=since, until=until, sha256=HASH, at=since, id="p"
    )
    return Filed(paper=made, ended=ended)


def capability(*, personal: bool = True) -> Capability:
    return Capability(
        name="c",
        part="p",
        version=1,
        system="s",
        purposes=("public-safety",),
        finds="f",
        works="w",
        cannot="c",
        learns=False,
        personal_data=personal,
    )


def works(events: list[Event], papers: list[Filed], *, personal: bool = True) -> tuple[tuple[int, int], ...] | None:
    of = capability(personal=personal)
    return at_work([(of, needed(of, Words(system="s")))], events, papers).get("c")


DPIA = Dpia(covers=("c",))


def test_what_needs_no_paper_works_until_somebody_disarms_it() -> None:
    assert works([], [], personal=False) is None
    assert works([disarmed(T)], [], personal=False) == ((EVER, T + SOON),)
    assert works([disarmed(T), armed(T + MINUTE)], [], personal=False) == (
        (EVER, T + SOON),
        (T + MINUTE + SOON, FOR_EVER),
    )
    assert works([published(T)], [], personal=False) == ALL


def test_of_two_who_disarm_it_at_once_the_first_has() -> None:
    assert works([disarmed(T), disarmed(T + MINUTE)], [], personal=False) == ((EVER, T + SOON),)


def test_what_needs_a_paper_works_only_when_it_was_published_and_armed() -> None:
    stands = paper(DPIA, T - DAY, T + DAY)

    assert works([], [stands]) == ()
    assert works([published(T, "dpia")], [stands]) == ()
    assert works([published(T, "dpia"), armed(T + MINUTE)], [stands]) == ((T + MINUTE + SOON, T + DAY),)
    assert works([published(T, "dpia"), armed(T + MINUTE)], []) == ()


def test_it_stops_when_the_paper_lapses_and_goes_on_when_another_stands() -> None:
    events = [published(T, "dpia"), armed(T)]
    first, second = paper(DPIA, T - DAY, T + DAY), paper(Dpia(covers=("s",)), T + 2 * DAY, T + 3 * DAY)

    assert works(events, [first, second]) == ((T + SOON, T + DAY), (T + 2 * DAY + SOON, T + 3 * DAY))
    assert works(events, [paper(DPIA, T - DAY, T + DAY, ended=T + MINUTE)]) == ((T + SOON, T + MINUTE + SOON),)


def test_papers_that_follow_on_each_other_leave_no_gap() -> None:
    old = paper(DPIA, T - DAY, T + DAY, ended=T + MINUTE)
    new = paper(DPIA, T + MINUTE, T + 2 * DAY)

    assert works([published(T, "dpia"), armed(T)], [new, old]) == ((T + SOON, T + 2 * DAY),)


def test_a_high_risk_needs_both_assessments() -> None:
    of, words = capability(personal=False), Words(system="s", risk_category="high risk")
    needs = needed(of, words)
    events = [published(T, *needs), armed(T)]
    both = [paper(DPIA, T, T + DAY), paper(Fria(covers=("c",)), T, T + 2 * DAY)]

    assert needs == ("dpia", "fria")
    assert at_work([(of, needs)], events, both) == {"c": ((T + SOON, T + DAY),)}
    assert at_work([(of, needs)], events, both[:1]) == {"c": ()}
    assert at_work([(of, needs)], [], both) == {"c": ()}


@pytest.mark.parametrize(
    "about",
    [
        Dpia(covers=("another",)),
        Fria(covers=("c",)),
        ForecastCard(covers=("c",)),
        Agreement(recipient="c", classes=("c",), purposes=("c",)),
    ],
)
def test_a_paper_about_something_else_is_none(about: About) -> None:
    assert works([published(T, "dpia"), armed(T)], [paper(about, T, T + DAY)]) == ()


def test_what_was_written_when_it_was_published_is_needed_although_the_words_say_less_now() -> None:
    assert works([published(T, "dpia"), armed(T)], [], personal=False) == ()


def test_arming_again_by_a_newer_text_does_not_interrupt_it() -> None:
    events = [published(T, "dpia"), armed(T), published(T + MINUTE, "dpia"), armed(T + 2 * MINUTE)]

    assert works(events, [paper(DPIA, T, T + DAY)]) == ((T + SOON, T + DAY),)


def test_it_says_where_it_is_and_why_it_is_off() -> None:
    of, told = capability(), [published(T, "dpia"), armed(T), disarmed(T + DAY, "dpia")]
    stands = [paper(DPIA, T, T + 2 * DAY)]
    lapsed = [paper(DPIA, T, T + 30 * SECOND)]
    said = []
    for events, papers, now in (
        ([], stands, T),
        (told[:1], stands, T),
        (told[:2], stands, T + 1),
        (told[:2], stands, T + MINUTE),
        (told[:2], lapsed, T + MINUTE),
        (told[:2], [], T + MINUTE),
        (told, stands, T + DAY + MINUTE),
    ):
        one = standing(now_of(of, ("dpia",), lives(events).get("c"), papers, now))
        said.append((one.state, one.off))

    assert said == [
        ("drafted", "it was not published"),
        ("published", "it is published, and nobody has armed it"),
        ("armed", "it begins in a few seconds"),
        ("armed", ""),
        ("lapsed", f"its dpia 1 lapsed {iso(T + 30 * SECOND)}"),
        ("lapsed", "it has no dpia"),
        ("disarmed", "it was disarmed"),
    ]
    assert standing(now_of(capability(personal=False), (), None, [], T)).state == "armed"


def test_comments_wait_until_they_are_answered() -> None:
    events = [
        published(T, "dpia"),
        event("capability-comment@1", Comment(id="1", name="c", text="x"), T),
        event("capability-comment@1", Comment(id="2", name="c", text="y"), T + 1),
        event("capability-answer@1", CommentAnswered(comment="1", name="c", text="z", signed="Aino"), T + 2),
        event("another@1", CapabilityArmed(name="c"), T + 3),
    ]
    one = standing(now_of(capability(), ("dpia",), lives(events)["c"], [], T))

    assert (one.comments, [answer.signed for answer in one.answers], one.extent) == (1, ["Aino"], EXTENT)


moments = some.integers(0, 20).map(lambda n: T + n * MINUTE)


@given(
    deeds=some.lists(some.tuples(some.booleans(), moments), max_size=8),
    papers=some.lists(some.tuples(moments, some.integers(1, 9)), max_size=5),
    at=moments,
)
def test_it_is_at_work_only_while_it_is_armed_and_a_paper_stands(
    deeds: list[tuple[bool, int]], papers: list[tuple[int, int]], at: int
) -> None:
    """The spans once more, moment by moment: whatever was decided and entered, nothing runs without both."""
    events = [published(T - DAY, "dpia")]
    on = False
    for arms, when in sorted(deeds, key=lambda deed: deed[1]):
        if arms != on:
            events.append(armed(when) if arms else disarmed(when, "dpia"))
            on = arms
    stand = [paper(DPIA, since, since + minutes * MINUTE) for since, minutes in papers]
    found = works(events, stand) or ()
    moment = at + SOON
    decided = [event.kind for event in events[1:] if event.at + SOON <= moment]
    expected = bool(decided) and decided[-1] == "capability-armed@1"
    covered = any(one.paper.since + SOON <= moment < one.paper.until for one in stand)

    assert any(since <= moment < until for since, until in found) == (expected and covered)
    assert all(one[1] < other[0] for one, other in pairwise(found))
    assert spans("s", (), None, stand) == ALL
