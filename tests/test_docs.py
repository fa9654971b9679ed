"""The documentation tells the truth: links lead somewhere, words are explained, parts have a page, code in it works."""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.docs_support.pages import DOCS, ROOT, Block, anchors, blocks, files, links, pages
from tests.plugin_support.record import record

import tutela
from tutela import model, parts
from tutela.app.detecting import instance
from tutela.app.sources import read as read_entry
from tutela.backends.trust import HERE
from tutela.model.flow import Offer, Receipt
from tutela.model.system import Use
from tutela.screens.problem import HANDLERS

BIN = Path(sys.executable).parent
HOW_TO = DOCS / "how-to"
ADRS = sorted((DOCS / "adr").glob("*.md"))
LIFE = DOCS / "life-of-an-observation.md"

SAID_OTHERWISE = {
    "Noun": "what all nouns share, and no word of the field",
    "Sample": "a line of a card's example",
    "Entry": "a leaf as it is stored: the glossary says Sealed",
    "Seal": "how far the log is sealed: the glossary says Sealed",
    "Witnessed": "a checkpoint as it is kept outside: the glossary says Checkpoint",
    "Kept": "a connection with its sealed secrets: the glossary says Connection",
    "Reach": "how a connection is doing: likewise",
    "File": "a line of a manifest: the glossary says Manifest",
    "BackedUp": "what the event of a backup says",
    "Restored": "what the event of a restore says",
    "Proven": "what the event of a proof says",
    "CosignerEnded": "what the event of a witness that is waited for no more says",
    "WitnessNow": "a Cosigner, as it is read: with how far it is",
    "Install": "what is settled at the first start, and no word of the field",
    "Column": "a piece of a saved state",
    "System": "a list of parts; README and the reference say it",
    "Use": "a line of a system",
    "ValueWas": "one of the ways to be silent: the glossary says Why",
    "HadCome": "likewise",
    "Fewer": "likewise",
    "Apart": "likewise",
    "Moved": "likewise",
    "Absence": "a part of a Rule: what has to stay away",
    "InForce": "Armed, as it is read: with whether it has begun",
    "Change": "a part of a Rule: what makes it more or less pressing",
    "Member": "a part of a Case: who may look",
    "Item": "a record of a Case, as its members see it",
    "Graph": "Items, Entities and Links of a Case together",
    "Tag": "what the event of a Link that a person found says",
    "Vote": "what the event of a person's answer about a Link says",
    "Searched": "what the event of a search in a Case says",
    "Flag": "what the event of a search that needed a reason says",
    "TrustTold": "what the event of a start with other Trusted packages says",
    "Circle": "a shape of an area; an option of parts",
    "Sensors": "a part of Figures",
    "Times": "likewise",
    "Handled": "likewise",
    "Head": "likewise",
    "Changed": "likewise",
    "Objected": "what the event of an objection says: the glossary says RightsRequest",
    "Outcome": "what became of a record that was to be erased: the glossary says RightsRequest",
    "SignedFigures": "Figures, as they are handed out: with the log's signature",
    "Polygon": "likewise",
}
"""Nouns without a line of their own in the glossary, and why."""

WORDS_WITHOUT_A_NOUN = {
    "Observation": "a row of `model.rows`, in columns",
    "Purpose, legal basis": "strings of an Access; their tables are in the policy",
    "Tick": "a message without content but its time",
    "Timeline": "a name",
}
"""Words of the field that are no class in `model/`, and why."""


def relative(page: Path) -> str:
    return str(page.relative_to(ROOT))


# ── pages ───────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("page", pages(), ids=relative)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{relative(page)} links to {link}, which is not there"
        if anchor:
            assert anchor in anchors(there), f"{relative(page)} links to {link}, and there is no such heading"


def test_the_index_names_every_page() -> None:
    named = {(DOCS / link.partition("#")[0]).resolve() for link in links(DOCS / "README.md")}
    reference = set((DOCS / "reference").glob("*.md")) - {DOCS / "reference" / "README.md"}

    assert named == set(DOCS.rglob("*.md")) - reference - {DOCS / "README.md"}


def test_the_readme_says_by_line_22_how_to_start_it() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()

    assert "make up" in next(line for line in lines[:22] if not line.startswith("#") and "make" in line)
    assert lines.index("```sh") < 22


@pytest.mark.parametrize("page", ADRS, ids=relative)
def test_a_decision_is_one_page_with_its_four_parts(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == [
        "Decision",
        "Context",
        "Consequences",
        "Alternatives",
    ]
    assert text.count("\n") <= 60
    assert text.startswith(f"# {int(page.name[:4])}. ")


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(page.name[:4]) for page in ADRS] == list(range(1, len(ADRS) + 1))


