"""An entry with a connection: what could never run is told at once, what is secret is sealed, standards get their options."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.docs_support.pages import DOCS, files

from tutela import standards
from tutela.app.config_connections import planned
from tutela.app.connections import completed, made, opened
from tutela.app.sources import Entry, Listed, Reached, doing, entered, read, row, told
from tutela.backends.memory_facts import MemoryFacts
from tutela.backends.memory_keys import MemoryKeys
from tutela.errors import BadInput, PartMissing, Refused
from tutela.flow.entering import connect, enter
from tutela.model.register import Connection, Kept, Reach, Source
from tutela.model.when import SECOND
from tutela.sources.poll import Poll

STANDARD = '''
"""A tiny standard."""
from typing import Literal
from tutela.errors import BadInput
from tutela.model.heard import Heard
from tutela.model.flow import Refusal

def read(
    body: bytes, source: str, *, by: Literal["route", "trip"] = "route", most: int = 5, received: int | None = None
) -> Heard:
    if body == b"garbage":
        raise BadInput("garbage")
    return Heard(refused=(Refusal("told", f"{source} {by} {most} {received}", 1),))

part = read
'''
ENTRY = """
[source]
name = "feed"
owner = "City"
kind = "feed"
purposes = ["traffic"]
legal_basis = "PublicInterest"
personal_data = false
place = "everywhere"

[connection]
part = "poll"
standard = "tiny"
options = { url = "https://example.org/feed", every = 30 }
reading = { by = "trip" }
secret = { headers = { X-Key = "sesame" } }
"""


@pytest.fixture(autouse=True)
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A standard of the shape that connections read with."""
    (tmp_path / "tiny.py").write_text(STANDARD)
    monkeypatch.setattr(standards, "__path__", [*standards.__path__, str(tmp_path)])
    yield
    sys.modules.pop("tutela.standards.tiny", None)
    if isinstance(getattr(standards, "tiny", None), ModuleType):
        delattr(standards, "tiny")


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    path = tmp_path / "feed.toml"
    path.write_text(ENTRY)
    return path


def connection(**more: Any) -> Connection:  # noqa: ANN401  any field, as wrong as can be
    return Connection(**({"source": "feed", "part": "poll", "options": {"url": "https://example.org/"}} | more))


