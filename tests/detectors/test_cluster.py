"""Clusters: told once while they last, again when they grow, for reasons that are true, and rarely without cause."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from tutela import parts
from tutela.detectors import cluster
from tutela.detectors.cluster import Clusters
from tutela.errors import BadInput
from tutela.maths.cells import cell_of, north_of
from tutela.model.detection import Detection
from tutela.model.when import DAY, HOUR, MINUTE
from tutela.model.why import Fewer
from tutela_promises.changes import changed
from tutela_promises.examples import START, fact_of, made
from tutela_promises.stage import CENTRE, Item, Ticked, Told, World, play, seens
from tutela_promises.streams import stream

WORLD = World(property="none", size=1)


def clusters(**options: object) -> Clusters:
    part = made("cluster", **options)
    assert isinstance(part, Clusters)
    return part


def call(name: str, at: int, metres: float = 0.0, category: str = "EMS: fall") -> Told:
    place = msgspec.to_builtins(north_of(CENTRE, metres))
    return Told(fact_of({"noun": "call", "id": name, "category": category, "place": place}, at))


def ordinary(hours: int, seed: int = 1, many: int = 2) -> list[Told]:
    """Some calls an hour, at any of twelve places three kilometres apart."""
    chance = np.random.default_rng(seed)
    return [
        call(f"usual-{hour}-{n}", START + hour * HOUR + int(at), 3000.0 * int(spot))
        for hour in range(hours)
        for n, (at, spot) in enumerate(
            zip(np.sort(chance.integers(0, HOUR, many)), chance.integers(0, 12, many), strict=True)
        )
    ]


def crowd(hour: int, many: int, metres: float = 0.0, apart: int = 5) -> list[Told]:
    return [call(f"more-{hour}-{n}", START + hour * HOUR + n * apart * MINUTE, metres) for n in range(many)]


def hourly(calls: Sequence[Told], hours: int) -> list[Item]:
    """The calls in the order of their time, and a tick each hour."""
    items: list[tuple[int, Item]] = [(one.fact.at, one) for one in calls]
    items += ((START + hour * HOUR, Ticked(START + hour * HOUR)) for hour in range(1, hours + 1))
    return [item for _, item in sorted(items, key=lambda each: each[0])]


def found(items: Sequence[Item], part: Clusters | None = None) -> list[Detection]:
    return play(part or clusters(), seens(WORLD, items))


def told(detections: Sequence[Detection]) -> list[tuple[int, int]]:
    return [((each.at - START) // HOUR, each.revision) for each in detections]


def test_a_cluster_is_told_at_the_tick_after_it_with_its_calls_and_its_circle() -> None:
    items = hourly([*ordinary(30), *crowd(25, 5), *crowd(25, 2, metres=700.0, apart=20)], 30)

    (one, *_) = found(items)

    assert told([one]) == [(26, 0)]
    assert (one.cell, one.place) == (cell_of(one.place), one.place)
    assert {name for name in one.facts if name.startswith("more")} == {item.fact.id for item in crowd(25, 5)}
    assert one.why.inputs["window"] == 3600.0
    assert float(one.why.inputs["calls"]) > 4 * float(one.why.inputs["expected"])
    assert float(one.why.inputs["p"]) <= 0.01
    assert one.confidence == 1.0 - float(one.why.inputs["p"])


def test_while_it_lasts_it_is_not_told_again() -> None:
    items = hourly([*ordinary(34), *(call for hour in (25, 26, 27) for call in crowd(hour, 3))], 34)

    assert told(found(items))[0][1] == 0
    assert len({each.id for each in found(items)}) == 1


def test_one_that_grows_is_told_as_a_revision_with_the_same_id() -> None:
    items = hourly([*ordinary(30), *crowd(25, 4), *crowd(26, 9)], 30)
    one, other = found(items)

    assert told([one, other]) == [(26, 0), (27, 1)]
    assert (one.id, one.since) == (other.id, other.since)
    assert len(other.facts) >= 1.5 * len(one.facts)


def test_one_that_is_over_can_come_again() -> None:
    items = hourly([*ordinary(46), *crowd(25, 5), *crowd(40, 9)], 45)
    one, other = found(items)

    assert told([one, other]) == [(26, 0), (41, 0)]
    assert one.id != other.id


def test_one_that_comes_apart_is_told_as_its_likelier_part() -> None:
    """One id can't have two contents in one revision: what shares cells with it is it."""
    part, state = clusters(days=3.0), clusters().begin()
    other = [msgspec.structs.replace(each.fact, id=f"b{each.fact.id}") for each in crowd(65, 9, metres=9000.0)]
    items = hourly([*ordinary(66, many=6), *crowd(65, 9), *map(Told, other)], 66)
    for seen in seens(WORLD, items[:-1]):
        state, _ = part.step(state, seen)
    cells = cell_of(CENTRE), cell_of(north_of(CENTRE, 9000.0))
    wide = cluster._Told("wide", START, 0, 4, cells, START + 65 * HOUR)

    apart, detections = part.step(msgspec.structs.replace(state, told=(wide,)), next(seens(WORLD, items[-1:])))

    assert [(each.key, each.revision, each.cell) for each in detections] == [("wide", 1, cell_of(CENTRE))]
    assert set(apart.told[0].cells) >= set(cells)


