"""Sign-ins that failed: five from one address or for one person in a quarter of an hour, and nothing more is tried.

Counted in this process's memory. Codes that are given out have 80 random bits, so a restart gives nobody a chance; it is noise, and whoever
makes it, that this stops. The codes of an app have six digits: five tries in a quarter of an hour find one of the three that are good in
some two years, and whoever came in by one decides nothing. An answer while it lasts says until when, and nothing about what was sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tutela.errors import Conflict, LockedOut, NotFound, Refused
from tutela.model.noun import Noun
from tutela.model.when import MINUTE, SECOND, iso

FAILURES = 5
WITHIN = 15 * MINUTE
MOST = 10_000
"""Addresses and persons remembered; then the oldest are forgotten."""

WRONG = (NotFound, Conflict, Refused)
"""What says that a sign-in failed, and not that something of ours did."""


class Locked(Noun, frozen=True, kw_only=True):
    """Body of `locked-out@1`: sign-ins of this person (None: from one address) are not tried until then."""

    agent: str | None
    until: int


@dataclass(slots=True)
class Lockout:
    """Remembers when sign-ins failed, by whatever they have in common; times in microseconds."""

    _failed: dict[str, list[int]] = field(default_factory=dict)

    @contextmanager
    def attempt(self, now: int, *of: str) -> Iterator[None]:
        """One sign-in; `of`: its address and its person, as far as they are known. Raises LockedOut.

        It counts from its beginning, so that many at once are no way around, and no longer when it did not fail.
        """
        until = max((self.until(one, now) for one in of), default=0)
        if until:
            raise LockedOut(
                f"too many sign-ins failed; nothing is tried from here until {iso(until)}, right or wrong",
                retry_after=(until - now) / SECOND,
            )
        for one in of:
            self._add(one, now)
        try:
            yield
        except WRONG:
            raise
        except BaseException:
            self._forget(now, of)
            raise
        else:
            self._forget(now, of)

    def until(self, one: str, now: int) -> int:
        """Until when nothing more is tried; 0 when something is."""
        recent = [at for at in self._failed.get(one, ()) if at > now - WITHIN]
        return recent[-FAILURES] + WITHIN if len(recent) >= FAILURES else 0

    def _add(self, one: str, now: int) -> None:
        if len(self._failed) >= MOST:
            self._failed = {each: ats for each, ats in self._failed.items() if ats[-1] > now - WITHIN}
        while len(self._failed) >= MOST:
            del self._failed[next(iter(self._failed))]
        before = [at for at in self._failed.pop(one, ()) if at > now - WITHIN]
        self._failed[one] = [*before, now]

    def _forget(self, at: int, of: tuple[str, ...]) -> None:
        for one in of:
            left = self._failed.get(one, [])
            if at in left:
                left.remove(at)
            if not left:
                self._failed.pop(one, None)