async def test_an_entry_is_read_made_kept_and_opened_again(entry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutela.app.connections.clock", lambda: 7)
    found = read(entry)
    assert found.connection
    assert found.connected
    assert isinstance(made(found.connected, found.connection.secret).part, Poll)
    facts, keys = MemoryFacts(), MemoryKeys()
    await enter(facts, found.source, "install", 1)
    await connect(facts, keys, found.connected, found.connection.secret, "install", 1)
    (kept,) = await facts.connections()
    ready = await opened(kept, keys)

    assert ready.part == Poll(url="https://example.org/feed", every=30, headers={"X-Key": "sesame"})
    assert ready.secrets == ("sesame",)
    assert (await ready.read(b"x", "")).refused[0].says == "feed trip 5 7"  # the last is the time when it came
    with pytest.raises(BadInput):
        await ready.read(b"garbage", "")


async def test_a_connection_whose_key_was_destroyed_cannot_be_opened(entry: Path) -> None:
    found = read(entry)
    assert found.connection
    assert found.connected
    facts, keys = MemoryFacts(), MemoryKeys()
    await enter(facts, found.source, "install", 1)
    await connect(facts, keys, found.connected, found.connection.secret, "install", 1)
    (kept,) = await facts.connections()
    await keys.destroy(kept.key)

    with pytest.raises(Refused, match="erased"):
        await opened(kept, keys)


def test_an_entry_without_a_connection_is_as_before(entry: Path) -> None:
    entry.write_text(ENTRY.partition("[connection]")[0])

    assert read(entry).connected is None


@pytest.mark.parametrize(
    ("wrong", "secret", "says"),
    [
        ({"part": "carrier-pigeon"}, {}, "no part called 'carrier-pigeon'"),
        ({"part": "http"}, {}, "does not connect to anything; those that do: .*poll"),
        ({"options": {"url": "https://x", "evry": 5}}, {}, "evry.*its options are.*every"),
        (
            {"options": {"url": "https://x", "headers": {"X-Key": "sesame"}}},
            {},
            r"headers would be kept in clear.*secret",
        ),
        ({}, {"every": 5}, r"every of poll is no secret; put it into \[connection.options\]"),
        ({"standard": "no-such"}, {}, "no part called 'no-such' in standards"),
        ({"standard": "arrow"}, {}, "does not say what its messages define"),
        ({"standard": "calls"}, {}, "does not say what its messages define"),
        ({"standard": "tiny", "reading": {"received": 5}}, {}, "its options are by, most"),
        ({"standard": "tiny", "reading": {"by": "colour"}}, {}, "tiny in standards: .*its options are by, most"),
        ({"standard": "tiny", "reading": {"colour": 1}}, {}, "its options are by, most"),
    ],
)
def test_what_could_never_run_is_told_with_what_to_do(
    wrong: dict[str, object], secret: Mapping[str, object], says: str
) -> None:
    with pytest.raises((BadInput, PartMissing), match=says):
        made(connection(**wrong), secret)


@pytest.mark.parametrize(
    ("page", "name"),
    [("connect-a-feed", "feed.toml"), ("connect-a-feed", "pump.toml"), ("new-mqtt-source", "flat.toml")],
)
def test_what_the_how_to_enters_can_run(page: str, name: str, tmp_path: Path) -> None:
    text = files(DOCS / "how-to" / f"{page}.md")[name]
    (tmp_path / name).write_text(text.replace("PORT", "8080"), encoding="utf-8")
    found = read(tmp_path / name)
    assert found.connection
    assert found.connected

    assert made(found.connected, found.connection.secret).part


async def test_a_connection_without_a_standard_says_so_when_something_comes() -> None:
    ready = made(connection(), {})

    with pytest.raises(BadInput, match="names no standard"):
        await ready.read(b"x", "")


def test_a_webhook_is_carried_by_the_http_door() -> None:
    assert made(connection(part="webhook", options={}), {}).part is None


# ── secrets that are kept ───────────────────────────────────────────────────────────────────────
SECRET = {"user": "aino", "password": "sesame"}
BROKER: dict[str, Any] = {
    "host": "broker.example.org",
    "topics": ["city/#"],
    "port": 8883,
    "tls": True,
    "ca": "/etc/city.pem",
    "version": "5",
}


async def broker(keys: MemoryKeys) -> Kept:
    """A broker as the register keeps it, with its secrets."""
    facts = MemoryFacts()
    await enter(facts, SOURCE, "install", 1)
    await connect(facts, keys, Connection(source="feed", part="broker", options=BROKER), SECRET, "install", 1)
    (kept,) = await facts.connections()
    return kept


SOURCE = Source(
    name="feed",
    owner="City",
    kind="feed",
    purposes=("traffic",),
    legal_basis="PublicInterest",
    personal_data=False,
    place="",
)
ELSEWHERE: list[dict[str, Any]] = [
    {"host": "thief.example.org"},
    {"port": 1883},
    {"tls": False, "ca": ""},
    {"ca": ""},
    {"topics": ["other/#"]},
    {"version": "3.1.1"},
]


@pytest.mark.parametrize("other", ELSEWHERE, ids=[str(other) for other in ELSEWHERE])
async def test_a_kept_secret_follows_nobody_elsewhere(other: dict[str, object]) -> None:
    keys = MemoryKeys()
    kept = await broker(keys)
    reached = Reached(part="broker", sealed=("user", "password"), options=BROKER | other)
    wanted, change = await planned(Entry(source=SOURCE, connection=reached), kept, keys, {"user": "aino"})

    assert wanted is None
    assert change
    assert (change.how, "password was for the old options; give it again with --secrets FILE" in change.says) == (
        "stays",
        True,
    )
    assert "sesame" not in change.says

    wanted, change = await planned(Entry(source=SOURCE, connection=reached), kept, keys, SECRET)
    assert wanted
    assert wanted.secret == SECRET
    assert change
    assert change.how == "changed"


async def test_an_option_that_is_left_out_or_a_new_part_takes_no_kept_secret_along() -> None:
    keys = MemoryKeys()
    kept = await broker(keys)
    bare = {name: value for name, value in BROKER.items() if name != "tls"}
    for other in (Connection(source="feed", part="broker", options=bare), connection(part="poll", options=BROKER)):
        assert await completed(other, {}, ("user", "password"), kept, keys) == ({}, ["password", "user"])


async def test_a_kept_secret_stays_where_only_the_reading_of_what_comes_is_another() -> None:
    keys = MemoryKeys()
    other = Connection(source="feed", part="broker", standard="tiny", reading={"by": "trip"}, options=dict(BROKER))

    assert await completed(other, {}, ("user", "password"), await broker(keys), keys) == (SECRET, [])


# ── what people are told ────────────────────────────────────────────────────────────────────────
@pytest.fixture
def listed(entry: Path) -> Listed:
    found = read(entry)
    return Listed(found.source, 3, found.connected, None)


def test_a_list_tells_how_a_connection_is_doing(listed: Listed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutela.app.sources.clock", lambda: 100 * SECOND)

    def told_of(**more: Any) -> str:  # noqa: ANN401  any field
        condition = Reach(source="feed", **({"at": 99 * SECOND} | more))
        return doing([Listed(listed.source, 3, listed.connection, condition)])

    assert doing([listed]) == "feed: poll+tiny"
    assert told_of() == "feed: poll+tiny: no answer yet"
    assert told_of(reachable=True, came=90 * SECOND) == "feed: poll+tiny: reachable, something came 10 s ago"
    assert (
        told_of(reachable=False, troubles=2, says="404") == "feed: poll+tiny: not reachable, 2 troubles, the last: 404"
    )
    assert told_of(at=10 * SECOND).startswith("feed: poll+tiny: nobody has run it for 90 s")
    assert doing([Listed(listed.source, 3, None, None)]) == ""


def test_no_list_shows_a_secret(listed: Listed) -> None:
    assert "sesame" not in str(told(listed)) + str(row(listed)) + doing([listed])
    assert told(listed)["connection"]
    assert "connection" not in told(Listed(listed.source, 3, None, None))


def test_who_enters_a_source_is_told_its_token_if_it_needs_one(listed: Listed) -> None:
    assert entered(listed.source, "abc") == "feed is in the register.\ntoken: abc"
    assert "fetched from now on" in entered(listed.source, None)
