"""When each capability is at work: worked out from the log, the same for every worker and every replay. Pure.

A capability is at work while it is armed and each paper that it needs stands. Both are known to every worker before they count: a paper
that lapses has said so in advance, and what people decide counts a few seconds later. So workers and replays come to the same spans of event
time, and nobody has to notice that something lapsed. One that nobody has decided about is at work if it needs no paper, and else never.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tutela.model.arming import Life, Standing, State, lives
from tutela.model.capability import Capability, Words
from tutela.model.event import Event
from tutela.model.paper import Dpia, Filed, ForecastCard, Fria
from tutela.model.when import EVER, SECOND

from .detector import Works
from .options import ALL, FOR_EVER
from .rules import SOON

HIGH = "high risk"
"""What a system's words say of it in the register; then it needs both assessments (governance, Annex III)."""

SOONER = "it begins in a few seconds"

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Now:
    """Where a capability is at a moment. `why`: why it is off; "" when it is at work."""

    name: str
    needs: tuple[str, ...]
    life: Life | None
    why: str

    @property
    def state(self) -> str:
        """In a word: its life's, or that it lapsed."""
        if self.life is None:
            return "drafted" if self.needs else "armed"
        return "lapsed" if self.why not in ("", SOONER) and self.life.state is State.ARMED else str(self.life.state)


def needed(of: Capability, words: Words) -> tuple[str, ...]:
    """Kinds of papers that have to stand while it runs: of data about people a DPIA, of a high risk a FRIA as well."""
    if words.risk_category == HIGH:
        return ("dpia", "fria")
    return ("dpia",) if of.personal_data else ()


def at_work(
    capabilities: Iterable[tuple[Capability, tuple[str, ...]]], told: Iterable[Event], papers: Sequence[Filed]
) -> Works:
    """The spans of event time in which each capability is at work, by its name; those not named always are."""
    found = lives(told)
    known = [(of, needs, found.get(of.name)) for of, needs in capabilities]
    return {of.name: spans(of.system, needs, life, papers) for of, needs, life in known if needs or life is not None}


def spans(system: str, needs: Sequence[str], life: Life | None, papers: Sequence[Filed]) -> tuple[Span, ...]:
    """The spans of event time in which it is at work, ascending."""
    if life is None:
        return () if needs else ALL
    found = [(_soon(since), FOR_EVER if until is None else _soon(until)) for since, until in life.armed]
    for kind in dict.fromkeys((*life.needs, *needs)):
        stand = [_span(one) for one in papers if _covers(one, kind, life.name, system)]
        found = _both(found, _joined(stand))
    return tuple(_joined(found))


def now_of(of: Capability, needs: Sequence[str], life: Life | None, papers: Sequence[Filed], now: int) -> Now:
    """Where it is at that moment."""
    wanted = tuple(dict.fromkeys((*(life.needs if life else ()), *needs)))
    why = ""
    if not any(since <= now < until for since, until in spans(of.system, needs, life, papers)):
        why = _why(of, wanted, life, papers, now)
    return Now(name=of.name, needs=wanted, life=life, why=why)


def lacking(of: Capability, needs: Iterable[str], papers: Sequence[Filed], now: int) -> list[str]:
    """Which of the papers that it needs do not stand, in words."""
    missing = []
    for kind in needs:
        about = [one for one in papers if _covers(one, kind, of.name, of.system)]
        if not any(one.stands(now) for one in about):
            missing.append(
                f"its {kind} {about[-1].paper.number} {about[-1].state(now)}" if about else f"it has no {kind}"
            )
    return missing


def standing(now: Now) -> Standing:
    """The same for everybody."""
    life = now.life or Life(name=now.name, system="", needs=now.needs, state=State.DRAFTED)
    said = life.published
    return Standing(
        name=now.name,
        state=now.state,
        off=now.why,
        needs=now.needs,
        text=said.text if said else "",
        extent=said.extent if said else None,
        open_until=said.until if said else None,
        comments=len(life.comments),
        answers=life.answers,
        simulated=said is not None and said.simulated,
    )


def _why(of: Capability, needs: Sequence[str], life: Life | None, papers: Sequence[Filed], now: int) -> str:
    if life is not None and life.state in ("published", "disarmed"):
        return f"it is {life.state}, and nobody has armed it" if life.state == "published" else "it was disarmed"
    missing = lacking(of, needs, papers, now)
    if life is None:
        missing.append("it was not published")
    return "; ".join(missing) or SOONER


def _covers(one: Filed, kind: str, name: str, system: str) -> bool:
    about = one.paper.about
    if one.paper.kind != kind or not isinstance(about, (Dpia, Fria, ForecastCard)):
        return False
    return name in about.covers or system in about.covers


def _span(one: Filed) -> Span:
    """When it stands, for workers: what was said too late for them to know counts a little later."""
    since = max(one.paper.since, _soon(one.paper.at))
    return since, one.paper.until if one.ended is None else min(one.paper.until, _soon(one.ended))


def _soon(at: int) -> int:
    """When what was decided at that moment counts: then every worker knows of it."""
    return at if at == EVER else (at + SOON) // SECOND * SECOND


def _joined(some: Iterable[Span]) -> list[Span]:
    """The same, ascending, with those that touch as one."""
    found: list[Span] = []
    for since, until in sorted(one for one in some if one[0] < one[1]):
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(until, found[-1][1]))
        else:
            found.append((since, until))
    return found


def _both(one: Iterable[Span], other: Sequence[Span]) -> list[Span]:
    """When both are."""
    return [(max(a, c), min(b, d)) for a, b in one for c, d in other if max(a, c) < min(b, d)]
