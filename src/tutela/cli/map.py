"""`tutela map`: the map that is drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from tutela.app.city_map import CREDIT, Built, own
from tutela.app.settings import settings
from tutela.errors import NotFound

from .answers import Data, Json, progress, shown, verbs_of

verbs = verbs_of()
map_ = verbs_of("The city's map, drawn from the platform's own files: no other host is asked.")
verbs.add_typer(map_, name="map")


@map_.command("build")
def build(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="An extract of OpenStreetMap: FILE.osm.pbf.", exists=True, dir_okay=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE.pmtiles", help="Where to put the map; default: where this instance shows it."
        ),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Build the city's map from an extract of OpenStreetMap: one PMTiles file in the Protomaps schema.

    The same extract gives the same file. A running instance shows its new map at the next request.
    """
    with progress(as_json=as_json) as bar:
        task = bar.add_task(f"reading {file.name}")
        done = _builds()(file, out or own(settings(data)), lambda says: bar.update(task, description=says))
    words = f"{done.file}: {done.bytes:,} bytes, {done.features:,} features in {done.tiles:,} tiles. {CREDIT}"
    shown(done, as_json=as_json, words=words)


def _builds() -> Callable[[Path, Path, Callable[[str], None]], Built]:
    """What builds; raises NotFound where what it needs is not installed."""
    try:
        from tutela.app import mapping  # noqa: PLC0415  what it cuts with is an extra (ADR 0040)
    except ModuleNotFoundError as absent:
        raise NotFound(
            f"building a map needs {absent.name}, which is not installed; run `pip install 'tutela[map]'`"
        ) from absent
    return mapping.build
