"""Verbs for whoever hands evidence out."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from tutela.app import evidence
from tutela.app.settings import settings
from tutela.model.evidence import Handover

from .answers import Data, err, run, verbs_of

verbs = verbs_of()


@verbs.command("evidence")
def evidence_(
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="The incident's id.")],
    purpose: Annotated[str, typer.Option("--purpose", help="Why: a purpose of the register, such as public-safety.")],
    to: Annotated[str, typer.Option("--to", help="Who gets it, such as a court.")],
    agreement: Annotated[str, typer.Option("--agreement", help="The agreement or order under which: its number.")],
    because: Annotated[str, typer.Option("--because", help="Why it is handed out.")],
    basis: Annotated[str, typer.Option("--basis", help="By which right: a DPV legal basis.")] = "LegalObligation",
    redact: Annotated[
        Path | None,
        typer.Option("--redact", metavar="BUNDLE", help="Derive from this bundle one without what is about people."),
    ] = None,
    data: Data = None,
) -> None:
    """Hand out the evidence of an incident, as one zip that anybody checks offline: `tutela evidence INCIDENT … > FILE`.

    Who hands it out is a person: the environment holds the token of their session, in TUTELA_SESSION. What you may not hand out is
    left out, and named in it. That it was handed out, and its hash, is an event. Where TUTELA_TSA names a time stamping authority
    (RFC 3161), its stamp is in it.
    """
    handed = Handover(recipient=to, agreement=agreement, reason=because)
    wanted = evidence.Wanted(incident=incident, purpose=purpose, basis=basis, handed=handed)
    made = run(evidence.run(settings(data), wanted, redact))
    sys.stdout.buffer.write(made)
    err.print(f"{len(made):,} bytes, SHA-256 {sha256(made).hexdigest()}", markup=False)
