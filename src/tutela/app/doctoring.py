"""`tutela doctor`: what is wrong, where, and what to do. Works with everything down."""

from __future__ import annotations

from collections.abc import Sequence

from tutela.app.settings import Settings
from tutela.backends.doctor import examine
from tutela.backends.finding import Finding, Health

SIGNS = {Health.GOOD: "ok     ", Health.WARNING: "warning", Health.BAD: "BAD    "}


async def run(settings: Settings) -> Sequence[Finding]:
    """All findings."""
    return await examine(settings.data, settings.env)


def words(finding: Finding) -> str:
    """One finding as a person reads it."""
    do = f"\n           → {finding.do}" if finding.do else ""
    return f"{SIGNS[finding.health]}  {finding.what}  ({finding.where}){do}"
