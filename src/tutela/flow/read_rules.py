"""Reads of rules: what is in force, and what one would have told. Each is decided, and leaves one event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tutela.errors import Refused
from tutela.model.access import Access
from tutela.model.rule import InForce, Rule
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask

from .ledger import Ledger
from .rules import Rules, Ticks, checked, standing
from .tried import Tried


@dataclass(frozen=True, slots=True, kw_only=True)
class On:
    """What to try a rule on: the newest so many days of a timeline; `each`: minutes an alert takes an operator."""

    timeline: str = LIVE
    days: float = 7.0
    each: float = 3.0


Try = Callable[[Rule, On], Awaitable[Tried]]
"""Runs a backtest, apart from whoever asks for it: it may take minutes of a processor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReads:
    """Rules; each method raises Refused."""

    ledger: Ledger
    rules: Rules
    ticks: Ticks
    try_: Try

    async def in_force(self, access: Access) -> Sequence[InForce]:
        """The rules that are armed, by name, and whether each has begun."""
        query = "rules in force"
        await self.ledger.must(ask(access, Action.READ, "register", self.ledger.now), LIVE, query)
        found = await standing(self.rules, self.ticks)
        await self.ledger.wrote(access, LIVE, query, [one.rule.name for one in found])
        return found

    async def tried(self, access: Access, rule: Rule, on: On) -> Tried:
        """What a rule would have told; raises BadInput for one that can't be armed.

        It tells of alerts and of what people told, so whoever asks must be allowed to read these for this purpose; and what it tells would be
        collected for the rule's own purpose, so that has to go with this one, too.
        """
        query, now = f"backtest of {rule.name} on {on.days:g} days of {on.timeline}", self.ledger.now
        try:
            checked(rule)
        except Refused as refused:
            await self.ledger.refuse(access, on.timeline, query, refused)
        for of in ("alerts", "calls", "reports", "posts"):
            await self.ledger.must(ask(access, Action.READ, of, now), on.timeline, query)
            own = ask(access, Action.READ, of, now, collected_for=(rule.purpose,))
            await self.ledger.must(own, on.timeline, query)
        tried = await self.try_(rule, on)
        await self.ledger.wrote(access, on.timeline, query, [alert.id for alert in tried.examples])
        return tried
