"""Promises of the second hop's names and ways."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tutela.flow import hop
from tutela.maths import cells
from tutela.model.call import Call
from tutela.model.detection import Detection
from tutela.model.flow import decode_fact
from tutela.model.place import Place
from tutela.model.scales import Scale
from tutela.model.why import Fewer, Why

HELSINKI = Place(lat=60.1699, lon=24.9384)


def call(place: Place = HELSINKI, **change: object) -> Call:
    fields: dict[str, object] = {
        "id": "c1",
        "timeline": "live",
        "source": "112",
        "at": 5,
        "place": place,
        "cell": cells.cell_of(place),
        "category": "FIRE",
        "said": "my neighbour's kitchen",
        "caller": "+358 40 123",
    }
    return Call(**(fields | change))  # type: ignore[arg-type]  # the fields are given by name


def test_the_streams_of_a_timeline_keep_all_its_subjects() -> None:
    assert hop.everything("import/x") == {"OBS-import-x": ("obs.import-x.>",), "DET-import-x": ("det.import-x.>",)}
    assert hop.observations("import/x") == "OBS-import-x"
    assert hop.second("import/x") == "DET-import-x"
    assert hop.desk("import/x") == "det.import-x.*"
    assert hop.observed("import/x", "readings", 3) == "obs.import-x.readings.3"
    assert hop.ticks("live") == "obs.live.tick"
    assert hop.second_ticks("live") == "det.live.tick"


def test_a_tick_comes_back_as_it_was_told() -> None:
    assert hop.tick(1_793_491_200_000_000) == b'{"at":1793491200000000}'
    assert hop.tick_of(hop.tick(7)) == 7


places = st.builds(Place, lat=st.floats(-80, 80), lon=st.floats(-179, 179))


@given(places, st.integers(1, 8))
def test_two_facts_within_two_cells_of_each_other_always_meet_in_the_partition_of_either(
    place: Place, ways: int
) -> None:
    here = call(place)
    for cell in cells.around(here.cell, hop.NEAR)[::5]:
        there = call(cell=cell)
        assert hop.route(there, ways)[0] in hop.route(here, ways)
        assert hop.route(here, ways)[0] in hop.route(there, ways)


@given(places)
def test_a_fact_has_one_own_partition_and_no_partition_twice(place: Place) -> None:
    ways = hop.route(call(place))

    assert len(set(ways)) == len(ways)
    assert set(ways) <= set(range(hop.WAYS))


def test_a_fact_without_a_place_takes_one_way() -> None:
    assert len(hop.route(call(cell=0))) == 1


def border() -> Call:
    """A call whose res-6 neighbour belongs to another partition."""
    steps = (call(Place(lat=60.1 + step / 500, lon=24.9)) for step in range(200))
    return next(told for told in steps if len(hop.route(told)) > 1)


def test_copies_go_where_the_desk_does_not_read() -> None:
    told = border()
    own, *others = hop.route(told)

    sent = hop.outgoing(told)

    assert [one.subject for one in sent] == [f"det.live.{own}", *(f"det.live.{other}.copy" for other in others)]
    assert [one.id for one in sent] == [f"c1.0.{own}", *(f"c1.0.{other}" for other in others)]


def test_a_call_leaves_its_personal_data_behind() -> None:
    for one in hop.outgoing(call()):
        assert decode_fact(one.body) == call().bare()
        assert b"kitchen" not in one.body


def detection(revision: int) -> Detection:
    return Detection(
        id="d1",
        revision=revision,
        timeline="live",
        detector="burst",
        version=1,
        options="",
        type="burst",
        key="k",
        since=0,
        at=1,
        place=None,
        cell=0,
        scale=Scale(),
        confidence=0.5,
        purpose="public-safety",
        why=Why(message="burst", inputs={}, unless=Fewer(by=1, of=())),
    )


def test_what_the_correlate_stage_found_goes_to_the_desk_alone() -> None:
    (sent,) = hop.outgoing(detection(2), desk_only=True)

    assert (sent.id, sent.subject) == ("d1.2.desk", "det.live.desk")
    assert decode_fact(sent.body) == detection(2)


def test_facts_that_travel_together_come_apart_in_their_order() -> None:
    one, other = hop.outgoing(call(said="two\nlines", category="\u2028 FIRE"))[0], hop.outgoing(detection(0))[0]

    assert hop.facts(one.body) == (decode_fact(one.body),)
    assert hop.facts(one.body + b"\n" + other.body) == (decode_fact(one.body), detection(0))
