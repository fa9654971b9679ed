"""`tutela up`: everything, and a city to look at."""

from __future__ import annotations

from typing import Annotated

import typer

from tutela.app import up
from tutela.app.install import Place
from tutela.app.settings import settings

from .answers import Data, Json, Port, err, run, shown, verbs_of

verbs = verbs_of()


@verbs.command("up")
def up_(
    data: Data = None,
    port: Port = None,
    empty: Annotated[bool, typer.Option("--empty", help="Start without the demonstration city.")] = False,
    name: Annotated[str, typer.Option("--city", help="The city's name, settled at the first start.")] = "Helsinki",
    zone: Annotated[str, typer.Option("--zone", help="Its time zone, settled at the first start.")] = "Europe/Helsinki",
    workers: Annotated[int, typer.Option("--workers", help="Worker processes.", min=1, max=64)] = 1,
    as_json: Json = False,
) -> None:
    """Start everything, and a demonstration city.

    Engines, workers, the page; and, unless --empty, a living city simulated on a real map.
    """

    def told(here: up.Up) -> None:
        shown(here, as_json=as_json, words=_welcome(here, demo=not empty))

    say = (lambda _: None) if as_json else (lambda text: err.print(text, markup=False))
    run(up.up(settings(data, port), Place(name, zone), demo=not empty, workers=workers, say=say, told=told))


def _welcome(here: up.Up, *, demo: bool) -> str:
    lines = ["", f"  tutela is up: {here.address}", f"  devices publish to {here.mqtt}", ""]
    for role, code in here.codes:
        lines += [f"  come in as {role}:  {here.address}/enrol?code={code}"]
    if here.codes:
        lines += ["", "  Each link works once, for an hour. `tutela invite` makes another."]
    if demo:
        lines += ["  The city is a simulation on a real map (© OpenStreetMap contributors), and says so."]
        lines += ["  The witness that cosigns its log is the demonstration's own; a real one belongs to somebody else."]
    return "\n".join([*lines, f"  Metrics for Prometheus: {here.metrics}", "  Ctrl-C stops everything.", ""])
