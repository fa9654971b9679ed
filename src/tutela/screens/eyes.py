"""What templates look through: nouns as one person sees them, at one moment, in the city's time."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import msgspec

from tutela.flow.explain import Sentences
from tutela.model.alert import Alert
from tutela.model.people import Agent
from tutela.model.place import Place
from tutela.model.when import iso

from . import look


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """Somebody who looks: `now` in microseconds, `zone` of the city."""

    me: Agent
    now: int
    zone: str
    sentences: Sentences

    def ago(self, at: int) -> str:
        """How long ago."""
        return look.ago(at, self.now)

    def clock(self, at: int) -> str:
        """The time in the city."""
        return look.clock(at, self.zone, self.now)

    def iso(self, at: int) -> str:
        """For machines that read the page."""
        return iso(at)

    def who(self, by: str) -> str:
        """Who did it."""
        return look.who(by, self.me)

    def says(self, alert: Alert) -> str:
        """Why it was raised; how often, and whether it is simulated, is shown beside."""
        return self.sentences.alert(msgspec.structs.replace(alert, count=1, simulated=False))

    def title(self, name: str) -> str:
        """A type of alert or incident, or an observed property, as a heading."""
        return look.title(name)

    def where(self, place: Place | None) -> str:
        """A place as people copy it into a map."""
        return look.where(place)

    def number(self, value: float) -> str:
        """A measured number."""
        return look.number(value)

    def key(self) -> str:
        """A key for one form: sent twice, it is done once."""
        return uuid4().hex

    def shape(self, alert: Alert) -> str:
        """The shape of its priority."""
        return look.SHAPES[look.priority(alert)]

    def priority(self, alert: Alert) -> int:
        """1, the most pressing, to 4."""
        return look.priority(alert)
