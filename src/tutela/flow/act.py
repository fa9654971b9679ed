"""What people do about an alert: acknowledge it, let it rest for a while, dismiss it. Each with who, when and why.

The decisions are pure: an alert as it stands, and what somebody wants, give the alert as it will stand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tutela.errors import BadInput, WrongStep
from tutela.model.access import Access
from tutela.model.alert import Alert, AlertStatus
from tutela.model.when import HOUR, iso

from .deed import Deed, Deeds, Step

LONGEST = 8 * HOUR
REASON = 2000
"""Characters of a reason."""


def said(reason: str) -> str:
    """A reason that says something; raises BadInput."""
    plain = reason.strip()
    if not plain:
        raise BadInput("say why, in a few words: whoever looks at this later will want to know")
    if len(plain) > REASON:
        raise BadInput(f"this reason has {len(plain)} characters; use at most {REASON}")
    return plain


def acknowledge(alert: Alert, by: str) -> Alert:
    """Somebody sees to it."""
    return alert.to(AlertStatus.ACKNOWLEDGED, by=by, reason=None)


def shelve(alert: Alert, by: str, reason: str, until: int, now: int) -> Alert:
    """Let it rest, for eight hours at most; never a grave one. Times in microseconds."""
    if alert.scale.grave:
        raise WrongStep(
            f"this alert is {alert.scale.urgency} and {alert.scale.severity}, so it can't be shelved; "
            "dismiss it if it is false, or open an incident",
            alert=alert.id,
        )
    if not now < until <= now + LONGEST:
        raise BadInput(f"an alert can rest until {iso(now + LONGEST)} at the latest, and not into the past")
    return alert.to(AlertStatus.SHELVED, by=by, reason=said(reason), shelved_until=until)


def unshelve(alert: Alert, by: str, now: int) -> Alert:
    """Take it back before its time."""
    if alert.status is not AlertStatus.SHELVED:
        raise WrongStep(f"an alert that is {alert.status} does not rest, so it can't be taken back", alert=alert.id)
    return alert.to(AlertStatus.NEW, by=by, reason=None, shelved_until=now)


def dismiss(alert: Alert, by: str, reason: str) -> Alert:
    """It is false, and why."""
    return alert.to(AlertStatus.DISMISSED, by=by, reason=said(reason))


@dataclass(frozen=True, slots=True)
class Acts:
    """What people do about alerts. Each is done once under its `key`; see `deed` for what it raises."""

    deeds: Deeds

    async def acknowledge(self, access: Access, id_: str, key: str) -> Alert:
        """See to it."""
        return await self._do(Deed(access, "acknowledge", id_, key), lambda alert: acknowledge(alert, access.agent.id))

    async def shelve(self, access: Access, id_: str, key: str, reason: str, until: int) -> Alert:
        """Let it rest until then (microseconds)."""
        deed, now = Deed(access, "shelve", id_, key), self.deeds.ledger.now
        return await self._do(deed, lambda alert: shelve(alert, deed.by, reason, until, now))

    async def unshelve(self, access: Access, id_: str, key: str) -> Alert:
        """Take it back before its time."""
        deed, now = Deed(access, "unshelve", id_, key), self.deeds.ledger.now
        return await self._do(deed, lambda alert: unshelve(alert, deed.by, now))

    async def dismiss(self, access: Access, id_: str, key: str, reason: str) -> Alert:
        """It is false."""
        return await self._do(Deed(access, "dismiss", id_, key), lambda alert: dismiss(alert, access.agent.id, reason))

    async def _do(self, deed: Deed, decide: Callable[[Alert], Alert]) -> Alert:
        async def steps() -> Sequence[Step]:
            alert = await self.deeds.desk.alert(deed.subject)
            await self.deeds.must(deed.access, alert, deed)
            return ((alert, decide(alert)),)

        return await self.deeds.do(deed, Alert, steps)
