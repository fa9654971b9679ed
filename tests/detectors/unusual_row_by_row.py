"""The definition of `unusual`, one observation after the other, in plain numbers of one datastream."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from math import inf, pi, sqrt
from zoneinfo import ZoneInfo

import numpy as np

from tutela.detectors.unusual import Unusual
from tutela.model.when import moment


@dataclass
class Hour:
    """What is known of one hour of the week, kept as precisely as the detector keeps it."""

    level: float = 0.0
    spread: float = 0.0
    weeks: int = 0


@dataclass
class Datastream:
    """One datastream as `part` judges it. `row` says whether an observation is told."""

    part: Unusual
    week: dict[int, Hour] = field(default_factory=dict)
    begun: tuple[int, ...] = ()
    own: float = 0.0
    hours: int = 0
    on: bool = False
    told: int = -1
    rows: int = 0
    sum: float = 0.0
    size: float = 0.0

    def row(self, time: int, result: float) -> bool:
        local = moment(time).astimezone(ZoneInfo(self.part.zone))
        begun = (local.year, local.month, local.day, local.hour)
        if begun != self.begun:
            if self.begun:
                self.learn()
            self.begin(local, result)
            self.begun = begun
        told = self.judge(time, result)
        off = min(max(result - self.usual, -self.clip), self.clip)
        self.rows, self.sum, self.size = self.rows + 1, self.sum + off, self.size + abs(off)
        return told

    def judge(self, time: int, result: float) -> bool:
        low = -inf if self.part.direction == "above" else self.usual - self.width
        high = inf if self.part.direction == "below" else self.usual + self.width
        if self.on:
            self.on = not abs(result - self.usual) <= self.part.release * self.width
            return False
        self.on = result < low or result > high
        if self.on and time > self.told:
            self.told = time
            return True
        return False

    def begin(self, local: datetime, first: float) -> None:
        self.hour = self.week.setdefault(local.weekday() * 24 + local.hour, Hour())
        weeks = self.hour.weeks
        spread = (weeks * self.hour.spread + 4 * self.own) / (weeks + 4)
        judged = weeks >= self.part.weeks and spread > 0
        self.usual = self.hour.level if weeks else first
        self.width = max(self.part.beyond * spread, self.part.least) if judged else inf
        self.clip = 3 * spread if self.hours >= 168 and spread > 0 else 1e30
        self.rows, self.sum, self.size = 0, 0.0, 0.0

    def learn(self) -> None:
        weeks, mean, size = self.hour.weeks, self.sum / self.rows, sqrt(pi / 2) * self.size / self.rows
        if weeks:
            self.hours += 1
            self.own = single(self.own + (size - self.own) / min(self.hours, 336))
        self.hour.level = single(self.usual + mean / min(weeks + 1, self.part.memory))
        self.hour.spread = single(self.hour.spread + (size - self.hour.spread) / min(max(weeks, 1), self.part.memory))
        self.hour.weeks = weeks + 1


def single(number: float) -> float:
    """As precisely as a float of 32 bits."""
    return float(np.float32(number))
