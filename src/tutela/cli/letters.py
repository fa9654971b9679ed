"""`tutela letters`: what could not be worked off."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from tutela.app import letters
from tutela.app.settings import settings

from .answers import Data, Json, run, shown, verbs_of

verbs = verbs_of()
aside = verbs_of("Dead letters: what could not be worked off, and why.")
verbs.add_typer(aside, name="letters")


@aside.command("list")
def letters_list(
    most: Annotated[int, typer.Option("--most", help="How many at most.", min=1)] = 50,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List the dead letters that wait, newest first, each with its reason."""
    found = run(letters.listed(settings(data), most))
    # What a letter holds may be anything, also personal: only its size is shown.
    told = [{**msgspec.to_builtins(letter), "body": len(letter.body)} for letter in found]
    shown(told, as_json=as_json, words=letters.words(found))


@aside.command("revive")
def letters_revive(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The letter's id, as `tutela letters list` shows it.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Send a dead letter once more, after what was wrong is put right."""
    letter = run(letters.revive(settings(data), id_))
    shown(
        {"letter": letter.id, "subject": letter.subject, "tries": letter.tries},
        as_json=as_json,
        words=f"{letter.id} was sent to {letter.subject} again. If it still can't be worked off, it is listed anew.",
    )
