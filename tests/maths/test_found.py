"""What is found has the same id wherever it is worked out, and another one when anything that matters differs."""

from __future__ import annotations

import pytest

from tutela.detectors.silence import Silence
from tutela.detectors.threshold import Threshold
from tutela.maths import found
from tutela.maths.found import Found
from tutela.model.why import HadCome, Why
from tutela_promises.examples import PROPERTY
from tutela_promises.stage import World, slot_id

WHY = Why(message="silence.one", inputs={}, unless=HadCome(datastream=3, last=0, time=1))
FOUND = Found(key="3", since=5, at=9, confidence=1.0, why=WHY)


def test_the_id_is_one_and_the_same_for_the_same_finding() -> None:
    assert found.id_of(Silence(many=4, factor=2.0), "live", "3", 5) == found.id_of(
        Silence(factor=2.0, many=4), "live", "3", 5
    )


@pytest.mark.parametrize(
    "other",
    [
        (Silence(factor=2.0), "live", "3", 5),
        (Silence(name="lamps"), "live", "3", 5),
        (Threshold(observed_property="pm10", high=2.0, low=1.0), "live", "3", 5),
        (Silence(), "import/x", "3", 5),
        (Silence(), "live", "4", 5),
        (Silence(), "live", "3", 6),
    ],
)
def test_the_id_is_another_for_other_options_timelines_keys_and_starts(other: tuple[Silence, str, str, int]) -> None:
    assert found.id_of(*other) != found.id_of(Silence(), "live", "3", 5)


def test_a_finding_is_where_its_one_datastream_is_and_nowhere_when_there_are_many() -> None:
    catalogue = World(property=PROPERTY, size=4).catalogue()
    one = found.detection(Silence(), "live", FOUND, found.on(catalogue, [slot_id(1)]))
    many = found.detection(Silence(), "live", FOUND, found.on(catalogue, [slot_id(1), slot_id(2), slot_id(3)]))

    assert (one.place, one.cell, one.sources) == (catalogue.place_of(slot_id(1)), catalogue.cell[1], ("source-1",))
    assert (many.place, many.cell, many.sources) == (None, 0, ("source-0", "source-1"))
