"""Timeline: whose clock and state a fact belongs to: `live`, `import/x`, `replay/x`, `backtest/x`, `exercise/x`."""

from __future__ import annotations

import re

from tutela.errors import BadInput

LIVE = "live"
"""The city as it is now: the only timeline that operators are shown."""

_NAME = re.compile(r"[a-z][a-z0-9]*(/[A-Za-z0-9_-]+)?")


def token(timeline: str) -> str:
    """The timeline's name in streams and subjects: `import/x` is `import-x`. No two names share one."""
    if not _NAME.fullmatch(timeline):
        raise BadInput(f"{timeline!r} is no name for a timeline; write it like 'live' or 'import/beijing-air'")
    return timeline.replace("/", "-", 1)


def timeline_of(token: str) -> str:
    """The timeline that has that token."""
    return token.replace("-", "/", 1)
