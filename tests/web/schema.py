"""What the console knows of the API, written by the API itself: `python -m tests.web.schema` writes web/core/schema.ts.

Of the description only what the console asks for, so that a change elsewhere changes nothing here; and what goes wrong is one
shape everywhere, so it is described once. The first line names what it was made of, which is how a test knows that it is current.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from litestar.testing import AsyncTestClient
from tests.screens.town import NOW, application, town

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
WRITTEN = WEB / "core" / "schema.ts"
HEAD = "// Written by `python -m tests.web.schema` from the app's own description: change it there. It was made of "
COMMAND = WEB / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
USED = frozenset(
    {
        "acknowledge",
        "addAlert",
        "addCall",
        "backtestRule",
        "close",
        "dismiss",
        "endBreakGlass",
        "findPlaces",
        "involve",
        "note",
        "noticeBreakGlass",
        "openIncident",
        "readAlert",
        "readAlerts",
        "readBars",
        "readCall",
        "readCalls",
        "readCity",
        "readEvents",
        "readEventsAbout",
        "readIncident",
        "readIncidents",
        "readMe",
        "readPast",
        "readPosts",
        "readReports",
        "readRules",
        "readShift",
        "readSources",
        "readUnits",
        "setUnitStatus",
        "shelve",
        "signOff",
        "signOn",
        "step",
        "takeOutAlert",
        "takeOutCall",
        "unshelve",
    }
)
"""Operations that the console asks for."""

Json = dict[str, Any]


async def described() -> Json:
    """The description of the API, as the app gives it."""
    async with AsyncTestClient(application(await town(lambda: NOW))) as client:
        found: Json = (await client.get("/schema/openapi.json")).json()
    return found


def used(whole: Json) -> Json:
    """The part of it that the console uses."""
    paths: Json = {}
    for path, operations in whole["paths"].items():
        for method, operation in operations.items():
            if operation["operationId"] in USED:
                kept = {name: one for name, one in operation["responses"].items() if not name.startswith(("4", "5"))}
                paths.setdefault(path, {})[method] = {**operation, "responses": kept}
    nouns: Json = whole["components"]["schemas"]
    needed, due = set[str](), set(_named(paths))
    while due:
        needed |= due
        due = {name for noun in due for name in _named(nouns[noun])} - needed
    return {
        "openapi": whole["openapi"],
        "info": {"title": "tutela", "version": "0"},
        "paths": paths,
        "components": {"schemas": {name: nouns[name] for name in sorted(needed)}},
    }


def _named(inside: object) -> Iterator[str]:
    """The names of the nouns that something refers to."""
    if isinstance(inside, dict):
        if isinstance(reference := inside.get("$ref"), str):
            yield reference.rpartition("/")[2]
        for one in inside.values():
            yield from _named(one)
    elif isinstance(inside, list):
        for one in inside:
            yield from _named(one)


def first_line(part: Json) -> str:
    """Names what it was made of."""
    return f"{HEAD}{sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()[:16]}\n"


def main(node: str = "node") -> None:
    """Write the file."""
    part = used(asyncio.run(described()))
    with TemporaryDirectory() as folder:
        description, written = Path(folder) / "description.json", Path(folder) / "schema.ts"
        description.write_text(json.dumps(part))
        command = [node, str(COMMAND), str(description), "--output", str(written)]
        subprocess.run(command, check=True, capture_output=True)
        WRITTEN.write_text(first_line(part) + written.read_text())


if __name__ == "__main__":
    main(*sys.argv[1:])
