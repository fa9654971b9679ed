"""Everything raised on purpose.

Each message says what, where and what to do, in words that a resident could read.

    TutelaError
    ├── BadInput            a row, file or request that can't be understood; names the field and the fix
    │   └── Malformed       bytes that a protocol does not allow; carries the protocol's own code for it
    ├── Refused             the policy says no; carries the id of the policy and its sentence
    ├── Quarantined         a source without a register entry; nothing of it is kept
    ├── PartMissing         no part of that name; lists what there is
    ├── WrongStep           a lifecycle that has no such step
    ├── Conflict            somebody else changed it first; says who and when
    ├── NotFound            no such thing; says how to find what there is
    ├── TooOften            one person asks more often than anybody needs to; says when to try again
    ├── Overloaded          a queue is full; says when to try again
    ├── LockedOut           too many sign-ins that failed; says until when nothing more is tried
    ├── EngineDown          an engine does not answer; says which, and what `tutela doctor` would do
    │   └── StorageFull     the disk is full; accepted data is safe, new data waits
    ├── Fenced              this worker lost its lease; another one goes on
    └── Broken              an invariant does not hold: it is better to stop than to go on
"""

from __future__ import annotations


class TutelaError(Exception):
    """The root: catch this to catch all that is raised on purpose."""

    status = 500

    def __init__(self, message: str, /, **where: object) -> None:
        super().__init__(message)
        self.message = message
        self.where = where


class BadInput(TutelaError):
    """A row, file or request that can't be understood."""

    status = 400


class Malformed(BadInput):
    """Bytes that a protocol does not allow; `reason` is the protocol's own code."""

    def __init__(self, message: str, /, *, reason: int, **where: object) -> None:
        super().__init__(message, reason=reason, **where)
        self.reason = reason


class Refused(TutelaError):
    """The policy says no."""

    status = 403

    def __init__(self, message: str, /, *, policy: str, **where: object) -> None:
        super().__init__(message, policy=policy, **where)
        self.policy = policy


class Quarantined(TutelaError):
    """A source without a register entry."""

    status = 403


class PartMissing(TutelaError):
    """No part of that name."""


class WrongStep(TutelaError):
    """A lifecycle that has no such step."""

    status = 409


class Conflict(TutelaError):
    """Somebody else changed it first."""

    status = 409


class NotFound(TutelaError):
    """No such thing."""

    status = 404


class TooOften(TutelaError):
    """One person asks more often than anybody needs to."""

    status = 429

    def __init__(self, message: str, /, *, retry_after: float = 1.0, **where: object) -> None:
        super().__init__(message, **where)
        self.retry_after = retry_after


class Overloaded(TutelaError):
    """A queue is full."""

    status = 503

    def __init__(self, message: str, /, *, retry_after: float = 1.0, **where: object) -> None:
        super().__init__(message, **where)
        self.retry_after = retry_after


class LockedOut(TutelaError):
    """Too many sign-ins that failed."""

    status = 429

    def __init__(self, message: str, /, *, retry_after: float, **where: object) -> None:
        super().__init__(message, **where)
        self.retry_after = retry_after


class EngineDown(TutelaError):
    """An engine does not answer."""

    status = 503

    def __init__(self, message: str, /, *, retry_after: float = 2.0, **where: object) -> None:
        super().__init__(message, **where)
        self.retry_after = retry_after


class StorageFull(EngineDown):
    """The disk is full."""

    status = 507


class Fenced(TutelaError):
    """This worker lost its lease."""


class Broken(TutelaError):
    """An invariant does not hold."""