def test_every_change_in_the_news_is_of_a_known_sort() -> None:
    names = [page.name for page in (ROOT / "news").glob("*.md") if page.name != "README.md"]

    assert [
        name for name in names if not re.fullmatch(r"[\w-]+\.(added|changed|fixed|removed|security)\.md", name)
    ] == []


def test_the_life_of_an_observation_has_eight_steps_each_with_its_file() -> None:
    steps = re.split(r"^(\d+)\. ", LIFE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]

    assert steps[::2] == [str(number) for number in range(1, 9)]
    for step in steps[1::2]:
        assert re.search(r"\(\.\./src/tutela/\w+/\w+\.py\)", step)


# ── words ───────────────────────────────────────────────────────────────────────────────────────
def nouns() -> set[str]:
    """The public nouns: structs and frozen rows that are defined in `model/`."""
    found = set()
    for module in pkgutil.iter_modules(model.__path__, "tutela.model."):
        for name, one in vars(importlib.import_module(module.name)).items():
            ours = isinstance(one, type) and one.__module__ == module.name and not name.startswith("_")
            if ours and issubclass(one, msgspec.Struct):
                found.add(name)
    return found


def words() -> list[str]:
    rows = re.findall(
        r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", (DOCS / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    return [row.strip() for row in rows if row.strip() not in ("word", "---")]


def test_every_noun_is_in_the_glossary_or_said_otherwise() -> None:
    assert nouns() - set(words()) - SAID_OTHERWISE.keys() == set()
    assert SAID_OTHERWISE.keys() <= nouns()


def test_every_word_of_the_glossary_is_a_noun_or_said_otherwise() -> None:
    assert set(words()) - nouns() - WORDS_WITHOUT_A_NOUN.keys() == set()
    assert WORDS_WITHOUT_A_NOUN.keys() <= set(words())


def test_the_glossary_is_in_the_order_of_the_alphabet() -> None:
    assert words() == sorted(words(), key=str.lower)


# ── reference ───────────────────────────────────────────────────────────────────────────────────
def test_the_reference_is_what_the_code_says() -> None:
    checked = subprocess.run(
        [sys.executable, "scripts/reference.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("room", ["detectors", "forecasts", "sources", "standards"])
def test_every_part_has_its_place_in_the_reference(room: str) -> None:
    assert set(parts.names(room)) <= anchors(DOCS / "reference" / f"{room}.md")


def test_every_variable_that_is_read_is_in_the_reference() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in Path(str(tutela.__file__)).parent.rglob("*.py"))
    known = runpy.run_path(str(ROOT / "scripts" / "reference.py"))["ENVIRONMENT"]

    assert set(re.findall(r"(?:TUTELA|OTEL)_[A-Z_]+", source)) == known.keys()


def findings() -> Iterator[str]:
    """Each thing that the doctor can find wrong, as the parts of its sentence that are always the same."""
    for name in ("doctor", "examine"):
        path = Path(str(importlib.import_module(f"tutela.backends.{name}").__file__))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"bad", "warning"}:
                what = node.args[0]
                pieces = what.values if isinstance(what, ast.JoinedStr) else [what]
                yield from (str(piece.value).strip() for piece in pieces if isinstance(piece, ast.Constant))


def test_everything_that_the_doctor_can_say_is_explained() -> None:
    page = (HOW_TO / "when-something-is-wrong.md").read_text(encoding="utf-8")

    assert [words for words in findings() if re.search(r"\w{3}", words) and words.strip(":;,()") not in page] == []


# ── how-tos ─────────────────────────────────────────────────────────────────────────────────────
def python_files() -> list[Block]:
    return [
        block for page in pages() for block in blocks(page) if block.file.endswith(".py") and block.file != "use.py"
    ]


@pytest.mark.parametrize("block", python_files(), ids=lambda block: block.file)
def test_code_in_the_docs_is_formatted_and_linted_as_all_code(block: Block) -> None:
    place = {"flat.py": "src/tutela/detectors/flat.py", "found.py": "benchmarks/found.py"}
    path = place.get(block.file, f"src/tutela/{block.file}")
    for command in (["format", "--diff"], ["check"]):
        ran = subprocess.run(
            [BIN / "ruff", *command, "--quiet", "--stdin-filename", path, "-"],
            cwd=ROOT,
            input=block.text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


@dataclass(frozen=True)
class Kit:
    """The package of the how-to about detectors, as an installer would leave it."""

    folder: Path

    def env(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.folder)}


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """The detector's file, and the entry point that the page's pyproject.toml gives it."""
    folder, told = tmp_path_factory.mktemp("kit"), files(HOW_TO / "add-a-detector.md")
    (folder / "flat.py").write_text(told["flat.py"], encoding="utf-8")
    project = tomllib.loads(told["pyproject.toml"])["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {module}\n" for name, module in named.items())
        for group, named in project["entry-points"].items()
    )
    (info / "entry_points.txt").write_text(points)
    record(folder, info)
    return Kit(folder)


