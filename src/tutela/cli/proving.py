"""Verbs for whoever verifies: the log of an instance, a proof in a file, and the witnesses that cosign."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from tutela.app import proving, verifying, witnessing
from tutela.app.settings import settings
from tutela.flow.verify import Report
from tutela.model.when import iso

from .answers import Data, Json, err, out, progress, run, shown, verbs_of

ALARM = 3
"""The exit status of a witness that has seen what no log that is well does."""

verbs = verbs_of()
witnesses = verbs_of("The witnesses that cosign this log: somebody else's programs.")
verbs.add_typer(witnesses, name="witnesses")

Keys = Annotated[
    list[str] | None,
    typer.Option("--witness", help="For FILE: a witness's public key, or a file with it. Again for more."),
]


@verbs.command("verify")
def verify(
    file: Annotated[
        Path | None,
        typer.Argument(help="What `tutela proof` or `tutela evidence` wrote; needs no instance.", show_default=False),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", help="Your own copy of log.pub, the log's public key; for FILE, or the key itself."),
    ] = None,
    witness_: Keys = None,
    parent: Annotated[
        Path | None, typer.Option("--parent", help="For FILE: the bundle that a redacted one was derived from.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Find what was changed in the log, or in a FILE: the proof of one event, or a bundle of evidence.

    It names any event that was edited, dropped, added, reordered or cut off; of a file, the part that does not hold.
    """
    if file is not None:
        status, lines = verifying.of_file(file, key, witness_ or (), parent)
        shown({"status": status, "says": lines}, as_json=as_json, words="\n".join(lines))
        raise typer.Exit(status)
    with progress(as_json=as_json) as bar:
        task = bar.add_task("reading the log")

        def said(count: int, total: int) -> None:
            bar.update(task, description=f"{count:,} of {total:,} events read")

        report = run(verifying.run(settings(data), Path(key) if key else None, said))
    shown(report, as_json=as_json, words=_words(report))
    if not report.sound:
        raise typer.Exit(1)


def _words(report: Report) -> str:
    words = [
        f"{report.witnessed + report.unwitnessed:,} events, {report.checkpoints:,} signed checkpoints, root {report.root.hex()}"
    ]
    words += [f"  {report.unwitnessed:,} since the last checkpoint, {report.erased:,} erased with their keys"]
    words += [f"  {finding.what} at {finding.position}: {finding.says}" for finding in report.findings]
    words += [f"  and {report.more:,} more"] if report.more else []
    return "\n".join([*words, "The log is sound." if report.sound else "THE LOG WAS CHANGED."])


@verbs.command("proof")
def proof(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The event's id, or its position in the log.")],
    data: Data = None,
) -> None:
    """Write the proof that an event is in the log, as one file that anybody checks offline: `tutela proof EVENT > FILE`.

    What is stored of the event is in it, sealed if it is sealed. That it was written is an event.
    """
    sys.stdout.write(run(proving.proof(settings(data), event)))


@verbs.command("witness")
def witness(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Where the city's page is, such as https://…")],
    folder: Annotated[Path, typer.Option("--data", help="The witness's own directory.", file_okay=False)],
    name: Annotated[
        str | None,
        typer.Option("--name", help="What it is called, like ombudsman.example/witness; at the first start."),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--log", help="The log's public key, or log.pub, from the city; at the first start.")
    ] = None,
    every: Annotated[float, typer.Option("--every", help="Seconds between two looks.", min=1)] = 60,
    once: Annotated[bool, typer.Option("--once", help="Look once, for a timer of yours.")] = False,
    stay: Annotated[bool, typer.Option("--stay", hidden=True)] = False,
) -> None:
    """Watch a city's log for its people: cosign what goes on from all that was seen before, and refuse anything else.

    Run it where nobody who keeps the city's platform can write. It needs no part of the city. When the log was rolled back, forked
    or signed by another key, it ends with exit status 3 and cosigns nothing more before a person has looked.
    """
    wanted = witnessing.Wanted(folder, address, name, verifying.key_text(key) if key else None)
    work = witnessing.once(wanted, _say) if once else witnessing.run(wanted, every, _say, stay=stay)
    if (doubt := run(work)) is not None:
        err.print(f"ALARM, {doubt.why}: {doubt.says}\nThe evidence is in {folder / 'events.jsonl'}.", markup=False)
        raise typer.Exit(ALARM)


@verbs.command("witness-settled")
def settled(
    because: Annotated[str, typer.Argument(metavar="TEXT", help="What you found, and from whom you know it.")],
    folder: Annotated[Path, typer.Option("--data", help="The witness's own directory.", file_okay=False)],
    epoch: Annotated[
        int | None, typer.Option("--epoch", help="The log was restored, and begins anew with this seal epoch.")
    ] = None,
) -> None:
    """Say that you have looked at a witness's alarm; only then it cosigns again. It stays in the witness's own log."""
    witnessing.decided(folder, _say, because, epoch)


def _say(words: str) -> None:
    err.print(words, markup=False)


@witnesses.command("enter")
def witnesses_enter(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its public key, or a file with it (witness.pub).")],
    owner: Annotated[str, typer.Option("--owner", help="Who runs it: somebody other than you.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Wait for a witness's cosignatures from now on, and publish them."""
    made = run(proving.entered(settings(data), verifying.key_text(key), owner))
    shown(made, as_json=as_json, words=f"{made.name} of {made.owner} is entered; it is waited for from now on")


@witnesses.command("end")
def witnesses_end(
    name: Annotated[str, typer.Argument(help="The witness, as it is listed.")],
    because: Annotated[str, typer.Option("--because", help="Why; it becomes an event.")],
    data: Data = None,
) -> None:
    """Wait for a witness no more. What it cosigned stays."""
    run(proving.ended(settings(data), name, because))


@witnesses.command("list")
def witnesses_list(data: Data = None, as_json: Json = False) -> None:
    """List the witnesses, and how far each one is."""
    now, found = run(proving.listed(settings(data)))
    if as_json:
        shown([msgspec.to_builtins(one) for one in found], as_json=True, words="")
        return
    table = Table("witness", "whose", "cosigned", "when", "", box=None)
    for one in found:
        whose = "the demonstration's own" if one.cosigner.simulated else one.cosigner.owner
        size, at = ("nothing yet", "") if one.at is None else (f"size {one.size:,}", iso(one.at))
        late = f"LATE: waited for since {iso(one.waits)}" if one.waits is not None and one.late(now) else ""
        table.add_row(one.cosigner.name, whose, size, at, late)
    out.print(table)
    if not found:
        out.print("No witness cosigns this log: nobody outside would notice that it was rolled back.", markup=False)