def test_two_at_once_are_both_told() -> None:
    other = [msgspec.structs.replace(each.fact, id=f"b{each.fact.id}") for each in crowd(65, 9, metres=9000.0)]
    items = hourly([*ordinary(70, many=6), *crowd(65, 9), *map(Told, other)], 70)

    both = [each for each in found(items, clusters(days=3.0)) if each.at == START + 66 * HOUR]

    assert {each.cell for each in both} == {cell_of(CENTRE), cell_of(north_of(CENTRE, 9000.0))}


def test_a_busy_hour_of_the_whole_city_is_no_cluster() -> None:
    everywhere = [call(f"storm-{n}", START + 25 * HOUR + n * MINUTE, 3000.0 * (n % 12)) for n in range(48)]

    assert found(hourly([*ordinary(30), *everywhere], 30)) == []


def test_calls_about_one_event_count_once() -> None:
    rows = [call(f"row-{n}", START + 25 * HOUR + n * 1_000_000) for n in range(9)]

    assert found(hourly([*ordinary(30), *rows], 30)) == []
    assert found(hourly([*ordinary(30), *rows], 30), clusters(fold=0.0)) != []


def test_nothing_is_told_of_what_came_before_the_last_scan() -> None:
    """As the city goes quiet, old calls stand out more and more: that is no news."""
    items = hourly([*ordinary(25), *crowd(24, 3, apart=15)], 30)

    assert all(hour == 25 for hour, _ in told(found(items, clusters(windows=[1, 2, 4, 6]))))


def test_a_call_that_comes_after_the_tick_of_its_hour_counts_at_the_next() -> None:
    late = crowd(25, 6)
    items = hourly([*ordinary(30), *late[:1]], 30)
    place = next(n for n, item in enumerate(items) if isinstance(item, Ticked) and item.at == START + 26 * HOUR)
    items[place + 1 : place + 1] = late[1:]

    assert told(found(items, clusters(windows=[1, 2, 3])))[:1] == [(27, 0)]


def test_a_call_from_the_hour_of_the_tick_waits_for_the_next() -> None:
    items = hourly(ordinary(30), 30)
    place = next(n for n, item in enumerate(items) if isinstance(item, Ticked) and item.at == START + 25 * HOUR)
    items[place:place] = crowd(25, 6)

    assert told(found(items))[:1] == [(26, 0)]


def test_the_same_is_found_however_far_apart_ticks_are() -> None:
    """On an import event time is told in leaps, and calls come before the tick that passes them."""
    items = hourly([*ordinary(60), *crowd(25, 5), *crowd(26, 9), *crowd(50, 9)], 60)
    leaps = [item for item in items if not isinstance(item, Ticked) or item.at % (20 * HOUR) == START % (20 * HOUR)]

    assert sum(isinstance(item, Ticked) for item in leaps) == 3
    assert found(leaps) == found(items) != []


