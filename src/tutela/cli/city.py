"""`tutela city`, a process of an instance."""

from __future__ import annotations

from tutela.app import city
from tutela.app.settings import settings

from .answers import Data, Port, run, verbs_of

verbs = verbs_of()


@verbs.command("city", hidden=True)
def city_(data: Data = None, port: Port = None) -> None:
    """Simulate the demonstration city (`tutela up` starts this)."""
    run(city.run(settings(data, port)))
