"""`tutela doctor`: what is wrong, where, and what to do. Works with everything down."""

from __future__ import annotations

from collections.abc import Sequence

from tutela.app.core import clock
from tutela.app.provider import HttpProvider
from tutela.app.settings import OIDC_ISSUER, Settings
from tutela.backends.doctor import examine
from tutela.backends.finding import Finding, Health, bad, good
from tutela.errors import TutelaError

SIGNS = {Health.GOOD: "ok     ", Health.WARNING: "warning", Health.BAD: "BAD    "}


async def run(settings: Settings) -> Sequence[Finding]:
    """All findings."""
    return [*await examine(settings.data, settings.env), *await _provider(settings)]


async def _provider(settings: Settings) -> Sequence[Finding]:
    """Whether the city's own identity provider answers, and is who it is set to be; nothing when none is set."""
    try:
        set_ = settings.oidc
        if set_ is None:
            return ()
        found = await HttpProvider(set_, clock).well()
    except TutelaError as wrong:
        do = "until then nobody comes in by it; passkeys and codes work. Look at docs/how-to/oidc.md"
        return (bad(f"the identity provider can't be used: {wrong.message}", settings.env.get(OIDC_ISSUER, ""), do),)
    return (good(f"{set_.name} answers, with {found} keys that sign", set_.issuer),)


def words(finding: Finding) -> str:
    """One finding as a person reads it."""
    do = f"\n           → {finding.do}" if finding.do else ""
    return f"{SIGNS[finding.health]}  {finding.what}  ({finding.where}){do}"
