"""`tutela invite`: how people come in."""

from __future__ import annotations

from typing import Annotated

import typer

from tutela.app import inviting
from tutela.app.settings import settings
from tutela.model.people import Role

from .answers import Data, Json, run, shown, verbs_of

verbs = verbs_of()


@verbs.command("invite")
def invite(
    role: Annotated[
        Role | None, typer.Argument(help="What they are here for; operator when left out.", show_default=False)
    ] = None,
    agency: Annotated[
        str | None, typer.Option("--agency", help="Their agency, such as police; default: the city.")
    ] = None,
    again: Annotated[
        str | None, typer.Option("--again", help="The id of somebody who was here before, and comes in as the same.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", help="When their role ends, such as 2027-01-01T00:00:00+02:00; default: never, or as before."
        ),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a code with which one more person comes in, or somebody known comes again.

    It is shown once and works once, for an hour. After the end of their role they can do nothing here.
    """
    for_, code = run(inviting.run(settings(data), role, agency, again, until))
    shown({"role": for_, "code": code}, as_json=as_json, words=f"{for_}: {code}  (enter it at /enrol)")
