"""Messages of a city's feeds, read per CPU second: values of large feeds, lines of syslog, uplinks one by one. One JSON line each.

The messages are those of the tests, many times over. What a message may at most cost is told by the worst of some bombs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

from benchmarks.report import quick, tell
from google.transit import gtfs_realtime_pb2 as gtfs
from tests.standards.messages import AIR, MEASURED, MESSAGES, PARKS, SYSLOG, VEHICLE, WORK_ZONE, Read, dumps, feed

from tutela.errors import BadInput

MANY = 500 if quick() else 4_000
TIMES = 1 if quick() else 3
FULL = 7_900_000
BOMBS = {
    "gtfs_rt": b"\x0a\x05\x0a\x032.0" + b"\x12\x03\x0a\x01a" * (FULL // 5),
    "datex2 measured": b"<payload>" + b"<a/>" * (FULL // 4) + b"</payload>",
    "feeds": b"<rss version='2.0'><channel>" + b"<item/>" * (FULL // 7) + b"</channel></rss>",
    "ngsi_ld": b"[" + b"{}," * (FULL // 3) + b"{}]",
    "syslog": b"x\n" * (FULL // 2),
    "json_map": b"[" + b"1," * (FULL // 2) + b"1]",
}


def messages() -> Iterator[tuple[str, bytes, int]]:
    """Each standard with a large message, and how many parts that has."""
    vehicles = []
    for number in range(MANY):
        one = gtfs.FeedEntity()
        one.CopyFrom(VEHICLE)
        one.vehicle.vehicle.id = str(number)
        vehicles.append(one)
    site = MEASURED[MEASURED.index("<roa:siteMeasurements>") : MEASURED.index("</mc:payload>")]
    sites = "".join(site.replace('"M1"', f'"M{number}"') for number in range(MANY))
    yield "gtfs_rt", feed(*vehicles), MANY
    yield "datex2 measured", MEASURED.replace(site, sites).encode(), MANY
    yield (
        "wzdx",
        dumps({**WORK_ZONE, "features": [{**WORK_ZONE["features"][0], "id": str(n)} for n in range(MANY)]}),
        MANY,
    )
    yield "ngsi_ld", dumps([{**AIR, "id": str(number)} for number in range(MANY)]), MANY
    yield "syslog", SYSLOG * MANY, 4 * MANY
    yield "json_map", dumps({**PARKS, "parks": [{**PARKS["parks"][0], "id": number} for number in range(MANY)]}), MANY
    yield "ttn", MESSAGES["ttn"][1], 1
    yield "chirpstack", MESSAGES["chirpstack"][1], 1


def seconds(read: Read, body: bytes) -> float:
    """CPU seconds of one reading, good or refused."""
    began = time.process_time()
    with suppress(BadInput):  # a bomb
        read(body, "city")
    return time.process_time() - began


def main() -> None:
    for name, body, parts in messages():
        read, _ = MESSAGES[name]
        best = min(seconds(read, body) for _ in range(TIMES * (1 if parts > 1 else 1_000)))
        tell(f"standards.{name}", parts / best, "parts/s", bytes=len(body), megabytes=len(body) / best / 1e6)
    worst = {name: seconds(MESSAGES[name][0], bomb) for name, bomb in BOMBS.items()}
    tell("standards.bombs", max(worst.values()), "s", most=5.0, megabytes=FULL / 1e6, each=worst)


if __name__ == "__main__":
    main()
