"""A package from outside brings parts: they are found, keep the same promises, and what is wrong with them stops the start."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import pytest
from tests.plugin_support.package import TEMPLATE, Package, installed

from tutela import systems
from tutela.backends.trust import FILE

CALM = ("--no-header", "-q", "-p", "no:cacheprovider")


@pytest.fixture(scope="module")
def gauges(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The template and the promises of parts, from their wheels."""
    return installed(tmp_path_factory.mktemp("gauges") / "site")


@pytest.fixture(scope="module")
def data(gauges: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an instance in which somebody trusted it."""
    return gauges.trusted(tmp_path_factory.mktemp("trusted") / "data")


def test_its_parts_are_listed_among_ours(gauges: Package, data: Path) -> None:
    said = gauges.tutela("parts", "--data", data).stdout

    assert re.search(r"^detectors +rising +A level that rises by much in a short time\.$", said, re.MULTILINE)
    assert re.search(r"^sources +gauge +Water levels that a data logger tells", said, re.MULTILINE)
    assert re.search(r"^detectors +threshold ", said, re.MULTILINE)


TRUSTING = """
import sys
from pathlib import Path
from tutela.app.settings import settings
settings(Path(sys.argv[1]))
"""


def test_its_system_names_its_detector_beside_those_of_ours(gauges: Package, data: Path) -> None:
    program = """
from tutela.app.detecting import check, installed, instances
check()
print([system.name for system in installed()])
print([one.name for one in instances("UTC")[0] if one.word == "rising"])
"""
    said = gauges.python("-c", TRUSTING + program, data)

    ours = [module.name for module in pkgutil.iter_modules(systems.__path__)]
    assert said.stdout.splitlines() == [str(sorted([*ours, "gauges"])), "['water-rises']"]


def test_it_brings_its_own_words_and_changes_none_of_ours(gauges: Package, tmp_path: Path) -> None:
    package = gauges.changed(tmp_path / "site", **{"[sentences]": '[sentences]\n"fence.enters" = "overwritten"'})
    program = """
from tutela.app.wording import words
said = words("en").sentences
print(said["rising.fast"])
print(said["fence.enters"])
"""
    told = package.python("-c", TRUSTING + program, package.trusted(tmp_path / "data"))

    assert told.stdout.splitlines() == [
        "{where}: {observed_property:words} is {level:number} {unit}, and was {low:number} {unit} at {since:clock}.",
        "{where} came into {area}.",
    ]


@pytest.mark.long
def test_its_parts_keep_every_promise(gauges: Package) -> None:
    """With the tests that it brings itself: a few lines."""
    ran = gauges.python("-m", "pytest", *CALM, TEMPLATE / "tests", cwd=gauges.site.parent)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert int(re.findall(r"(\d+) passed", ran.stdout)[0]) >= 40


BREAKS = {
    "would_not_have_fired_if": ("would = 1.25 * enough - 0.25 * rise.level", "would = rise.level - 0.01"),
    "thinks_without_clock": ("told = Found(", "import time; time.time(); told = Found("),
    "however_the_stream_is_cut": (
        "return state.put(each.slots, **columns), ",
        "return state.put(each.slots, **columns) if len(gauges) > 1 else state, ",
    ),
    "other_hash_seeds": ("key=str(datastream)", "key=str(hash(str(datastream)))"),
    "can_stop_and_resume": ("dict(state.changed())", "{name: to for name, to in state.changed() if name != 'since'}"),
}
"""By the promise that is not kept then: what is changed of the detector."""


@pytest.mark.parametrize("promise", BREAKS)
def test_a_detector_that_breaks_a_promise_turns_its_tests_red(promise: str, gauges: Package, tmp_path: Path) -> None:
    old, new = BREAKS[promise]
    package = gauges.changed(tmp_path / "site", **{old: new})
    ran = package.python("-m", "pytest", *CALM, "-x", "-k", f"Rising and {promise}", TEMPLATE / "tests")

    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert re.search(rf"^FAILED .*{promise}", ran.stdout, re.MULTILINE)


DEAF = {
    "garbage_is_told_of": ("except (OSError, ValueError) as wrong", "except OSError as wrong"),
    "under_the_name_of_the_source": ('name=f"{source}/{name}"', 'name=f"gauges/{name}"'),
    "who_is_gone_is_told_of": ("failures += 1", "failures = 0"),
    "ends_when_it_is_stopped": (
        "await intake.wait(pause(self.every, failures, intake.chance()))",
        "await asyncio.shield(asyncio.ensure_future(intake.wait(self.every)))",
    ),
}
"""The same of the source."""


@pytest.mark.parametrize("promise", DEAF)
def test_a_source_that_breaks_a_promise_turns_its_tests_red(promise: str, gauges: Package, tmp_path: Path) -> None:
    old, new = DEAF[promise]
    package = gauges.changed(tmp_path / "site", **{old: new})
    ran = package.python("-m", "pytest", *CALM, "-x", "-k", f"Gauge and {promise}", TEMPLATE / "tests")

    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert re.search(rf"^FAILED .*{promise}", ran.stdout, re.MULTILINE)


DOUBLED = (
    "tutela: two parts are called 'threshold' in detectors: tutela.detectors.threshold of tutela, and tutela_gauges.rising"
    " of tutela-gauges; take one of these packages out, or give the part another name"
)
WRONG = {
    "a name that is taken": (
        "rising = tutela_gauges.rising",
        "threshold = tutela_gauges.rising",
        DOUBLED,
    ),
    "a system that names a part which is not there": (
        'part="rising"',
        'part="rising-fast"',
        "tutela: no part called 'rising-fast' in detectors; there are: burst, ",
    ),
    "a module that is not there": (
        "rising = tutela_gauges.rising",
        "rising = tutela_gauges.nowhere",
        "tutela: rising in detectors can't be imported from tutela_gauges.nowhere: No module named",
    ),
    "a detector that needs what nobody may look at": (
        'needs=frozenset({"*"})',
        'needs=frozenset({"*", "skin-colour"})',
        "tutela: Search by protected trait is not available. Try clothing colour, vehicle, direction or time. rising in ",
    ),
    "a system for a purpose that nobody may have": (
        'purposes=("public-safety",)',
        'purposes=("advertising",)',
        "tutela: Not a public-safety purpose. gauges asks for it by 'advertising': leave that out.",
    ),
    "a file that sets no part": (
        "part = Rising",
        "Rising",
        "tutela: tutela_gauges.rising sets no `part`; end the file with `part = …`",
    ),
    "an option that the part does not have": (
        '"span": 1800.0',
        '"spam": 1800.0',
        "tutela: rising in detectors: Object contains unknown field `spam`; its options are name, observed_property, by, span",
    ),
    "a detector whose name another system uses": (
        'name="water-rises"',
        'name="smoke"',
        "tutela: two detectors are called 'smoke', in the systems environment and gauges; give one of them another name",
    ),
    "words that can't be read": (
        "[sentences]",
        "[sentences",
        "tutela: the sentences of tutela_gauges can't be read: ",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_with_a_package_stops_the_start_in_words(wrong: str, gauges: Package, tmp_path: Path) -> None:
    """Before anything is started: no engine, nothing in the data directory but whom somebody trusted."""
    old, new, says = WRONG[wrong]
    package = gauges.changed(tmp_path / "site", **{old: new})
    ran = package.tutela("up", "--empty", "--data", package.trusted(tmp_path / "data"))

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(says), ran.stderr
    assert [one.name for one in (tmp_path / "data").iterdir()] == [FILE]
