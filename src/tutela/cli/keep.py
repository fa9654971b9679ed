"""`tutela keep`, a process of an instance."""

from __future__ import annotations

from tutela.app import keep
from tutela.app.settings import settings

from .answers import Data, run, verbs_of

verbs = verbs_of()


@verbs.command("keep", hidden=True)
def keep_(data: Data = None) -> None:
    """Seal, relay, archive and tick (`tutela up` starts this)."""
    run(keep.run(settings(data)))
