"""Near: what a plain list would find, without looking at all of it."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from tutela.maths.cells import metres
from tutela.maths.near import Near
from tutela.model.place import Place

SPAN, MOST, REACH = 10, 6, 600.0


@dataclass(frozen=True)
class Item:
    id: str
    at: int
    place: Place


places = st.builds(Place, lat=st.floats(59.98, 60.02), lon=st.floats(24.98, 25.02)) | st.builds(
    Place, lat=st.floats(-0.01, 0.01), lon=st.just(0.0)
)
items = st.builds(Item, id=st.sampled_from("abcdefghijkl"), at=st.integers(0, 40), place=places)


@given(st.lists(items, max_size=40), places, st.floats(0, REACH), st.lists(st.booleans(), min_size=40, max_size=40))
def test_it_finds_what_a_list_would_find(came: list[Item], place: Place, limit: float, again: list[bool]) -> None:
    newest, plain = 0, list[Item]()
    near = Near[Item]((), 0, span=SPAN, most=MOST, reach=REACH)
    for item, anew in zip(came, again, strict=False):
        assert (item.id in near) == any(each.id == item.id for each in plain)
        if item.id in near:
            continue
        newest = max(newest, item.at)
        plain = [*[each for each in plain if each.at >= newest - SPAN][1 - MOST :], item]
        near.make_room(item.at)
        near.put(item)
        if anew:
            near = Near(near.all(), near.newest, span=SPAN, most=MOST, reach=REACH)

    assert (near.all(), near.newest) == (tuple(plain), newest)
    found = {each.id for each in plain if metres(each.place, place) <= limit}
    assert {each.id for each in near.close(place, limit)} == found


def test_what_is_put_again_is_another_in_the_order_of_the_first() -> None:
    here, there = Place(lat=60.0, lon=25.0), Place(lat=60.1, lon=25.0)
    near = Near([Item("a", 1, here), Item("b", 2, here)], 2, span=SPAN, most=MOST, reach=REACH)
    near.put(Item("a", 3, there))

    near.make_room(12)
    assert near.all() == (Item("a", 3, there), Item("b", 2, here))
    assert near.close(here, REACH) == [Item("b", 2, here)]
    near.make_room(14)
    assert near.all() == ()
