"""`tutela register`: what the public register says, and the part of it that people write."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tutela.app import registering
from tutela.app.settings import settings

from .answers import Data, Json, run, shown, verbs_of

verbs = verbs_of()
register = verbs_of("The public register: what is noticed automatically, and what people say of it.")
verbs.add_typer(register, name="register")


@register.command("write")
def write(
    file: Annotated[
        Path, typer.Argument(help="A TOML file with a table [[words]] for each system.", exists=True, dir_okay=False)
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Keep what people say of systems: goal, impact, risks, who is asked, how to object. Each change is an event."""
    new = run(registering.write(settings(data), file))
    shown(new, as_json=as_json, words=f"new words for: {', '.join(new)}" if new else "Nothing differs.")


@register.command("show")
def show(data: Data = None, as_json: Json = False) -> None:
    """Show what is noticed automatically, and what nobody has written yet. Everybody sees it at /register."""
    found = run(registering.shown(settings(data)))
    lines = [f"{one.system:12} {one.name:16} {one.finds}" for one in found.capabilities]
    lines += [f"{system}: missing {', '.join(names)}" for system, names in found.missing.items() if names]
    shown(found, as_json=as_json, words="\n".join(lines))
