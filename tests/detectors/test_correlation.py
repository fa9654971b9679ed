"""Correlation: facts of several sorts near each other, told once, and again when more comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import pytest

from tutela import parts
from tutela.detectors.correlation import Correlation
from tutela.errors import BadInput
from tutela.maths.cells import metres, north_of
from tutela.model.detection import Detection
from tutela.model.flow import Fact
from tutela.model.telling import word_of
from tutela.model.when import MINUTE, SECOND
from tutela.model.why import Apart, Fewer
from tutela_promises.changes import changed
from tutela_promises.examples import START, fact_of
from tutela_promises.stage import CENTRE, Item, Told, World, play, seens
from tutela_promises.streams import facts

WORLD = World(property="none", size=1)
PART = Correlation(sorts=(("call",), ("threshold", "unusual"), ("people-many",)), least=2)


def told(id_: str, type_: str, minute: float = 0.0, north: float = 0.0, source: str = "") -> Told:
    place = msgspec.to_builtins(north_of(CENTRE, north))
    noun = {"noun": "call"} if type_ == "call" else {"noun": "detection", "type": type_}
    named = {"source": source or "calls"} if type_ == "call" else {"sources": [source or type_]}
    return Told(fact_of({**noun, **named, "id": id_, "place": place}, START + round(minute * MINUTE)))


def correlated(items: Sequence[Item], part: Correlation = PART) -> list[Detection]:
    return play(part, seens(WORLD, items))


def one_by_one(part: Correlation, items: Sequence[Item]) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """The definition, fact by fact: (anchor, revision, facts) of each, from all facts there ever were."""

    def sort(fact: Fact) -> int:
        word = fact.type if isinstance(fact, Detection) else word_of(fact)
        return next((n for n, words in enumerate(part.sorts) if word in words), -1)

    def near(anchor: Fact, fact: Fact) -> bool:
        assert anchor.place is not None
        assert fact.place is not None
        soon = 0 <= fact.at - anchor.at <= part.seconds * SECOND and (anchor.at, anchor.id) <= (fact.at, fact.id)
        return soon and metres(anchor.place, fact.place) <= part.within

    came: list[Fact] = []
    groups: dict[str, list[str]] = {}
    for fact in (item.fact for item in items if isinstance(item, Told)):
        newest = max((each.at for each in came), default=0)
        if sort(fact) < 0 or fact.place is None or fact.at < newest - part.seconds * SECOND:
            continue
        came.append(fact)
        newest = max(newest, fact.at)
        alive = sorted((e for e in came if e.at >= newest - part.seconds * SECOND), key=lambda e: (e.at, e.id))
        grouped = {one for group in groups.values() for one in group}
        anchors = [each for each in alive if near(each, fact)]
        joined = next((each for each in anchors if each.id in groups), None)
        if joined is not None:
            groups[joined.id].append(fact.id)
            yield joined.id, len(groups[joined.id]), tuple(groups[joined.id])
            continue
        for anchor in (each for each in anchors if each.id not in grouped):
            group = [each for each in alive if each.id not in grouped and near(anchor, each)]
            if len({sort(each) for each in group}) >= part.least:
                groups[anchor.id] = [each.id for each in group]
                yield anchor.id, len(group), tuple(groups[anchor.id])
                break


@pytest.mark.parametrize("options", [{}, {"least": 3, "within": 500.0}, {"within": 150.0, "seconds": 300.0}])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_does_what_it_says_fact_by_fact(seed: int, options: dict[str, object]) -> None:
    part: Correlation = parts.make("detectors", "correlation", {"sorts": PART.sorts, **options})
    items = facts(seed)
    state, found = part.begin(), []
    for seen in seens(WORLD, items):
        state, new = part.step(state, seen)
        found += [(each.key, len(each.facts), tuple(sorted(each.facts))) for each in new]

    assert found == [(key, many, tuple(sorted(all_))) for key, many, all_ in one_by_one(part, items)] != []


def test_two_facts_of_one_sort_are_no_group() -> None:
    assert correlated([told("a", "threshold"), told("b", "unusual", 1)]) == []


def test_too_far_apart_in_place_or_in_time_is_no_group() -> None:
    assert correlated([told("a", "call"), told("b", "threshold", 1, 301.0)]) == []
    assert correlated([told("a", "call"), told("b", "threshold", 10.1)]) == []
    assert len(correlated([told("a", "call"), told("b", "threshold", 10, 299.0)])) == 1


def test_it_rests_on_its_facts_and_is_at_their_centre() -> None:
    (found,) = correlated([told("a", "call"), told("b", "threshold", 1, 100.0)])

    assert found.facts == ("a", "b")
    assert found.sources == ("calls", "threshold")
    assert found.place is not None
    assert metres(found.place, north_of(CENTRE, 50.0)) < 0.1
    assert (found.since, found.at) == (START, START + MINUTE)


def test_a_later_member_makes_a_new_revision_of_the_same_detection() -> None:
    first, second = correlated(
        [told("a", "call"), told("b", "threshold", 1, 100.0), told("c", "people-many", 2, -100.0)]
    )

    assert first.id == second.id
    assert (first.revision, second.revision) == (0, 1)
    assert (first.cell, second.cell) == (first.cell, first.cell)
    assert second.facts == ("a", "b", "c")


def test_confidence_grows_with_independent_sources_and_with_nothing_else() -> None:
    items = [told("a", "call"), told("b", "threshold", 1), told("c", "people-many", 2), told("d", "call", 3)]

    assert [each.confidence for each in correlated(items)] == [0.75, 0.875, 0.875]


def test_the_last_fact_further_off_would_have_been_none() -> None:
    (found,) = correlated([told("a", "call"), told("b", "threshold", 1, 100.0)])

    assert isinstance(found.why.unless, Apart)
    assert found.why.unless.fact == "b"
    assert found.why.unless.metres == pytest.approx(200.0, abs=0.1)


def test_where_moving_one_fact_is_not_enough_it_names_those_that_had_not_to_come() -> None:
    items = [told("a", "call"), told("b", "threshold", 1), told("c", "threshold", 2), told("d", "call", 3)]
    *_, last = correlated(items)

    assert last.why.unless == Fewer(by=2, of=("a", "d"))
    assert last.why.inputs["rarest"] == "call"
    assert all(each.revision < last.revision for each in correlated(changed(items, last, 0.5)))
    assert correlated(changed(items, last, 1.0)) == []


def test_a_fact_may_be_further_off_in_another_group() -> None:
    north: list[Item] = [told("x", "call", 0, 500.0), told("y", "threshold", 0.5, 500.0)]
    items = [*north, told("a", "call", 1), told("b", "threshold", 2, 150.0)]
    found = correlated(items)

    assert [each.key for each in found] == ["x", "a"]
    assert found[1].why.unless == Apart(fact="b", metres=50.01)
    assert [each.key for each in correlated(changed(items, found[1], 0.5))] == ["x", "a"]
    assert [each.key for each in correlated(changed(items, found[1], 1.0))] == ["x", "x"]


def test_the_first_fact_may_come_last() -> None:
    (found,) = correlated([told("b", "threshold", 1), told("a", "call", 0)])

    assert (found.key, found.facts) == ("a", ("a", "b"))
    assert found.why.unless == Fewer(by=1, of=("a",))


def test_a_member_of_a_group_starts_no_other_group() -> None:
    items = [told("a", "call"), told("b", "threshold", 9, 200.0), told("c", "call", 12, 400.0)]

    assert [each.facts for each in correlated(items)] == [("a", "b")]


def test_what_comes_too_late_or_from_nowhere_or_of_no_sort_is_left_out() -> None:
    late, nowhere = told("late", "threshold", -11), told("nowhere", "threshold", 1)
    nowhere = Told(msgspec.structs.replace(nowhere.fact, place=None))

    assert correlated([told("a", "call"), late, nowhere, told("b", "burst", 1)]) == []


def test_a_great_many_members_change_nothing_any_more() -> None:
    items = [told("a", "call"), *(told(f"b{n:03d}", "threshold", n / 100) for n in range(200))]

    found = correlated(items)

    assert max(len(each.facts) for each in found) == 50
    assert len(found) == 49


def test_a_flood_keeps_a_bounded_memory() -> None:
    state = PART.begin()
    for seen in seens(WORLD, [told(f"a{n}", "call", n / 1000, 200.0 * (n % 50)) for n in range(2500)]):
        state, _ = PART.step(state, seen)

    assert len(state.known) == 2000


def test_more_sorts_than_there_are_can_never_come_together() -> None:
    with pytest.raises(BadInput, match="3 of 1 sorts can never come together"):
        parts.make("detectors", "correlation", {"sorts": [["call"]], "least": 3})


def test_a_sort_may_be_reports_or_posts_of_a_category() -> None:
    part = Correlation(sorts=(("report:Trees",), ("post:Storm", "post:Wind")), least=2)
    tree = fact("a", {"noun": "report", "category": "Trees: fallen tree"})
    bin_ = fact("b", {"noun": "report", "category": "Waste: bin is full"})
    storm, fire = (fact(name, {"noun": "post", "category": name}) for name in ("Storm", "Fire"))

    assert correlated([bin_, storm], part) == []
    assert correlated([tree, fire], part) == []
    (one,) = correlated([tree, storm], part)
    assert sorted(one.facts) == ["Storm", "a"]
    assert (one.sources, one.why.inputs["sorts"]) == (("feed", "portal"), "report:Trees, post:Storm")


def fact(id_: str, said: dict[str, object]) -> Told:
    """Something that was told in the first minute, in the middle of the world."""
    return Told(fact_of({"id": id_, **said}, START))
