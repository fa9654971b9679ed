"""Burst: many more calls than usual, told once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log

import msgspec
import pytest

from tutela import parts
from tutela.detectors.burst import Burst
from tutela.errors import BadInput
from tutela.maths.cells import around, cell_of, north_of
from tutela.maths.rare import poisson_tail
from tutela.model.call import Call
from tutela.model.detection import Detection
from tutela.model.when import DAY, MINUTE, SECOND
from tutela.model.why import Fewer
from tutela_promises.examples import START, fact_of
from tutela_promises.stage import CENTRE, Item, Told, World, play, seens
from tutela_promises.streams import facts

WORLD = World(property="none", size=1)
EAGER = Burst(learn=0.0)


def call(number: int, at: int, metres: float = 0.0, category: str = "EMS: fall") -> Told:
    place = msgspec.to_builtins(north_of(CENTRE, metres))
    return Told(fact_of({"noun": "call", "id": f"call-{number}", "category": category, "place": place}, at))


def calls(many: int, since: int = START, metres: float = 0.0, first: int = 0) -> list[Told]:
    return [call(first + n, since + n * MINUTE, metres) for n in range(many)]


def burst(items: Sequence[Item], part: Burst = EAGER) -> list[Detection]:
    return play(part, seens(WORLD, items))


def one_by_one(part: Burst, items: Sequence[Item]) -> Iterator[tuple[str, int]]:
    """The definition for calls in order: (cell, at) of each, from the list of all calls there ever were."""
    came: list[Call] = []
    told: list[tuple[int, int]] = []
    for item in items:
        if not (isinstance(item, Told) and isinstance(item.fact, Call)):
            continue
        came.append(item.fact)
        now = max(each.at for each in came)
        begins = now - part.window * SECOND
        near = [each for each in came if each.cell in around(item.fact.cell, part.rings)]
        count = sum(each.at > begins for each in near)
        half = part.half_life * DAY
        mass = sum(2.0 ** ((each.at - begins) / half) for each in near if each.at <= begins)
        span = begins - min(each.at for each in came)
        rate = mass * log(2) / (1 - 2 ** (-span / half)) / half if span > 0 else 0.0
        usual = max(part.floor, rate * part.window * SECOND)
        quiet = any(
            now < at + part.cool * SECOND and cell in around(item.fact.cell, 2 * part.rings) for cell, at in told
        )
        many = count >= part.least and poisson_tail(count, usual) <= part.tail
        if many and item.fact.at > begins and not quiet and now - min(e.at for e in came) >= part.learn * DAY:
            told.append((item.fact.cell, now))
            yield str(item.fact.cell), max(each.at for each in near if each.at > begins)


@pytest.mark.parametrize(
    "options", [{}, {"tail": 1e-2, "least": 2, "cool": 1800.0}, {"rings": 2, "learn": 0.1, "tail": 1e-2}]
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_does_what_it_says_call_by_call(seed: int, options: dict[str, object]) -> None:
    part: Burst = parts.make("detectors", "burst", {"learn": 0.0, **options})
    items = facts(seed)

    assert [(each.key, each.at) for each in burst(items, part)] == list(one_by_one(part, items)) != []


def test_calls_of_the_neighbouring_cell_count_as_well() -> None:
    near = [call(n, START + n * MINUTE, 250.0 * (n % 2)) for n in range(4)]
    far = [call(n, START + n * MINUTE, 2000.0 * (n % 2)) for n in range(4)]

    assert len({cell_of(each.fact.place) for each in near}) == 2
    assert len(burst(near)) == 1
    assert burst(far) == []


def test_a_burst_is_noticed_at_its_last_call_whatever_later_calls_came_from_elsewhere() -> None:
    (found,) = burst([call(9, START + 5 * MINUTE, metres=5000.0), *calls(4)])

    assert (found.since, found.at) == (START, START + 3 * MINUTE)


def test_what_is_usual_there_is_no_burst() -> None:
    """Four calls within half an hour are news where nobody calls, and not where somebody calls each ten minutes."""
    busy = [call(n, START + 10 * n * MINUTE) for n in range(200)]
    more = calls(4, busy[-1].fact.at + 1, first=500)

    assert burst([*busy, *more], Burst(learn=1.0)) == []
    assert burst([*busy[:2], *more], Burst(learn=1.0)) != []


def test_says_nothing_in_its_first_days() -> None:
    assert burst(calls(9), Burst(learn=1.0)) == []
    assert len(burst([*calls(1), *calls(9, START + DAY, first=100)], Burst(learn=1.0))) == 1


def test_a_burst_that_goes_on_is_told_again_after_it_cooled() -> None:
    found = burst([call(999, START - 10 * DAY), *calls(120)])

    assert [(each.at - START) // MINUTE for each in found] == [3, 63]
    assert len({each.id for each in found}) == 2


def test_a_neighbour_of_a_burst_does_not_tell_it_again() -> None:
    assert len(burst([*calls(4), *calls(4, START + 5 * MINUTE, 250.0, first=10)])) == 1


def test_the_same_call_counts_once() -> None:
    assert burst([*calls(3), *calls(3)]) == []


def test_a_call_that_comes_after_its_window_teaches_and_is_not_judged() -> None:
    late = [call(100 + n, START - DAY + n) for n in range(9)]

    assert burst([*calls(1), *late]) == []


def test_a_call_from_nowhere_is_not_counted() -> None:
    nowhere = [Told(msgspec.structs.replace(each.fact, cell=0)) for each in calls(9)]

    assert burst(nowhere) == []


def test_only_the_categories_it_is_told_to_count() -> None:
    items = [call(n, START + n * MINUTE, category="Fire: smoke" if n % 2 else "EMS: fall") for n in range(8)]

    (found,) = burst(items, Burst(learn=0.0, categories=("Fire:",)))

    assert found.facts == ("call-1", "call-3", "call-5", "call-7")
    assert found.why.unless == Fewer(by=1, of=found.facts)


def test_a_flood_keeps_a_bounded_window() -> None:
    state = EAGER.begin()
    items = [call(n, START + n * 1000) for n in range(1500)]
    for seen in seens(WORLD, items):
        state, _ = EAGER.step(state, seen)

    assert len(state.recent) == 1000
    assert state.past[items[0].fact.cell].mass == pytest.approx(500.0, rel=1e-3)


def test_an_old_place_is_forgotten() -> None:
    state, _ = EAGER.begin(), None
    for seen in seens(WORLD, [call(0, START), call(1, START + DAY, 9000.0), call(2, START + 120 * DAY, 5000.0)]):
        state, _ = EAGER.step(state, seen)

    assert state.past == {}


def test_cooling_shorter_than_the_window_is_refused() -> None:
    with pytest.raises(BadInput, match="less than the window"):
        parts.make("detectors", "burst", {"cool": 10.0})


@pytest.mark.parametrize("of", ["call", "report", "post"])
def test_what_is_counted_are_calls_or_reports_or_posts_and_never_one_for_the_other(of: str) -> None:
    part: Burst = parts.make("detectors", "burst", {"learn": 0.0, "of": of})
    told = [
        Told(fact_of({"noun": noun, "id": f"{noun}-{n}"}, START + n * MINUTE))
        for n in range(6)
        for noun in ("call", "report", "post")
    ]

    (one,) = burst(told, part)
    assert [id_.partition("-")[0] for id_ in one.facts] == [of] * part.least
    assert (one.why.message, one.why.inputs[f"{of}s"]) == (f"burst.{of}s", part.least)


def test_posts_on_other_subjects_are_not_counted() -> None:
    part = Burst(learn=0.0, of="post", categories=("Fire",))
    other = [Told(fact_of({"noun": "post", "id": f"p{n}", "category": "Crowd"}, START + n)) for n in range(9)]

    assert burst(other, part) == []
