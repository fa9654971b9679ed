"""Where a proposal stands follows from what was said of it, in whatever order that is read."""

from __future__ import annotations

from itertools import permutations

import pytest

from tutela.errors import WrongStep
from tutela.model.approval import (
    GOOD_FOR,
    STEPS,
    SUBJECT,
    VOTE,
    Approval,
    Proposal,
    Stage,
    Taken,
    Vote,
    Withdrawn,
    body_of,
    digest_of,
    standing,
)
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.when import DAY

PROPOSAL = Proposal(
    id="p",
    matter="hold-lift",
    target="h",
    body="{}",
    digest=digest_of("{}"),
    reason="r",
    by="aino",
    at=0,
    until=7 * DAY,
    needs=2,
    cools=DAY,
)
DECIDED = 2 * DAY


def vote(by: str, at: int, *, yes: bool = True) -> Vote:
    return Vote(proposal="p", by=by, role="supervisor", agency="city", yes=yes, reason="r", at=at)


def event(kind: str, body: Noun, n: int) -> Event:
    return Event(id=str(n), at=0, by="x", cause=None, kind=kind, timeline="live", body=encode(body), subject=SUBJECT)


def stood(*votes: Vote, **changes: Withdrawn | Taken) -> Approval:
    told: list[tuple[str, Noun]] = [("proposal@1", PROPOSAL), *((VOTE, one) for one in votes)]
    kinds = {"withdrawn": "proposal-withdrawn@1", "taken": "proposal-taken@1"}
    told += [(kinds[name], one) for name, one in changes.items()]
    return standing(event(kind, body, n) for n, (kind, body) in enumerate(told))["p"]


BO, CAI = vote("bo", DAY), vote("cai", DECIDED)


def test_two_other_people_and_a_day_bring_it_into_force_for_a_week() -> None:
    one = stood(BO, CAI)

    assert (stood(BO).stage(DECIDED), stood(BO).in_force, one.in_force) == (Stage.PROPOSED, None, DECIDED + DAY)
    assert [one.stage(at) for at in (DECIDED, DECIDED + DAY - 1, DECIDED + DAY, DECIDED + DAY + GOOD_FOR)] == [
        Stage.APPROVED,
        Stage.APPROVED,
        Stage.IN_FORCE,
        Stage.LAPSED,
    ]


@pytest.mark.parametrize(
    "second",
    [vote("aino", DECIDED), vote("bo", DECIDED), vote("cai", 7 * DAY)],
    ids=["whoever proposed it", "the same person again", "somebody who comes too late"],
)
def test_a_yes_that_does_not_count_decides_nothing(second: Vote) -> None:
    one = stood(BO, second)

    assert one.votes == (BO,)
    assert one.stage(7 * DAY - 1) is Stage.PROPOSED
    assert one.stage(7 * DAY) is Stage.LAPSED


def test_one_no_ends_it_also_after_the_time_for_yes() -> None:
    assert stood(BO, vote("cai", DECIDED, yes=False)).stage(DECIDED) is Stage.REFUSED
    assert stood(BO, CAI, vote("dan", 8 * DAY, yes=False)).stage(9 * DAY) is Stage.REFUSED


def test_in_whatever_order_it_is_read_it_says_the_same() -> None:
    told = [
        event(kind, body, n)
        for n, (kind, body) in enumerate(
            [
                ("proposal@1", PROPOSAL),
                (VOTE, BO),
                (VOTE, CAI),
                ("proposal-withdrawn@1", Withdrawn(proposal="p", reason="r", at=3 * DAY)),
                ("proposal-taken@1", Taken(proposal="p", by="aino", at=3 * DAY, once="n")),
            ]
        )
    ]

    found = [standing(order)["p"] for order in permutations(told)]

    assert {(one.stage(4 * DAY), one.decided, frozenset(one.votes)) for one in found} == {
        (Stage.TAKEN, DECIDED, frozenset({BO, CAI}))
    }


def test_what_is_over_goes_nowhere_and_says_so() -> None:
    withdrawn = stood(BO, withdrawn=Withdrawn(proposal="p", reason="r", at=DAY))

    assert withdrawn.stage(DAY) is Stage.WITHDRAWN
    stood(BO).must(Stage.WITHDRAWN, DAY)
    with pytest.raises(WrongStep, match="is withdrawn, and can't become taken"):
        withdrawn.must(Stage.TAKEN, DAY)
    assert {stage for stage, then in STEPS.items() if not then} == {
        Stage.REFUSED,
        Stage.LAPSED,
        Stage.WITHDRAWN,
        Stage.TAKEN,
    }


def test_the_digest_is_of_exactly_what_would_be_done() -> None:
    assert digest_of(body_of(BO)) == digest_of(body_of(vote("bo", DAY)))
    assert digest_of(body_of(BO)) != digest_of(body_of(vote("bo", DAY + 1)))
