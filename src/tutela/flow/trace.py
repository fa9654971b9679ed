"""Following one batch from its source to the alert: what the steps ask of whoever keeps traces, and nobody who does.

A place in a trace is told by its `traceparent` (W3C Trace Context), a text; "" is none. It goes along with what is followed: in the
headers of a message, and beside the body in an outbox row. No id, no body and no hash is made from it, and nothing that a
replay reads holds it: what is followed is worked off as if it were not.

Something follows from one cause, or from several: the first is its parent, the others are linked. When a turn takes messages
of several traces it belongs to one of them; what it finds belongs to the trace of the message that made it.

What is told of a span are counts, kinds, numbers of partitions and names of timelines, stages and detectors: nothing that anybody
said or measured, nobody's name, and no place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, Self

TRACEPARENT = "traceparent"
"""The header with the place in a trace that a message follows from."""

TRACES = "Traces"
"""The header of a message with facts of several traces: the place of each line, in their order."""

HEADERS = (TRACEPARENT, TRACES)
"""They belong to one sending."""

SAMPLED = frozenset("13579bdf")
"""The last sign of a place whose trace is kept: the lowest of its flags is set."""

Facts = Mapping[str, str | int]
"""Counts, kinds, numbers, and names that we gave, by what they are."""

NONE: Facts = {}


class Span(Protocol):
    """Something that takes time. As long as it is entered, what is opened in this task follows from it.

    `trace` is its own place, for what follows from it elsewhere. It ends when it is left, or by `end`: the first counts. One that
    has `failed` tells the kind of failure; left by an exception, the name of its class, and not what it says.
    """

    @property
    def trace(self) -> str: ...  # noqa: D102  told above
    def note(self, facts: Facts, /) -> None: ...  # noqa: D102  told above
    def end(self, failed: str = "", /) -> None: ...  # noqa: D102  told above
    def __enter__(self) -> Self: ...
    def __exit__(self, kind: object, failed: BaseException | None, at: object, /) -> None: ...


class Traces(Protocol):
    """Whoever keeps traces. `here` is the place of what is under way in this task.

    `span` opens something that follows from these causes; with none, from what is under way here; else it begins a trace, as
    it does when the first cause is "" (the others are linked all the same). `since`: when it began (microseconds), if not now.
    """

    def here(self) -> str: ...  # noqa: D102  told above
    def span(  # noqa: D102  told above
        self, name: str, causes: Sequence[str] = (), facts: Facts = NONE, /, *, since: int | None = None
    ) -> Span: ...


class NoSpan:
    """Nothing is followed."""

    trace = ""

    def note(self, *_: object) -> None:
        """Nobody listens."""

    def end(self, *_: object) -> None:
        """It never began."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Untraced:
    """Keeps no traces."""

    def here(self) -> str:
        """Nowhere."""
        return ""

    def span(self, *_: object, **__: object) -> Span:
        """Nothing."""
        return NOTHING


NOTHING: Span = NoSpan()
UNTRACED: Traces = Untraced()


def after(traces: Traces, causes: Sequence[str], name: str, facts: Facts, since: int | None = None) -> Span:
    """What follows from these causes, of which one that is sampled goes first; of what nobody follows, nothing does."""
    if not causes:
        return NOTHING
    return traces.span(name, sampled_first(causes), facts, since=since)


def sampled_first(causes: Sequence[str]) -> Sequence[str]:
    """The causes, first those whose traces are kept."""
    return sorted(causes, key=lambda cause: cause[-1:] not in SAMPLED)


def carried(headers: Mapping[str, str], trace: str) -> Mapping[str, str]:
    """The headers of a message, with the place that it follows from."""
    return {**headers, TRACEPARENT: trace} if trace else headers


def shared(trace: str, lines: Sequence[str]) -> Mapping[str, str]:
    """The headers of a message with facts that follow from these places, one a line, and which is itself at that one."""
    own = [trace if same(line, trace) else line for line in lines]
    return carried({} if {trace}.issuperset(own) else {TRACES: ",".join(own)}, trace)


def lines(headers: Mapping[str, str]) -> Sequence[str]:
    """The places that a message follows from: one, or one for each of its lines; none, if nobody follows it."""
    if TRACES in headers:
        return headers[TRACES].split(",")
    return (headers[TRACEPARENT],) if headers.get(TRACEPARENT) else ()


def same(one: str, other: str) -> bool:
    """Whether two places are in one trace: `00-<trace>-<span>-<flags>`."""
    return one[3:35] == other[3:35] != ""


def within(turn: str, causes: Iterable[str]) -> tuple[str, ...]:
    """The causes of what a turn at that place found: the turn stands for those of its own trace, and is linked to the others."""
    return tuple(dict.fromkeys([*(turn if same(cause, turn) else cause for cause in causes), turn]))
