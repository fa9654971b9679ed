"""Syslog, RFC 5424 and RFC 3164, in: messages of computers, one a line, or framed by their lengths (RFC 6587).

Each host becomes a Thing of kind "host", and its messages are counted by severity (`emerg`, `alert`, `crit`, `err`,
`warning`, `notice`, `info`, `debug`) and minute: a count `HOST/SEVERITY` of observed property "log-messages". It
stands in the second of the last message of that minute in this body. Where in this second the body itself decides (by its
SHA-256), so that the counts of several bodies add up: equal counts at one time would be one count told twice. The text is not kept, nor is the program or process: they may name people.

A line that is no syslog is refused by itself, with its number and without its text. RFC 3164 knows neither year nor
zone: such lines are taken only with `zone` and `received` (microseconds), as the nearest time to it. Where it stands
ISO 8601 in their place, as many relays write, that is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

from tutela.errors import BadInput
from tutela.model.heard import Heard
from tutela.model.when import MINUTE, SECOND, micros, moment

from ._hearing import Hearing, Measure, at, bounded, zoned

SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
MESSAGES = Measure("counts", "log-messages", "1")
HIGHEST = 191
"""Facility 23, severity 7."""
HEAD = 600
"""Bytes of a line that may hold its header."""
MONTHS = {
    name: month
    for month, name in enumerate(
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1
    )
}
_HEADER = re.compile(
    r"<(?P<pri>\d{1,3})>(?:1 )?"
    r"(?:(?P<iso>\d{4}-\d\d-\d\dT\S+|-)|(?P<month>[A-Z][a-z]{2}) (?P<day>[ \d]\d) (?P<clock>\d\d:\d\d:\d\d))"
    r" (?P<host>\S+)",
    re.ASCII,
)
_FRAME = re.compile(rb"(\d{1,7}) (?=<)")

Counts = dict[tuple[str, str, int], list[int]]


def read(body: bytes, source: str, *, zone: str | None = None, received: int | None = None) -> Heard:
    """The counts of a body; raises BadInput when there is no syslog message in it at all."""
    hearing, counts = Hearing(source), Counts()
    for number, line in enumerate(_lines(bounded(body, "syslog body")), 1):
        try:
            _count(counts, line[:HEAD].decode(errors="replace"), zone, received)
        except BadInput as wrong:
            hearing.refuse(f"message {number}: {wrong}")
    within = int.from_bytes(sha256(body).digest()[:8]) % SECOND
    for (host, severity, _), (count, last) in counts.items():
        name = hearing.thing(host, "host")
        if name is not None:
            hearing.say(name, severity, MESSAGES, last - last % SECOND + within, float(count))
    if hearing.silent:
        raise BadInput("there is no syslog message in this body")
    return hearing.heard()


def _lines(body: bytes) -> Iterator[bytes]:
    """The messages of a body: by their lengths when it begins with one, else by lines; empty ones are left out."""
    place = 0
    while place < len(body) and (frame := _FRAME.match(body, place)):
        end = frame.end() + int(frame[1])
        yield body[frame.end() : end]
        place = end
    yield from (line for line in body[place:].split(b"\n") if line.strip(b"\r\0 "))


def _count(counts: Counts, line: str, zone: str | None, received: int | None) -> None:
    header = _HEADER.match(line)
    if header is None:
        raise BadInput("it does not begin like <PRI>1 TIME HOST (RFC 5424) or <PRI>Mmm dd hh:mm:ss HOST (RFC 3164)")
    priority, host = int(header["pri"]), header["host"]
    if priority > HIGHEST:
        raise BadInput(f"its priority is {priority}; the highest is {HIGHEST}")
    if host == "-":
        raise BadInput("it names no host")
    when = _when(header, zone, received)
    told = counts.setdefault((host, SEVERITIES[priority % 8], when // MINUTE), [0, when])
    told[0], told[1] = told[0] + 1, max(told[1], when)


def _when(header: re.Match[str], zone: str | None, received: int | None) -> int:
    if header["iso"] == "-":
        if received is None:
            raise BadInput("it tells no time; say when it was received")
        return received
    if header["iso"]:
        return at(header["iso"], zone)
    if zone is None or received is None:
        raise BadInput("its time (RFC 3164) has neither year nor zone; say the zone, and when it was received")
    clock = f"{header['day'].strip():0>2}T{header['clock']}"
    now = moment(received)
    near = [_in_year(year, header["month"], clock, zone) for year in (now.year - 1, now.year, now.year + 1)]
    known = [when for when in near if when is not None]
    if not known:
        raise BadInput("its time is in no calendar")
    return min(known, key=lambda when: abs(when - received))


def _in_year(year: int, month: str, clock: str, zone: str) -> int | None:
    """That wall-clock time in a year; None when the year has no such day."""
    try:
        when = datetime.fromisoformat(f"{year:04}-{MONTHS.get(month, 0):02}-{clock}")
    except ValueError:
        return None
    return micros(when.replace(tzinfo=zoned(zone)))


part = read
