"""A net of streets: the shortest path between two of its nodes, and the place on it after so many metres. Pure.

Shortest paths are Dijkstra's, with a heap (E. W. Dijkstra, "A note on two problems in connexion with graphs", 1959). Where
two ways into a node are of one length, the one over the node with the smaller number is taken, so that the answer is always
the same. Components are Kosaraju's, without recursion.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise

from tutela.errors import BadInput
from tutela.model.place import Place
from tutela.model.street import Street

from .cells import metres

Links = Mapping[int, tuple[tuple[int, float], ...]]
"""By node: the nodes that can be reached from it at once, in ascending order, each with its distance in metres."""


@dataclass(frozen=True, slots=True)
class Path:
    """A way through the net: its nodes with their places, and for each how many metres it is from the first."""

    nodes: tuple[int, ...]
    places: tuple[Place, ...]
    metres: tuple[float, ...]

    @property
    def length(self) -> float:
        """In metres."""
        return self.metres[-1]

    def at(self, along: float) -> Place:
        """The place after so many metres; before the start it is the start, past the end it is the end."""
        number = bisect_right(self.metres, along) - 1
        if number < 0:
            return self.places[0]
        if number >= len(self.places) - 1:
            return self.places[-1]
        one, other = self.places[number], self.places[number + 1]
        share = (along - self.metres[number]) / (self.metres[number + 1] - self.metres[number])
        return Place(lat=one.lat + (other.lat - one.lat) * share, lon=one.lon + (other.lon - one.lon) * share)


@dataclass(frozen=True, slots=True)
class Net:
    """Streets as a graph: the place of each node, and where one gets from it."""

    places: Mapping[int, Place]
    links: Links

    @property
    def nodes(self) -> tuple[int, ...]:
        """All nodes, in ascending order."""
        return tuple(sorted(self.places))

    def nearest(self, place: Place) -> int:
        """The node that is nearest to a place; raises BadInput when there is none at all."""
        if not self.places:
            raise BadInput("there is no street in this net; give it the ways of a map")
        return min(self.nodes, key=lambda node: metres(self.places[node], place))

    def path(self, start: int, end: int) -> Path | None:
        """The shortest path from one node to another; None when there is none, or no such node."""
        came = self._searched(start, end) if start in self.places else {}
        if end not in came:
            return None
        nodes = [end]
        while nodes[-1] != start:
            nodes.append(came[nodes[-1]])
        nodes.reverse()
        along = [0.0]
        for one, other in pairwise(nodes):
            along.append(along[-1] + next(distance for node, distance in self.links[one] if node == other))
        return Path(tuple(nodes), tuple(self.places[node] for node in nodes), tuple(along))

    def _searched(self, start: int, end: int) -> dict[int, int]:
        """For each node that is nearer than the end, and the end itself, the node before it; the start stands before itself."""
        came: dict[int, int] = {}
        due = [(0.0, start, start)]
        while due:
            distance, node, before = heappop(due)
            if node in came:
                continue
            came[node] = before
            if node == end:
                break
            for other, far in self.links.get(node, ()):
                if other not in came:
                    heappush(due, (distance + far, other, node))
        return came

    def whole(self) -> Net:
        """The largest part of the net in which every node can be reached from every other."""
        parts = [*_components(self)]
        if not parts:
            return self
        kept = max(parts, key=lambda part: (len(part), -min(part)))
        return Net(
            {node: place for node, place in self.places.items() if node in kept},
            {
                node: tuple((other, far) for other, far in links if other in kept)
                for node, links in self.links.items()
                if node in kept
            },
        )


def net(streets: Iterable[Street]) -> Net:
    """Streets as a graph. Of two ways between the same two nodes the shorter one counts."""
    places: dict[int, Place] = {}
    links: dict[int, dict[int, float]] = {}
    for street in streets:
        places.update(zip(street.nodes, street.places, strict=True))
        for one, other in pairwise(street.nodes):
            if one == other:
                continue
            far = metres(places[one], places[other])
            for start, end, may in ((one, other, street.forwards), (other, one, street.backwards)):
                if may:
                    known = links.setdefault(start, {})
                    known[end] = min(far, known.get(end, far))
    return Net(places, {node: tuple(sorted(ends.items())) for node, ends in links.items()})


def _components(of: Net) -> Iterator[frozenset[int]]:
    """The parts in which every node can be reached from every other."""
    back: dict[int, list[int]] = {}
    for node, links in of.links.items():
        for other, _ in links:
            back.setdefault(other, []).append(node)
    ahead = {node: [other for other, _ in links] for node, links in of.links.items()}
    order: list[int] = []
    seen: set[int] = set()
    for node in of.nodes:
        order += _reached(node, ahead, seen)
    seen.clear()
    for node in reversed(order):
        if part := frozenset(_reached(node, back, seen)):
            yield part


def _reached(start: int, links: Mapping[int, list[int]], seen: set[int]) -> list[int]:
    """The nodes that can be reached and were not seen before, each after all that are reached through it."""
    if start in seen:
        return []
    seen.add(start)
    done: list[int] = []
    under_way = [(start, iter(links.get(start, ())))]
    while under_way:
        node, others = under_way[-1]
        other = next((one for one in others if one not in seen), None)
        if other is None:
            done.append(node)
            under_way.pop()
        else:
            seen.add(other)
            under_way.append((other, iter(links.get(other, ()))))
    return done
