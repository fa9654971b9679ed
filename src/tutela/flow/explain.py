"""Why an alert was raised, and what would have kept it silent, in words for people. Pure.

Text is never stored: alerts and detections carry the id of a message and its parameters, and each language has
a template for the id. `{high:number}` in a template is a parameter and how to write it:

    number     three decimals at most: 61, 50.04
    words      a name of ours: traffic-speed as "traffic speed"
    duration   seconds: 90 as "1 min 30 s"
    lasting    the same with the language's words around it; nothing at all for 0
    distance   metres: 1250 as "1.25 km"
    clock      microseconds UTC, in the city's zone: 2026-11-25 10:00:12
    hour       an hour of the week from 0: 34 as "Tuesday 10:00"
    day        the same as its day: 34 as "Tuesday"

`{where}` names the Things that it rests on; a `{unit}` of 1 (a plain number, in UCUM) is left out. A message that the language does not know, or that lacks a
parameter of its template, is told by its id and parameters: a log can be older than the words, and nothing is
kept from people for want of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import tzinfo
from string import Formatter
from typing import Any

from tutela.errors import NotFound
from tutela.model.alert import Alert
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.register import Datastream
from tutela.model.when import moment
from tutela.model.why import Fewer, HadCome, Moved, ValueWas

from .catalogue import Known

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
KILOMETRE = 1_000.0
PLAIN = "1"
GAP = re.compile(r" +([ .,])")
"""What an empty parameter leaves behind."""

Parameters = Mapping[str, float | int | str]


class Language(Noun, frozen=True, kw_only=True):
    """The words of one language: `sentences` by id, the names of the days from Monday on, and a few small ones.

    `lasting` has {duration}; `more` has {where} and {more}; `unknown` has {number}.
    """

    sentences: dict[str, str]
    days: tuple[str, str, str, str, str, str, str]
    lasting: str
    more: str
    unknown: str


class Sentences:
    """Says things in one language, with the names that the register knows, in the city's zone."""

    def __init__(self, language: Language, known: Known, zone: tzinfo) -> None:
        self._language = language
        self._known = known
        self._template = _Template(language, zone)

    def alert(self, alert: Alert) -> str:
        """Why it was raised, and how often."""
        says = [self._say(alert.message, alert.parameters, alert.datastreams)]
        if alert.count > 1:
            again = "alert.backed" if len(alert.sources) > 1 else "alert.again"
            says.append(self._say(again, {"count": alert.count, "since": alert.since, "sources": len(alert.sources)}))
        if alert.simulated:
            says.append(self._say("alert.simulated", {}))
        return " ".join(says)

    def why(self, detection: Detection) -> str:
        """Why it was made."""
        return self._say(detection.why.message, detection.why.inputs, detection.datastreams)

    def unless(self, detection: Detection) -> str:
        """What would have kept it silent."""
        change = detection.why.unless
        if isinstance(change, ValueWas):
            known = self._datastream(change.datastream)
            unit = "" if known is None else known.unit
            values: Parameters = {"was": change.was, "would": change.would, "time": change.time, "unit": unit}
            return self._say("unless.value", values, (change.datastream,))
        if isinstance(change, HadCome):
            return self._say("unless.had-come", {"time": change.time, "last": change.last}, (change.datastream,))
        if isinstance(change, Fewer):
            message = "unless.fewer" if change.by < len(change.of) else "unless.without"
            message = message if change.of else "unless.unnamed"
            return self._say(message, {**detection.why.inputs, "by": change.by, "of": len(change.of)})
        if isinstance(change, Moved):
            moved: Parameters = {"time": change.time, "metres": change.metres}
            return self._say("unless.moved", moved, (change.datastream,))
        return self._say("unless.apart", {"metres": change.metres})

    def _say(self, message: str, parameters: Parameters, datastreams: tuple[int, ...] = ()) -> str:
        said = {**parameters, "where": self._where(datastreams)}
        if said.get("unit") == PLAIN:
            said["unit"] = ""
        template = self._language.sentences.get(message)
        if template is None or not {name for _, name, _, _ in self._template.parse(template) if name} <= said.keys():
            return f"{message}: {', '.join(f'{name} {value}' for name, value in sorted(parameters.items()))}"
        return GAP.sub(r"\1", self._template.vformat(template, (), said))

    def _where(self, datastreams: tuple[int, ...]) -> str:
        """The Things of these datastreams, by the name of the first."""
        names = list(dict.fromkeys(self._name(number) for number in datastreams))
        if len(names) > 1:
            return self._language.more.format(where=names[0], more=len(names) - 1)
        return "".join(names)

    def _name(self, number: int) -> str:
        known = self._datastream(number)
        return self._language.unknown.format(number=number) if known is None else known.thing

    def _datastream(self, number: int) -> Datastream | None:
        with suppress(NotFound):
            return self._known.datastream(number)
        return None


class _Template(Formatter):
    """Writes parameters in the ways that the head of this file lists."""

    def __init__(self, language: Language, zone: tzinfo) -> None:
        self._language = language
        self._zone = zone
        self._ways = {
            "number": _number,
            "duration": _duration,
            "lasting": self._lasting,
            "distance": _distance,
            "clock": self._clock,
            "hour": self._hour,
            "day": self._day,
        }

    def format_field(self, value: Any, spec: str) -> str:  # noqa: ANN401  as in the class above
        """A parameter, in one of our ways."""
        if spec == "words":
            return str(value).replace("-", " ").replace("_", " ")
        if spec in self._ways and not isinstance(value, str):
            return self._ways[spec](value)
        return str(value)

    def _lasting(self, seconds: float) -> str:
        return self._language.lasting.format(duration=_duration(seconds)) if seconds else ""

    def _clock(self, at: float) -> str:
        return moment(int(at)).astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S")

    def _hour(self, of_week: float) -> str:
        return f"{self._day(of_week)} {int(of_week) % 24:02}:00"

    def _day(self, of_week: float) -> str:
        return self._language.days[int(of_week) // 24 % 7]


def _number(value: float) -> str:
    """Three decimals at most; of what is smaller than that, three digits."""
    if 0 < abs(value) < 0.01:
        return f"{value:.3g}"
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _duration(seconds: float) -> str:
    """The two largest units that it has."""
    left, parts = round(seconds), []
    for size, unit in UNITS:
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts[:2]) or f"{_number(seconds)} s"


def _distance(metres: float) -> str:
    return f"{metres / KILOMETRE:.2f}".rstrip("0").rstrip(".") + " km" if metres >= KILOMETRE else f"{metres:.0f} m"
