"""DATEX II, both versions: sites, what they measure, and what is going on on the roads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.standards.messages import AT, HOUR, MEASURED, SITUATION, V2, V3
from tests.standards.samples import samples

from tutela.errors import BadInput
from tutela.model.heard import Heard
from tutela.model.place import Place
from tutela.standards import datex2

TABLE_V2 = f"""{V2}<payloadPublication xsi:type="MeasurementSiteTablePublication" lang="en">
<measurementSiteTable id="T" version="1"><measurementSiteRecord id="M1" version="1">
  <measurementSiteName><values><value lang="en">Ring I, km 3</value></values></measurementSiteName>
  <measurementSpecificCharacteristics index="1"><measurementSpecificCharacteristics>
    <period>60</period><specificLane>lane1</specificLane><specificMeasurementValueType>trafficSpeed</specificMeasurementValueType>
  </measurementSpecificCharacteristics></measurementSpecificCharacteristics>
  <measurementSiteLocation xsi:type="Point">
    <locationForDisplay><latitude>60.22</latitude><longitude>24.81</longitude></locationForDisplay>
  </measurementSiteLocation>
</measurementSiteRecord></measurementSiteTable></payloadPublication></d2LogicalModel>"""
TABLE_V3 = f"""{V3}<mc:payload xsi:type="roa:MeasurementSiteTablePublication" lang="en">
<roa:measurementSiteTable id="T"><roa:measurementSite id="M1" version="1">
  <roa:measurementSiteLocation xsi:type="loc:PointLocation"><loc:pointByCoordinates><loc:pointCoordinates>
    <loc:latitude>60.22</loc:latitude><loc:longitude>24.81</loc:longitude>
  </loc:pointCoordinates></loc:pointByCoordinates></roa:measurementSiteLocation>
</roa:measurementSite></roa:measurementSiteTable></mc:payload></mc:messageContainer>"""
MEASURED_V2 = f"""{V2}<payloadPublication xsi:type="MeasuredDataPublication" lang="en">
<siteMeasurements><measurementSiteReference id="M1" version="1" targetClass="MeasurementSiteRecord"/>
<measurementTimeDefault>2026-11-25T10:00:00</measurementTimeDefault>
<measuredValue index="3"><measuredValue><basicData xsi:type="TrafficConcentration">
  <occupancy><percentage>2.5</percentage></occupancy></basicData></measuredValue></measuredValue>
<measuredValue index="4"><measuredValue><basicData xsi:type="TravelTimeData">
  <travelTime><duration>26.2</duration></travelTime></basicData></measuredValue></measuredValue>
<measuredValue index="5"><measuredValue><basicData xsi:type="TrafficSpeed">
  <averageVehicleSpeed><dataError>true</dataError><speed>50</speed></averageVehicleSpeed></basicData></measuredValue></measuredValue>
<measuredValue index="6"><measuredValue><basicData xsi:type="TrafficSpeed">
  <averageVehicleSpeed numberOfInputValuesUsed="0"><speed>-1</speed></averageVehicleSpeed></basicData></measuredValue></measuredValue>
</siteMeasurements></payloadPublication></d2LogicalModel>"""
RECORD_V3 = f"""{V3}<mc:payload xsi:type="sit:SituationPublication" lang="en">
<com:publicationTime>2026-11-25T08:00:00Z</com:publicationTime>
<sit:situation id="S1"><sit:situationRecord xsi:type="sit:MaintenanceWorks" id="R1" version="1">
  <sit:situationRecordVersionTime>2026-11-25T07:30:00Z</sit:situationRecordVersionTime>
  <sit:validity><com:validityStatus>definedByValidityTimeSpec</com:validityStatus><com:validityTimeSpecification>
    <com:overallStartTime>2026-11-25T07:00:00Z</com:overallStartTime>
    <com:overallEndTime>2026-11-25T09:00:00Z</com:overallEndTime>
  </com:validityTimeSpecification></sit:validity>
  <sit:locationReference xsi:type="loc:LinearLocation">
    <loc:gmlLineString><loc:posList>60.18 24.94 60.19 24.945 60.20 24.95</loc:posList></loc:gmlLineString>
  </sit:locationReference>
  <sit:roadMaintenanceType>roadworks</sit:roadMaintenanceType>