@pytest.mark.long
def test_the_detector_of_the_how_to_keeps_every_promise_of_detectors(kit: Kit) -> None:
    """From a package, by its entry point, with the contract tests as they are."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_contracts.py", "-k", "flat"],
        cwd=ROOT,
        env=kit.env(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout
    assert int(re.findall(r"(\d+) passed", ran.stdout)[0]) >= 30


def test_the_detector_of_the_how_to_is_listed_among_ours_when_it_is_trusted(kit: Kit, tmp_path: Path) -> None:
    package = tomllib.loads(files(HOW_TO / "add-a-detector.md")["pyproject.toml"])["project"]["name"]

    def parts_(*words: str) -> subprocess.CompletedProcess[str]:
        command = [str(BIN / "tutela"), "parts", *words, "--data", str(tmp_path)]
        return subprocess.run(command, env=kit.env(), capture_output=True, text=True, check=True)

    assert "flat" not in parts_().stdout
    assert "not trusted" in parts_("list").stdout
    parts_("trust", package)
    ran = parts_()

    assert re.search(r"^detectors +flat +A datastream whose results do not move any more\.$", ran.stdout, re.MULTILINE)


def test_a_system_can_use_the_detector_of_the_how_to(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(kit.folder)
    monkeypatch.setattr(HERE, "_everybody", True)
    told = files(HOW_TO / "add-a-detector.md")
    use: Use = eval(told["use.py"], {"Use": Use})
    made = instance(use, "Europe/Helsinki")
    sentence = tomllib.loads(told["sentence.toml"])["flat.still"]

    assert made.name == use.name
    assert set(re.findall(r"\{(\w+)", sentence)) <= {"where", "observed_property", "unit", "result", "band", "since"}


class Names:
    """A register with one datastream."""

    def number(self, name: str) -> int | None:
        return 1 if name == "yard-1/temperature" else None

    def unit(self, number: int) -> str | None:
        return "Cel" if number else None


@pytest.fixture
def uplinks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient[Litestar]]:
    """The two files of the how-to about sources in their rooms, and what they make mounted, with a gateway that takes all."""
    for name, text in files(HOW_TO / "add-a-source.md").items():
        room, slash, _ = name.partition("/")
        if slash:
            (tmp_path / room).mkdir()
            (tmp_path / name).write_text(text, encoding="utf-8")
            package = importlib.import_module(f"tutela.{room}")
            monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / room)])
    lorawan = importlib.import_module("tutela.sources.lorawan")
    door = importlib.import_module("tutela.sources.http").Door

    async def give(offer: Offer) -> Receipt:
        return Receipt(0 if offer.rows is None else len(offer.rows), offer.refused)

    async def tell(_: object) -> str:
        raise AssertionError("an uplink is no call")

    async def identify(token: str) -> str:
        return token

    routes = lorawan.routes(lorawan.Uplinks(door(give, tell, Names(), identify)))
    with TestClient(Litestar([routes], exception_handlers=HANDLERS)) as client:
        yield client
    for name in ("tutela.sources.lorawan", "tutela.standards.things_stack"):
        room, _, part = name.rpartition(".")
        delattr(sys.modules[room], part)
        del sys.modules[name]


def test_the_source_of_the_how_to_answers_as_the_page_says(uplinks: TestClient[Litestar]) -> None:
    told = files(HOW_TO / "add-a-source.md")
    answer = uplinks.post("/v1/uplinks", content=told["uplink.json"], headers={"authorization": "Bearer lora-yard"})

    assert (answer.status_code, answer.json()) == (200, msgspec.json.decode(told["answer.json"]))
    assert {"lorawan"} <= parts.names("sources").keys()
    assert parts.load("sources", "lorawan").card.finds.endswith(".")


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[]", b"{}", b"[" * 100_000, b'{"uplink_message": {"decoded_payload": {"a": 1e999}}}']
)
def test_the_source_of_the_how_to_survives_garbage(uplinks: TestClient[Litestar], body: bytes) -> None:
    answer = uplinks.post("/v1/uplinks", content=body, headers={"authorization": "Bearer lora-yard"})

    assert answer.status_code == 400
    assert "not an uplink message" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("page", "name"),
    [("add-a-source", "yard.toml"), ("enter-a-source", "sensor.toml"), ("new-mqtt-source", "attic.toml")],
)
def test_register_entries_in_the_how_tos_can_be_read(page: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(files(HOW_TO / f"{page}.md")[name], encoding="utf-8")
    entry = read_entry(tmp_path / name)

    assert [entry.source.personal_data, len(entry.thing), len(entry.datastream)] == [False, 1, 1]
