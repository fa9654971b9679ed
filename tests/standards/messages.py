"""One message of each standard of a city's feeds, written for these tests, and how it is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from google.transit import gtfs_realtime_pb2 as gtfs

from tutela.model.heard import Heard
from tutela.standards import chirpstack, datex2, feeds, gtfs_rt, json_map, ngsi_ld, syslog, ttn, wzdx

Message = dict[str, Any]

TOLD = "2026-11-25T08:00:00Z"
AT = 1795593600_000_000
"""The same in microseconds."""
SECONDS = AT // 1_000_000
HOUR = 3600_000_000


def feed(*entities: gtfs.FeedEntity, told: int = SECONDS) -> bytes:
    """A GTFS-Realtime feed of such entities."""
    header = gtfs.FeedHeader(gtfs_realtime_version="2.0", timestamp=told)
    return gtfs.FeedMessage(header=header, entity=entities).SerializeToString()


VEHICLE = gtfs.FeedEntity(
    id="e1",
    vehicle=gtfs.VehiclePosition(
        vehicle=gtfs.VehicleDescriptor(id="tram 7", license_plate="ABC-123"),
        trip=gtfs.TripDescriptor(route_id="7"),
        position=gtfs.Position(latitude=60.25, longitude=24.75, speed=8.5),
        timestamp=SECONDS - 5,
        occupancy_percentage=40,
        occupancy_status=gtfs.VehiclePosition.FEW_SEATS_AVAILABLE,
    ),
)
TRIP = gtfs.FeedEntity(
    id="e2",
    trip_update=gtfs.TripUpdate(trip=gtfs.TripDescriptor(trip_id="t1", route_id="7"), delay=120, timestamp=SECONDS),
)
ALERT = gtfs.FeedEntity(
    id="e3",
    alert=gtfs.Alert(
        cause=gtfs.Alert.CONSTRUCTION,
        effect=gtfs.Alert.DETOUR,
        active_period=[gtfs.TimeRange(start=SECONDS - 3600, end=SECONDS + 3600)],
        informed_entity=[gtfs.EntitySelector(route_id="7"), gtfs.EntitySelector(stop_id="s9")],
    ),
)
GTFS = feed(VEHICLE, TRIP, ALERT)

V2 = '<d2LogicalModel xmlns="http://datex2.eu/schema/2/2_0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" modelBaseVersion="2">'
V3 = (
    '<mc:messageContainer xmlns:mc="http://datex2.eu/schema/3/messageContainer" xmlns:com="http://datex2.eu/schema/3/common"'
    ' xmlns:sit="http://datex2.eu/schema/3/situation" xmlns:loc="http://datex2.eu/schema/3/locationReferencing"'
    ' xmlns:roa="http://datex2.eu/schema/3/roadTrafficData" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
)
SITUATION = f"""{V2}
<payloadPublication xsi:type="SituationPublication" lang="en">
  <publicationTime>{TOLD}</publicationTime>
  <situation id="S1" version="1">
    <overallSeverity>high</overallSeverity>
    <headerInformation><confidentiality>noRestriction</confidentiality></headerInformation>
    <situationRecord xsi:type="RoadOrCarriagewayOrLaneManagement" id="R1" version="2">
      <situationRecordVersionTime>2026-11-25T07:30:00Z</situationRecordVersionTime>
      <validity>
        <validityStatus>active</validityStatus>
        <validityTimeSpecification>
          <overallStartTime>2026-11-25T09:00:00+02:00</overallStartTime>
          <overallEndTime>2026-11-25T11:00:00+02:00</overallEndTime>
        </validityTimeSpecification>
      </validity>
      <generalPublicComment><comment><values><value lang="en">Call Ms Example, 555-0100</value></values></comment></generalPublicComment>
      <groupOfLocations xsi:type="Linear">
        <tpegLinearLocation>
          <to><pointCoordinates><latitude>60.20</latitude><longitude>24.95</longitude></pointCoordinates></to>
          <from><pointCoordinates><latitude>60.18</latitude><longitude>24.94</longitude></pointCoordinates></from>
        </tpegLinearLocation>
        <supplementaryPositionalDescription><roadInformation><roadNumber>E75</roadNumber></roadInformation></supplementaryPositionalDescription>
      </groupOfLocations>
      <roadOrCarriagewayOrLaneManagementType>roadClosed</roadOrCarriagewayOrLaneManagementType>
    </situationRecord>
  </situation>
