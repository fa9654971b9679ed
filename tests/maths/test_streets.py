"""Streets: the shortest path is what trying all paths finds, and a place on it is as far along as was asked."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.errors import BadInput
from tutela.maths.cells import metres
from tutela.maths.streets import Net, net
from tutela.model.place import Place
from tutela.model.street import Street


def place(node: int) -> Place:
    """A corner of a chessboard of some 100 m, six wide."""
    return Place(lat=60.17 + node // 6 * 0.0009, lon=24.94 + node % 6 * 0.0018)


def street(*nodes: int, oneway: bool = False) -> Street:
    return Street(nodes=nodes, places=tuple(map(place, nodes)), backwards=not oneway)


def streets(nodes: st.SearchStrategy[int]) -> st.SearchStrategy[list[Street]]:
    ways = st.lists(nodes, min_size=2, max_size=6)
    return st.lists(st.builds(lambda way, oneway: street(*way, oneway=oneway), ways, st.booleans()), max_size=8)


towns = streets(st.integers(0, 17))


def plainly(of: Net, start: int) -> dict[int, float]:
    """The distance of every node that can be reached: by asking every link again and again until nothing changes."""
    far = {start: 0.0}
    for _ in of.places:
        for node, links in of.links.items():
            for other, length in links:
                if node in far and far[node] + length < far.get(other, float("inf")):
                    far[other] = far[node] + length
    return far


@given(towns, st.integers(0, 17))
def test_the_shortest_path_is_as_long_as_trying_everything_finds(town: list[Street], start: int) -> None:
    of = net(town)
    far = plainly(of, start)

    for end in of.nodes:
        path = of.path(start, end)
        assert (path is not None) == (start in of.places and end in far)
        if path is not None:
            assert path.length == pytest.approx(far[end])
            assert (path.nodes[0], path.nodes[-1]) == (start, end)
            assert all(other in dict(of.links[one]) for one, other in pairwise(path.nodes))
            assert path.places == tuple(of.places[node] for node in path.nodes)


@given(towns, st.floats(-50, 3000))
def test_a_place_on_a_path_is_as_far_along_as_was_asked(town: list[Street], along: float) -> None:
    whole = net(town).whole()
    for end in whole.nodes[1:]:
        path = whole.path(whole.nodes[0], end)
        assert path is not None
        here, far = path.at(along), min(max(along, 0.0), path.length)
        walked = next((n for n in range(len(path.nodes) - 1) if path.metres[n + 1] >= far), 0)
        assert path.metres[walked] + metres(path.places[walked], here) == pytest.approx(far, abs=0.05)


@given(towns)
def test_the_whole_part_is_the_largest_in_which_everything_can_be_reached(town: list[Street]) -> None:
    of = net(town)
    whole = of.whole()
    both = {node: {other for other in plainly(of, node) if node in plainly(of, other)} for node in of.nodes}

    assert len(whole.places) == max(map(len, both.values()), default=0)
    for node in whole.nodes:
        assert plainly(whole, node).keys() == set(whole.nodes)


@given(towns, st.randoms())
def test_the_order_of_the_streets_does_not_matter(town: list[Street], chance: Random) -> None:
    of, other = net(town), net(chance.sample(town, len(town)))

    assert of.links == other.links
    for end in of.nodes:
        assert of.path(of.nodes[0], end) == other.path(of.nodes[0], end)


def test_a_street_with_one_direction_is_driven_in_that_one_only() -> None:
    of = net([street(0, 1, oneway=True), Street(nodes=(1, 2), places=(place(1), place(2)), forwards=False)])

    assert of.path(0, 1) is not None
    assert of.path(1, 0) is None
    assert of.path(1, 2) is None
    assert of.path(2, 1) is not None


def test_of_two_ways_of_one_length_the_one_over_the_smaller_number_is_taken() -> None:
    there = {
        0: (60.0, 24.0),
        1: (60.0, 24.5),
        6: (60.0, 23.5),
        7: (60.5, 24.0),
    }  # 1 and 6 mirror each other, to the bit
    places = {node: Place(lat=lat, lon=lon) for node, (lat, lon) in there.items()}
    ways = [Street(nodes=nodes, places=tuple(places[node] for node in nodes)) for nodes in ((0, 6, 7), (0, 1, 7))]

    for town in (ways, ways[::-1]):
        of = net(town)
        path = of.path(0, 7)
        assert path is not None
        assert path.nodes == (0, 1, 7)
        assert len({far for _, far in of.links[0]}) == len({far for _, far in of.links[7]}) == 1


def test_there_is_no_way_from_or_to_a_node_that_there_is_not() -> None:
    of = net([street(0, 1)])

    assert (of.path(3, 3), of.path(0, 3), of.path(3, 0)) == (None, None, None)


def test_the_way_to_where_one_is_has_no_length() -> None:
    path = net([street(0, 1)]).path(0, 0)

    assert path is not None
    assert (path.length, path.at(5.0)) == (0.0, place(0))


def test_the_nearest_node_is_found_and_where_there_is_none_that_is_said() -> None:
    assert net([street(0, 1, 2)]).nearest(Place(lat=60.17, lon=24.9417)) == 1
    with pytest.raises(BadInput, match="no street"):
        net([]).nearest(place(0))
    assert net([]).whole().nodes == ()


def test_a_long_street_is_no_matter_for_the_stack() -> None:
    nodes = tuple(range(5000))
    line = Street(nodes=nodes, places=tuple(Place(lat=60.0 + node * 1e-5, lon=25.0) for node in nodes))

    assert net([line]).whole().nodes == nodes
