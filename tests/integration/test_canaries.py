"""What people told, wrote and are called lies in no file of an instance as it can be read, in no backup and in no log.

A word that nobody else would write goes along every path that personal data takes; then every byte is looked at. What is not sealed by
its nature is not sought here: a bundle of evidence, which is made to be handed out; what a case is called and who asked for it, which is
what the register of holds and exports is for; and what a category is called.
"""

from __future__ import annotations

import io
import json
import secrets
import struct
import tarfile
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest
from tests.integration.running import Instance, Json, Person, datastream, line, now, running, until

pytestmark = [pytest.mark.integration, pytest.mark.long]

LAT = 60.1 + secrets.randbelow(10**9) / 10**11
"""Where a bus was: no other place has these digits."""

WORDS = (
    "said",
    "caller",
    "report",
    "post",
    "note",
    "disposition",
    "shelved",
    "dismissed",
    "name",
    "hold",
    "lifted",
    "evidence",
    "password",
    "refused-call",
    "refused-report",
    "signed",
    "target",
    "contact",
    "asked",
    "asker",
    "glass",
)


CANARY, CLEAR = secrets.token_hex(16), secrets.token_hex(16)
"""They can't come from anywhere else, and no compression makes them shorter. One is told in secret, one in a category of calls."""


def forms(text: str) -> dict[str, bytes]:
    """How it may stand in a file."""
    raw, found = text.encode(), dict[str, bytes]()
    for name in ("utf-8", "utf-16-le", "utf-16-be"):
        found[name] = text.encode(name)
    found |= {"hex": raw.hex().encode(), "HEX": raw.hex().upper().encode()}
    for shift in range(3):  # wherever in a text it begins, these letters are the same
        encoded = b64encode(bytes(shift) + raw)
        found[f"base64+{shift}"] = encoded[(0, 2, 3)[shift] : len(encoded) // 4 * 4 - 4]
    return found


@dataclass
class Sought:
    """What must not be found, and where it was."""

    needles: dict[str, bytes]
    found: list[str] = field(default_factory=list)
    looked: int = 0

    def look(self, where: str, body: bytes) -> None:
        self.looked += len(body)
        for name, needle in self.needles.items():
            if (place := body.find(needle)) >= 0:
                self.found.append(f"{name} in {where}: …{body[max(0, place - 40) : place + 80]!r}…")


def parquet(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every column of it, as it can be read."""
    columns = duckdb.sql(f"select * from read_parquet('{path}')")
    for name in columns.columns:
        for (value,) in duckdb.sql(f"select distinct \"{name}\" from read_parquet('{path}')").fetchall():
            if isinstance(value, bytes):
                yield name, value
            elif isinstance(value, float):
                yield name, struct.pack("<d", value) + repr(value).encode()
            else:
                yield name, str(value).encode()


def bodies(path: Path) -> Iterator[tuple[str, bytes]]:
    """A file, and what is packed in it."""
    raw = path.read_bytes()
    yield "", raw
    if path.suffix == ".parquet":
        yield from parquet(path)
    elif tarfile.is_tarfile(path):
        with tarfile.open(fileobj=io.BytesIO(raw)) as packed:
            for member in packed:
                if (file := packed.extractfile(member)) is not None:
                    yield member.name, file.read()


def tables(city: Instance) -> Iterator[tuple[str, bytes]]:
    """Every row of every table, as PostgreSQL reads it: what it keeps compressed too."""
    named = city.asked(
        "select table_schema as s, table_name as t from information_schema.tables where table_type = 'BASE TABLE'"
    )
    for row in named:
        if row["s"] not in ("pg_catalog", "information_schema"):
            for one in city.asked(f'select x::text as row from "{row["s"]}"."{row["t"]}" x'):
                yield f"table {row['t']}", one["row"].encode()


@dataclass
class Told:
    """An instance in which all of it was told, and what was written about it."""

    rows: list[tuple[str, bytes]]
    files: list[Path]


def tell(city: Instance, words: Mapping[str, str], clear: str) -> str:
    """What comes in: a call, whose event is given, a report, a post, positions, and some of them wrong."""
    calls = city.enter(
        "told", kind="calls", purposes=["emergency-response", "city-operations", "public-safety"], personal_data=True
    )
    place = {"lat": 60.17, "lon": 24.94}
    answer = calls.call(id="1", at=now(), **place, category=clear, said=words["said"], caller=words["caller"])
    assert answer.status_code == 201, answer.text
    assert calls.call(id="2", at=now(), lat=777, lon=1, category=clear, said=words["refused-call"]).status_code >= 400
    report = {
        "service_request_id": "1",
        "service_code": "Trees",
        "requested_datetime": now(),
        "lat": 60.17,
        "long": 24.94,
    }
    calls.tell("/v1/reports", **report, description=words["report"])
    wrong = {**report, "lat": 777, "description": words["refused-report"]}
    assert calls.http.post("/v1/reports", json=wrong).status_code >= 400
    calls.tell("/v1/posts", id="1", at=now(), **place, subject="Fire", said=words["post"])
    buses = city.enter("buses", datastream("buses/1", kind="positions"), personal_data=True)
    where = json.dumps({"datastream": "buses/1", "phenomenonTime": now(), "lat": LAT, "lon": 24.94}).encode()
    until(lambda: buses.post(where, kind="positions").json().get("accepted") == 1, "the bus is known")
    event: str = answer.json()["event"]
    return event


def work(city: Instance, words: Mapping[str, str], call: str) -> None:
    """What people do: notes, reasons, an end, a hold, a bundle."""
    boss = city.come_in(city.codes["supervisor"], words["name"])
    boss.do("/v1/shift", {"budget": 600})
    first, second = alerts(city, boss)
    boss.do(f"/v1/alerts/{first}/shelve", {"reason": words["shelved"], "until": now(600)})
    boss.do(f"/v1/alerts/{second}/dismiss", {"reason": words["dismissed"]})
    incident = boss.do("/v1/incidents", {"call": call})["id"]
    boss.do(f"/v1/incidents/{incident}/notes", {"text": words["note"]})
    boss.do(f"/v1/incidents/{incident}/disposition", {"disposition": words["disposition"]})
    review = now(30 * 86_400.0)
    held = city.told(
        "holds",
        "place",
        "R 26/1234",
        "--authority",
        "A court",
        "--because",
        words["hold"],
        "--review",
        review,
        "--incident",
        incident,
    )
    city.tutela("holds", "lift", held["id"], "--because", words["lifted"])
    (city.data.parent / "order.toml").write_text(
        f'number = "R 26/1234"\nauthority = "A court"\nsigned = "{words["signed"]}"\nuntil = "{review}"\nsha256 = "{"0" * 64}"\n'
        f'[about]\nkind = "authorisation"\nobjective = "Evidence about a fall"\narea = "Helsinki"\ncase = "R 26/1234"\n'
        f'targets = ["{words["target"]}"]\n'
    )
    entered = city.tutela("papers", "enter", city.data.parent / "order.toml")
    assert entered.returncode == 0, entered.stdout + entered.stderr
    (city.data.parent / "order.toml").unlink()
    asked = {
        "right": "access",
        "contact": words["contact"],
        "words": words["asked"],
        "name": words["asker"],
        "names": [words["asker"]],
    }
    assert (answer := city.client().post("/v1/requests", json=asked)).status_code == 201, answer.text
    life = {"purpose": "emergency-response", "basis": "VitalInterest"}
    broken = boss.http.post("/v1/break-glass", params=life, json={"reason": words["glass"], "minutes": 5})
    assert broken.status_code == 201, broken.text
    handed = {**boss.why, "recipient": "A court", "agreement": "R 26/1234", "reason": words["evidence"]}
    bundle = boss.http.post(f"/v1/incidents/{incident}/evidence", params=handed)
    assert bundle.status_code == 200, bundle.text
    assert words["said"] in boss.get(f"/v1/calls/{call}")["said"]  # it was stored, and can be read by who may


def alerts(city: Instance, boss: Person) -> tuple[str, str]:
    """Two alerts, of smoke at two places."""
    names = ("smoke/1", "smoke/2")
    streams = [
        datastream(name, "pm25", unit="ug/m3", place=(60.16 + number, 24.95)) for number, name in enumerate(names)
    ]
    sensors = city.enter("smoke", *streams)
    sensors.known(names[1])
    sensors.take(*(line(name, 320.5, unit="ug/m3") for name in names))
    until(lambda: len(shown(boss)) >= 2, "both alerts are there")
    one, two = shown(boss)[:2]
    return one["id"], two["id"]


def shown(boss: Person) -> list[Json]:
    return [alert for alert in boss.queue() if alert["status"] == "new"]


def connect(city: Instance, words: Mapping[str, str], folder: Path) -> None:
    """A connection with a password, and a file of calls that is imported."""
    (folder / "feed.toml").write_text(
        '[source]\nname = "feed"\nowner = "o"\nkind = "open data"\npurposes = ["environment"]\nlegal_basis = "PublicInterest"\n'
        'personal_data = false\nplace = "Helsinki"\n[connection]\npart = "poll"\nstandard = "table"\n[connection.options]\n'
        'url = "http://127.0.0.1:9/none.csv"\nallow_private = true\nevery = 5\n[connection.secret.headers]\n'
        f'Authorization = "Bearer {words["password"]}"\n[connection.reading]\ntime = {{ column = "taken" }}\n'
        '[[connection.reading.datastream]]\nname = "{station}/x"\nthing = "{station}"\nresult = "x"\n'
        'observed_property = "x"\nunit = "1"\ninterval = 60\n'
    )
    done = city.tutela("sources", "enter", folder / "feed.toml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("canaries")
    words, clear = {what: f"{what} {CANARY}" for what in WORDS}, f"EMS: {CLEAR}"
    with running(folder / "data", "--empty") as city:
        work(city, words, tell(city, words, clear))
        connect(city, words, folder)
        city.keeper_again()  # it archives, and signs a checkpoint
        city.told("retention")
        assert city.told("backup", folder / "backup")["keys"] is False
        city.asked("checkpoint")
        rows = list(tables(city))
        (folder / "feed.toml").unlink()
        city.stop()
        copied = (one for one in (folder / "backup").rglob("*") if one.is_file())
        yield Told(rows, [*city.files(), *copied])


@pytest.fixture(scope="module")
def looked(told: Told) -> Sought:
    """Everything that there is, looked at."""
    needles = forms(CANARY) | {CLEAR: CLEAR.encode()}
    needles |= {"latitude": struct.pack("<d", LAT), "latitude in digits": str(LAT)[:11].encode()}
    needles["latitude in hex"] = struct.pack("<d", LAT).hex().encode()
    found = Sought(needles)
    for where, body in told.rows:
        found.look(where, body)
    for path in told.files:
        for part, body in bodies(path):
            found.look(f"{path} {part}", body)
    return found


def test_no_word_of_anybody_lies_in_plain_in_any_file_table_log_or_backup(looked: Sought) -> None:
    assert [where for where in looked.found if not where.startswith(CLEAR)] == []
    assert looked.looked > 50_000_000  # PostgreSQL alone has so much


def test_whatever_is_not_sealed_is_found_so_the_search_is_a_search(looked: Sought) -> None:
    found = [where for where in looked.found if where.startswith(CLEAR)]

    assert any("/backup/" in where for where in found)
    assert any("table" in where for where in found)
    assert any("nats" in where for where in found)


def test_every_form_of_a_word_is_known_wherever_it_begins() -> None:
    text = CANARY
    for shift in range(7):
        inside = b"a" * shift + text.encode() + b"and more"
        assert any(needle in b64encode(inside) for form, needle in forms(text).items() if form.startswith("base64"))
    assert json.dumps({"said": text}).encode().find(forms(text)["utf-8"]) > 0