</payloadPublication></d2LogicalModel>"""
MEASURED = f"""{V3}<mc:payload xsi:type="roa:MeasuredDataPublication" lang="en">
  <com:publicationTime>{TOLD}</com:publicationTime>
  <roa:siteMeasurements>
    <roa:measurementSiteReference targetClass="roa:MeasurementSite" id="M1" version="1"/>
    <roa:physicalQuantity index="1"><roa:physicalQuantity xsi:type="roa:SinglePhysicalQuantity">
      <roa:basicData xsi:type="roa:TrafficSpeed"><roa:averageVehicleSpeed><com:speed>62.5</com:speed></roa:averageVehicleSpeed></roa:basicData>
    </roa:physicalQuantity></roa:physicalQuantity>
    <roa:physicalQuantity index="2"><roa:physicalQuantity xsi:type="roa:SinglePhysicalQuantity">
      <roa:basicData xsi:type="roa:TrafficFlow"><roa:vehicleFlow><com:vehicleFlowRate>840</com:vehicleFlowRate></roa:vehicleFlow></roa:basicData>
    </roa:physicalQuantity></roa:physicalQuantity>
    <roa:measurementTimeDefault><roa:timeValue>2026-11-25T07:59:00Z</roa:timeValue></roa:measurementTimeDefault>
  </roa:siteMeasurements>
</mc:payload></mc:messageContainer>"""

WORK_ZONE: Message = {
    "feed_info": {
        "update_date": TOLD,
        "publisher": "City of Example",
        "version": "4.2",
        "license": "https://creativecommons.org/publicdomain/zero/1.0/",
        "data_sources": [{"data_source_id": "1", "organization_name": "Streets"}],
    },
    "type": "FeatureCollection",
    "features": [
        {
            "id": "w1",
            "type": "Feature",
            "properties": {
                "core_details": {
                    "event_type": "work-zone",
                    "data_source_id": "1",
                    "direction": "northbound",
                    "road_names": ["Main Street", "M1"],
                    "description": "Call Ms Example, 555-0100",
                },
                "start_date": "2026-11-25T06:00:00Z",
                "end_date": "2026-11-25T18:00:00Z",
                "is_start_date_verified": True,
                "is_end_date_verified": False,
                "is_start_position_verified": True,
                "is_end_position_verified": False,
                "location_method": "unknown",
                "vehicle_impact": "all-lanes-closed",
                "types_of_work": [{"type_name": "surface-work"}],
                "lanes": [
                    {"order": 1, "status": "closed", "type": "general"},
                    {"order": 2, "status": "closed", "type": "general"},
                ],
            },
            "geometry": {"type": "LineString", "coordinates": [[24.94, 60.18], [24.945, 60.19], [24.95, 60.20]]},
        }
    ],
}
SENSOR: Message = {
    "feed_info": WORK_ZONE["feed_info"],
    "type": "FeatureCollection",
    "features": [
        {
            "id": "d1",
            "type": "Feature",
            "properties": {
                "core_details": {
                    "device_type": "traffic-sensor",
                    "data_source_id": "1",
                    "device_status": "ok",
                    "update_date": TOLD,
                    "has_automatic_location": True,
                    "road_names": ["M1"],
                },
                "collection_interval_start_date": "2026-11-25T07:55:00Z",
                "collection_interval_end_date": TOLD,
                "average_speed_kph": 48.5,
                "volume_vph": 900,
                "occupancy_percent": 12,
                "lane_data": [{"lane_order": 1, "average_speed_kph": 51}],
            },
            "geometry": {"type": "Point", "coordinates": [24.94, 60.18]},
        }
    ],
}

AIR: Message = {
    "id": "urn:ngsi-ld:AirQualityObserved:kallio",
    "type": "AirQualityObserved",
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [24.951, 60.1845]}},
    "pm25": {"type": "Property", "value": 12.5, "unitCode": "GQ", "observedAt": TOLD},
    "no2": [
        {"type": "Property", "value": 31, "unitCode": "GQ", "observedAt": TOLD},
        {"type": "Property", "value": 33, "unitCode": "XYZ", "observedAt": TOLD, "datasetId": "urn:ngsi-ld:b"},
    ],
    "owner": {"type": "Property", "value": "Ms Example"},
    "refDevice": {"type": "Relationship", "object": "urn:ngsi-ld:Device:1"},
    "@context": ["https://example.org/context.jsonld"],
}

UP: Message = {
    "deduplicationId": "7b1d0c52-0a5e-4d52-8a43-0f3c1e6f9b11",
    "time": "2026-11-25T08:00:00.123456789+00:00",
    "deviceInfo": {
        "tenantId": "0c9b7f0e-5a57-4f0a-9e55-2f7f2c7c1a3d",
        "applicationName": "air",
        "deviceProfileName": "box",
        "deviceName": "yard 1",
        "devEui": "70b3d57ed0000001",
        "tags": {"key": "value"},
    },
    "fCnt": 4,
    "object": {"temperature": 4.25, "door": True, "air": {"co2": 450}, "says": "ok", "each": [1, 2]},
    "rxInfo": [{"gatewayId": "a", "rssi": -101, "snr": 2.5}, {"gatewayId": "b", "rssi": -57, "snr": 9.5}],
}
UPLINK: Message = {
    "end_device_ids": {
        "device_id": "yard-1",
        "dev_eui": "0004A30B001C0530",
        "application_ids": {"application_id": "kallio"},
    },
    "received_at": "2026-11-25T08:00:01Z",
    "uplink_message": {
        "f_port": 2,
        "decoded_payload": {"temperature": 4.25, "door": False, "air": {"co2": 450}, "battery": "good"},
        "rx_metadata": [{"gateway_ids": {"gateway_id": "a"}, "rssi": -101, "channel_rssi": -101, "snr": 2.5}],
        "last_battery_percentage": {"f_cnt": 3, "value": 87.5, "received_at": "2026-11-25T07:00:00Z"},
        "locations": {"user": {"latitude": 60.1845, "longitude": 24.951, "source": "SOURCE_REGISTRY"}},
        "received_at": "2026-11-25T08:00:00.1Z",
    },
}

SYSLOG = b"""<165>1 2026-11-25T08:00:03.003Z lamp-gw-1 lampd 8710 ID47 - lamp 7 was opened by Ms Example
<163>1 2026-11-25T08:00:09Z lamp-gw-1 lampd - - - door
<163>1 2026-11-25T08:01:00Z lamp-gw-1 lampd - - - door
<163>1 2026-11-25T08:00:21Z lamp-gw-1 lampd - - - door
"""

RSS = b"""<?xml version="1.0"?>
<rss version="2.0" xmlns:georss="http://www.georss.org/georss"><channel>
  <title>City news</title><link>https://example.org</link><description>News</description>
  <georss:point>60.17 24.94</georss:point>
  <item><guid>n1</guid><title>Ms Example</title><category>traffic</category><pubDate>Wed, 25 Nov 2026 08:00:00 GMT</pubDate></item>
  <item><guid>n2</guid><category>traffic</category><category>fire</category><pubDate>Wed, 25 Nov 2026 10:00:00 +0200</pubDate>
    <georss:point>60.18 24.95</georss:point></item>
  <item><guid>n3</guid><pubDate>Wed, 25 Nov 2026 08:05:00 GMT</pubDate></item>
