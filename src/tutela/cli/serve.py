"""`tutela serve`, a process of an instance."""

from __future__ import annotations

from tutela.app import serve
from tutela.app.settings import settings

from .answers import Data, Port, run, verbs_of

verbs = verbs_of()


@verbs.command("serve", hidden=True)
def serve_(data: Data = None, port: Port = None) -> None:
    """Serve the API and the page (`tutela up` starts this)."""
    run(serve.run(settings(data, port)))