def test_it_learns_before_it_speaks() -> None:
    items = hourly([*ordinary(60), *crowd(25, 6), *crowd(50, 6)], 60)

    assert [hour for hour, _ in told(found(items, clusters(learn=2.0)))] == [51]


def test_only_the_categories_it_is_told_to_count() -> None:
    other = [msgspec.structs.replace(each.fact, category="Fire: smoke") for each in crowd(25, 6)]
    items = hourly([*ordinary(30), *map(Told, other)], 30)

    assert found(items, clusters(categories=["EMS"])) == []
    assert found(items, clusters(categories=["EMS", "Fire"])) != []


def test_a_call_from_nowhere_or_told_twice_is_not_counted() -> None:
    nowhere = [Told(msgspec.structs.replace(each.fact, cell=0)) for each in crowd(25, 6)]
    twice = [one for one in crowd(25, 1) for _ in range(6)]

    assert found(hourly([*ordinary(30), *nowhere], 30)) == []
    assert found(hourly([*ordinary(30), *twice], 30), clusters(fold=0.0)) == []


@pytest.mark.parametrize("seed", range(4, 10))
def test_would_not_have_fired_if_it_says_so_and_half_of_that_is_not_enough(seed: int) -> None:
    """Also of clusters that grew, and of ones that are not very rare."""
    part = clusters(tail=0.05, windows=[1, 2], fold=30.0, grow=1.2)
    items = stream(part, seed)
    detections = found(items, part)

    assert any(each.revision for each in detections) or seed > 4
    for each in detections:
        assert isinstance(each.why.unless, Fewer)
        assert 0 < each.why.unless.by <= len(each.why.unless.of)
        whole, half = (found(changed(items, each, share), part) for share in (1.0, 0.5))
        assert (each.key, each.at) not in [(other.key, other.at) for other in whole]
        assert (each.key, each.at) in [(other.key, other.at) for other in half]


def test_without_a_cluster_it_is_as_quiet_as_its_tail_says() -> None:
    """Twenty cities of two days each: 960 scans at one in a hundred, and each finding lasts."""
    many = sum(len(found(hourly(ordinary(48, seed), 48))) for seed in range(20))

    assert many <= 12


def test_what_is_old_is_remembered_by_hour_and_cell_and_then_forgotten() -> None:
    part, state = clusters(), clusters().begin()
    for seen in seens(WORLD, hourly(ordinary(120), 120)):
        state, _ = part.step(state, seen)

    assert len(state.recent) <= 2 * 4
    assert {step - state.scanned for step in state.past} == set(range(-48, -3))
    assert all(each.at > START + 116 * HOUR for each in state.recent)


def test_a_flood_is_remembered_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "MOST", 20)
    part, state = clusters(fold=0.0), clusters().begin()
    items = [call(f"c{n}", START + n * MINUTE, 500.0 * n) for n in range(59)]
    for seen in seens(WORLD, [*items, Ticked(START + HOUR)]):
        state, _ = part.step(state, seen)

    assert [each.id for each in state.recent] == [item.fact.id for item in items[-20:]]
    assert state.past == {}  # 39 calls of one hour are more than there is room for
    assert part.step(state, next(seens(WORLD, [Ticked(START + 2 * HOUR)])))[0].recent == tuple(
        msgspec.structs.replace(each, fresh=False) for each in state.recent
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"windows": [3, 1]}, r"windows \[3, 1\] must ascend"),
        ({"windows": []}, "must ascend"),
        ({"windows": [1, 24], "days": 1.5}, "less than twice the longest window"),
        ({"tail": 0.001, "deals": 199}, "199 deals can't show a tail of 0.001; deal more often"),
    ],
)
def test_options_that_can_find_nothing_are_refused(options: dict[str, object], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        parts.make("detectors", "cluster", options)


def test_a_day_is_longer_than_the_windows_of_its_example() -> None:
    assert max(clusters().windows) * clusters().every < DAY / 1_000_000
