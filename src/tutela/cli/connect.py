"""`tutela connect`, a process of an instance."""

from __future__ import annotations

from tutela.app import connect
from tutela.app.settings import settings

from .answers import Data, run, verbs_of

verbs = verbs_of()


@verbs.command("connect", hidden=True)
def connect_(data: Data = None) -> None:
    """Run the sources that are fetched from or listened to (`tutela up` starts this)."""
    run(connect.run(settings(data)))
