"""What a foreign message says, in our nouns, before the register has numbers for what it speaks of."""

from __future__ import annotations

from dataclasses import dataclass

from .flow import Refusal
from .register import Datastream, Thing


@dataclass(frozen=True, slots=True)
class Value:
    """One observation of the datastream of that name; `columns` in the order of its kind's columns."""

    datastream: str
    time: int
    columns: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """What one message says. Every datastream of `values` stands in `datastreams`, with id 0; so does every Thing.

    Whoever receives it defines what is new in the register, and offers the values to the gateway.
    """

    things: tuple[Thing, ...] = ()
    datastreams: tuple[Datastream, ...] = ()
    values: tuple[Value, ...] = ()
    refused: tuple[Refusal, ...] = ()
