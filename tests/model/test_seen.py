"""What the register says of a partition: slots and datastreams are each other's inverse."""

from __future__ import annotations

import numpy as np

from tutela.model.place import Place
from tutela.model.register import Datastream
from tutela.model.seen import Catalogue

HERE = Place(lat=60.17, lon=24.94)
POWER = Datastream(
    id=7, name="p", source="s", thing="t", kind="readings", observed_property="power", unit="W", place=HERE
)
CATALOGUE = Catalogue(
    partitions=4,
    partition=3,
    properties=("power",),
    property_code=np.array([-1, 0], np.int32),
    cell=np.array([0, 5], np.int64),
    interval=np.array([np.nan, 60.0]),
    by_id={7: POWER},
)


def test_a_slot_and_its_datastream_name_each_other() -> None:
    assert CATALOGUE.slots(np.array([3, 7], np.int32)).tolist() == [0, 1]
    assert [CATALOGUE.id_of(slot) for slot in (0, 1)] == [3, 7]


def test_a_datastream_is_where_the_register_says() -> None:
    assert CATALOGUE.place_of(7) == HERE