</channel></rss>"""

MAP = """
about = "Parking"

[[datastream]]
each = "/parks/*"
thing = "park/{/id}"
time = "#/sent"
result = "/free"
observed_property = "free-places"
unit = "1"
kind = "counts"
lat = "/at/lat"
lon = "/at/lon"
interval = 60

[[datastream]]
each = "/air/*"
thing = "air/{key}"
field = "{/what}"
time = "/ms"
time_unit = "ms"
result = "/value"
observed_property = "air"
unit = "ug/m3"
optional = true
"""
PARKS: Message = {
    "sent": "2026-11-25T08:00:00Z",
    "parks": [
        {"id": 7, "free": 12, "at": {"lat": 60.18, "lon": 24.95}},
        {"id": "north", "free": "31", "at": {"lat": 60.19, "lon": 24.96}},
    ],
    "air": {"kallio": {"what": "pm25", "ms": 1795593600000, "value": 12.5}, "vallila": {"what": "pm25"}},
}


def dumps(said: object) -> bytes:
    """As it is sent."""
    return json.dumps(said).encode()


Read = Callable[[bytes, str], Heard]

MESSAGES: dict[str, tuple[Read, bytes]] = {
    "gtfs_rt": (gtfs_rt.read, GTFS),
    "gtfs_rt by trip": (lambda body, source: gtfs_rt.read(body, source, by="trip"), GTFS),
    "datex2 situations": (datex2.read, SITUATION.encode()),
    "datex2 measured": (datex2.read, MEASURED.encode()),
    "wzdx": (wzdx.read, dumps(WORK_ZONE)),
    "wzdx devices": (wzdx.read, dumps(SENSOR)),
    "ngsi_ld": (ngsi_ld.read, dumps({"type": "Notification", "notifiedAt": TOLD, "data": [AIR]})),
    "chirpstack": (chirpstack.read, dumps(UP)),
    "ttn": (ttn.read, dumps(UPLINK)),
    "syslog": (lambda body, source: syslog.read(body, source, zone="Europe/Helsinki", received=AT), SYSLOG),
    "feeds": (feeds.read, RSS),
    "json_map": (lambda body, source: json_map.read(body, source, json_map.load(MAP)), dumps(PARKS)),
}