</sit:situationRecord></sit:situation></mc:payload></mc:messageContainer>"""


def read(text: str, **options: Any) -> Heard:  # noqa: ANN401  a test names the options
    return datex2.read(text.encode(), "s", **options)


def changes(heard: Heard) -> list[tuple[int, float]]:
    return [((value.time - AT) // (HOUR // 2), value.columns[0]) for value in heard.values]


def test_a_situation_is_closed_from_its_start_to_its_end_where_it_lies() -> None:
    heard = read(SITUATION)
    (thing,) = heard.things

    assert (thing.name, thing.kind, thing.place) == ("s/R1", "situation", Place(lat=60.18, lon=24.94))
    assert {name: text for name, text in thing.properties.items() if name != "geometry"} == {
        "situation": "S1",
        "severity": "high",
        "confidentiality": "noRestriction",
        "type": "RoadOrCarriagewayOrLaneManagement",
        "codes": "roadClosed",
        "road": "E75",
        "status": "active",
        "start": "2026-11-25T07:00:00.000Z",
        "end": "2026-11-25T09:00:00.000Z",
    }
    assert json.loads(thing.properties["geometry"])["coordinates"] == [[24.95, 60.2], [24.94, 60.18]]
    assert heard.datastreams[0].observed_property == "road-closed"
    assert changes(heard) == [(-2, 1.0), (0, 1.0), (2, 0.0)]


def test_version_3_says_the_same_in_other_namespaces() -> None:
    heard = read(RECORD_V3)
    (thing,) = heard.things

    assert (thing.place, thing.properties["type"]) == (Place(lat=60.19, lon=24.945), "MaintenanceWorks")
    assert heard.datastreams[0].observed_property == "road-works"
    assert changes(heard) == [(-2, 1.0), (0, 1.0), (2, 0.0)]


def test_a_list_of_positions_can_begin_with_the_longitude() -> None:
    swapped = RECORD_V3.replace("60.18 24.94 60.19 24.945 60.20 24.95", "24.94 60.18 24.945 60.19")

    assert read(swapped, lon_first=True).things[0].place == Place(lat=60.19, lon=24.945)


@pytest.mark.parametrize(
    ("positions", "says"),
    [
        ("60.18 24.94 60.19", "no positions of 2"),
        ("60.18 here", "no number"),
        ("6683809.0 406975.0 6683810.0 406976.0", "not on the Earth"),
    ],
)
def test_a_place_that_cannot_be_understood_is_refused_and_the_situation_is_taken(positions: str, says: str) -> None:
    heard = read(RECORD_V3.replace("60.18 24.94 60.19 24.945 60.20 24.95", positions))

    assert [thing.place for thing in heard.things] == [None]
    assert len(heard.values) == 3
    assert "'R1'" in heard.refused[0].says
    assert says in heard.refused[0].says


def test_heights_are_left_out() -> None:
    high = RECORD_V3.replace(
        "<loc:posList>60.18 24.94 60.19 24.945", '<loc:posList srsDimension="3">60.18 24.94 7 60.19 24.945 7'
    )
    place = read(high.replace("60.20 24.95", "60.20 24.95 7")).things[0].place

    assert place == Place(lat=60.19, lon=24.945)


def test_an_area_is_kept_as_one() -> None:
    area = RECORD_V3.replace("<loc:gmlLineString>", "<loc:gmlPolygon><loc:exterior>").replace(
        "</loc:gmlLineString>", "</loc:exterior></loc:gmlPolygon>"
    )

    assert json.loads(read(area).things[0].properties["geometry"])["type"] == "MultiPolygon"


@pytest.mark.parametrize(
    ("was", "becomes", "expected"),
    [
        ("<validityStatus>active", "<validityStatus>suspended", [(-1, 0.0), (0, 0.0)]),
        (
            "<groupOfLocations",
            "<management><lifeCycleManagement><end>true</end></lifeCycleManagement></management><groupOfLocations",
            [(-2, 1.0), (-1, 0.0), (0, 0.0)],
        ),
        (
            "<groupOfLocations",
            "<management><lifeCycleManagement><cancel>true</cancel></lifeCycleManagement></management><groupOfLocations",
            [(-1, 0.0), (0, 0.0)],
        ),
        ("<overallEndTime>2026-11-25T11:00:00+02:00</overallEndTime>", "", [(-2, 1.0), (0, 1.0)]),
        (
            "</validityTimeSpecification>",
            "<validPeriod><startOfPeriod>2026-11-25T08:30:00Z</startOfPeriod></validPeriod></validityTimeSpecification>",
            [(0, 0.0), (1, 1.0), (2, 0.0)],
        ),
    ],
    ids=["suspended", "ended", "cancelled", "open", "periods"],
)
def test_what_is_over_is_not_in_force(was: str, becomes: str, expected: list[tuple[int, float]]) -> None:
    assert changes(read(SITUATION.replace(was, becomes, 1))) == expected


def test_what_is_over_without_saying_since_when_is_refused() -> None:
    over = SITUATION.replace("active", "suspended").replace("situationRecordVersionTime", "otherTime")

    assert "does not tell since which version" in read(over).refused[0].says


def test_what_ended_before_it_began_never_was_in_force() -> None:
    end = "<management><lifeCycleManagement><end>true</end></lifeCycleManagement></management><groupOfLocations"
    early = SITUATION.replace("<groupOfLocations", end).replace("07:30:00Z", "06:30:00Z")

    assert changes(read(early)) == [(-3, 0.0), (0, 0.0)]


def test_measured_data_have_the_units_of_the_standard_and_the_places_of_their_sites() -> None:
    places = {thing.name: thing.place for thing in read(TABLE_V3).things if thing.place}
    heard = read(MEASURED, places=places)

    assert [(value.datastream, value.time, value.columns) for value in heard.values] == [
        ("s/M1/1/speed", AT - 60_000_000, (62.5,)),
        ("s/M1/2/flow", AT - 60_000_000, (840.0,)),
    ]
    assert [(stream.unit, stream.place) for stream in heard.datastreams] == [
        ("km/h", Place(lat=60.22, lon=24.81)),
        ("1/h", Place(lat=60.22, lon=24.81)),
    ]


def test_values_that_the_site_calls_wrong_or_missing_are_refused() -> None:
    heard = read(MEASURED_V2, zone="Europe/Helsinki")

    assert [(value.datastream, value.time, value.columns) for value in heard.values] == [
        ("s/M1/3/occupancy", AT, (2.5,)),
        ("s/M1/4/travel-time", AT, (26.2,)),
    ]
    assert [refusal.says for refusal in heard.refused] == [
        "s/M1, measurement 5: the site says that its value is wrong",
        "s/M1, measurement 6: -1 says that there is no value",
    ]


def test_local_times_without_a_zone_are_refused() -> None:
    heard = read(MEASURED_V2)

    assert heard.values == ()
    assert {"no offset" in refusal.says for refusal in heard.refused} == {True}


@pytest.mark.parametrize("table", [TABLE_V2, TABLE_V3])
def test_a_site_has_its_place(table: str) -> None:
    heard = read(table)

    assert [(thing.name, thing.kind, thing.place) for thing in heard.things] == [
        ("s/M1", "traffic-station", Place(lat=60.22, lon=24.81))
    ]


def test_a_site_says_what_each_of_its_measurements_is() -> None:
    assert read(TABLE_V2).things[0].properties == {"name": "Ring I, km 3", "1": "trafficSpeed, lane1, 60"}


def test_a_place_off_the_earth_or_a_site_without_a_name_is_refused_by_itself() -> None:
    lost = read(TABLE_V2.replace("60.22", "6022"))

    assert [thing.place for thing in lost.things] == [None]
    assert "site 'M1'" in lost.refused[0].says
    assert "a name is plain text" in read(MEASURED_V2.replace('id="M1"', 'id=""')).refused[0].says


def test_a_value_that_is_no_number_is_refused_with_its_index() -> None:
    heard = read(MEASURED.replace("62.5", "fast"))

    assert [value.datastream for value in heard.values] == ["s/M1/2/flow"]
    assert heard.refused[0].says == "s/M1, measurement 1: 'fast' is no number"


def test_several_lines_are_kept_as_several() -> None:
    line = "<loc:gmlLineString><loc:posList>60.18 24.94 60.19 24.945 60.20 24.95</loc:posList></loc:gmlLineString>"

    assert (
        json.loads(read(RECORD_V3.replace(line, line * 2)).things[0].properties["geometry"])["type"]
        == "MultiLineString"
    )


def test_what_lies_inside_of_what_was_read_is_not_read_again() -> None:
    head, inner, tail = MEASURED_V2.partition("<siteMeasurements>")
    body, end, rest = tail.partition("</siteMeasurements>")
    nested = read(head + (inner + body) * 40 + end * 40 + rest, zone="Europe/Helsinki")

    assert nested == read(MEASURED_V2, zone="Europe/Helsinki")


def test_a_publication_inside_of_another_is_refused_and_the_outer_one_is_read() -> None:
    head, publication, rest = MEASURED_V2.partition("<payloadPublication")
    inner = publication + rest.removesuffix("</d2LogicalModel>")
    heard = read(
        head + inner.replace("</payloadPublication>", inner * 3 + "</payloadPublication></d2LogicalModel>"),
        zone="Europe/Helsinki",
    )
    plain = read(MEASURED_V2, zone="Europe/Helsinki")

    assert heard.values == plain.values
    assert sum("inside of another" in refusal.says for refusal in heard.refused) == 3


def test_another_publication_is_refused_by_its_name() -> None:
    heard = read(SITUATION.replace("SituationPublication", "VmsPublication"))

    assert heard.things == ()
    assert "'VmsPublication' is not understood" in heard.refused[0].says


@pytest.mark.parametrize("text", ["<a/>", "<payload", "not xml", '<?xml version="1.0" encoding="klingon"?><payload/>'])
def test_what_is_no_datex_is_a_clear_error(text: str) -> None:
    with pytest.raises(BadInput, match="not a DATEX II message"):
        read(text)


def test_the_envelope_of_fintraffic_gives_the_place() -> None:
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [23.77, 61.5]},
        "properties": {"situationId": "S1"},
    }
    bare = SITUATION.replace("latitude>", "height>")
    envelope = f"<imsMessage><messageContent><d2Message><![CDATA[\n{bare}]]></d2Message><jMessage>{json.dumps(feature)}</jMessage></messageContent></imsMessage>"
    broken = envelope.replace('{"type"', '{"type" "')

    assert read(bare).things[0].place is None
    assert read(envelope).things[0].place == Place(lat=61.5, lon=23.77)
    assert read(broken).things[0].place is None
    assert "places are not known" in read(broken).refused[0].says


def test_samples_of_others_are_heard() -> None:
    heard = {path.name: datex2.read(path.read_bytes(), "s") for path in samples("datex2_fintraffic")}
    event = heard["GUID50459771.xml"]
    accident = heard["InfoXML_2016-11-17-15-43-09-653.xml"]

    templates = {
        name for name, one in heard.items() if one.refused
    }  # these hold START_DATE_TIME where a time should be
    assert len(templates) <= 3
    assert all(one.things and one.values for name, one in heard.items() if name not in templates)
    assert (event.things[0].properties["type"], event.things[0].properties["end"]) == (
        "PublicEvent",
        "2025-12-31T22:59:56.206Z",
    )
    assert [(value.time, value.columns) for value in accident.values] == [(1479390107118000, (1.0,))]
