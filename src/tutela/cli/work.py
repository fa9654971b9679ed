"""`tutela work`, a process of an instance."""

from __future__ import annotations

from tutela.app import work
from tutela.app.settings import settings

from .answers import Data, run, verbs_of

verbs = verbs_of()


@verbs.command("work")
def work_(data: Data = None) -> None:
    """Add a worker to a running instance.

    It takes its fair share of the partitions.
    """
    run(work.run(settings(data)))
