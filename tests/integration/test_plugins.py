"""A package from outside in a real instance: its source's levels are recorded, its detector finds a rise; its system names what else to watch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest
from tests.docs_support.pages import DOCS, files
from tests.integration.running import Instance, Person, now, running, until
from tests.plugin_support.package import installed

from tutela.maths.cells import centre_of

pytestmark = pytest.mark.integration

HERE = 0x891126D3403FFFF
OURS = "    detectors=(\n"
CROWD = """    detectors=(
        Use(part="crowding_positions", name="too-many", options={"full": 12, "window": 600.0}),
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance beside which the package is installed; its system names a detector of ours as well."""
    folder = tmp_path_factory.mktemp("town")
    package = installed(folder / "built").changed(folder / "site", **{OURS: CROWD})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(package.site))
        package.trusted(folder / "data")
        patch.setenv("TUTELA_COMMENT_DAYS", "0")
        with running(folder / "data", "--empty") as instance:
            yield instance


@pytest.fixture(scope="module")
def operator(town: Instance) -> Person:
    return town.enrol("operator", "Aino")


class Logger(ThreadingTCPServer):
    """A data logger on this machine, with one gauge."""

    level = 1.2


class Answer(BaseRequestHandler):
    server: Logger

    def handle(self) -> None:
        with suppress(ConnectionError):
            self.request.sendall(f"upstream {self.server.level}\n".encode())


@pytest.fixture
def logger() -> Iterator[Logger]:
    with Logger(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,), name="logger")
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def newest(person: Person, name: str) -> float | None:
    """The newest level; None while the register does not know it."""
    asked = {"kind": "readings", "datastreams": [name]}
    answer = person.http.post("/v1/observations/newest", params={**person.why, "timeline": "live"}, json=asked)
    values = answer.json()["values"]["result"] if answer.status_code == 200 else []
    return float(values[0]) if values else None


def test_levels_come_from_its_source_and_its_detector_tells_of_a_rise(
    town: Instance, operator: Person, logger: Logger
) -> None:
    entry = town.data.parent / "river.toml"
    text = files(DOCS / "how-to" / "write-a-plugin.md")["river.toml"]
    entry.write_text(text.replace("4711", str(logger.server_address[1])).replace("every = 60", "every = 1"))
    assert town.told("sources", "enter", entry) == {"source": "river", "token": None}

    until(lambda: newest(operator, "river/upstream") == 1.2, "the first level is recorded")
    assert operator.queue() == []
    logger.level = 1.7
    (alert,) = until(operator.queue, "the rise is told")

    assert (alert["type"], alert["message"]) == ("water-rises", "rising.fast")
    assert (alert["parameters"]["low"], alert["parameters"]["level"]) == (1.2, 1.7)
    shown = operator.get("/v1/alerts", timeline="live")["alerts"]
    assert ["river/logger: water level is 1.7 m, and was 1.2 m at" in row["says"] for row in shown] == [True]
    levels = {result for _, result in operator.series("river/upstream", now(-3600), now(60))}
    assert levels == {1.2, 1.7}


def phones(town: Instance, many: int) -> str:
    """An entry of so many Things that tell where they are; the register puts them into as many partitions as there are."""
    head = (
        '[source]\nname = "phones"\nowner = "Tests"\nkind = "phones"\npurposes = ["public-safety"]\n'
        'legal_basis = "Consent"\npersonal_data = true\nplace = "Senate Square"\n'
    )
    things = (
        f'[[thing]]\nname = "phone-{number}"\nkind = "phone"\n'
        f'[[datastream]]\nname = "phones/{number}"\nthing = "phone-{number}"\nkind = "positions"\n'
        'observed_property = "position"\nunit = "deg"\n'
        for number in range(many)
    )
    path = town.data.parent / "phones.toml"
    path.write_text(head + "".join(things))
    return str(town.told("sources", "enter", path)["token"])


@pytest.mark.long
def test_a_crowd_is_counted_over_all_partitions_and_nobody_of_it_is_told(town: Instance, operator: Person) -> None:
    town.assessed("too-many")  # what is given where people are is off until its papers stand
    town.arm("too-many")
    crowd = town.client(phones(town, 14))
    place = centre_of(HERE)

    def take(*numbers: int) -> bool:
        at = {"phenomenonTime": now(), "lat": place.lat, "lon": place.lon}
        lines = [json.dumps({"datastream": f"phones/{number}", **at}).encode() for number in numbers]
        answer = crowd.post("/v1/observations?kind=positions", content=b"\n".join(lines))
        return answer.status_code == 200 and bool(answer.json()["accepted"] == len(numbers))

    until(lambda: take(*range(11)), "eleven are there")
    partitions = {number % 16 for name, number in town.numbers().items() if name.startswith("phones/")}
    until(lambda: take(*range(11, 14)), "three more are there")
    found = until(lambda: [one for one in operator.queue() if one["type"] == "too-many"], "the crowd is told")

    assert len(partitions) > 10
    assert [(one["cell"], one["parameters"]["things"], one["datastreams"], one["count"]) for one in found] == [
        (HERE, 14, [], 1)
    ]
    (detail,) = [operator.get(f"/v1/alerts/{one['id']}") for one in found]
    assert detail["says"].startswith("14 Things are within 550 m of one place, where 12 are too many.")
    assert [one["unless"] for one in detail["detections"]] == [
        "It would not have fired with 3 fewer of those that it counted, whoever they are."
    ]
    assert "phone" not in json.dumps(detail).replace('"phones"', "")
