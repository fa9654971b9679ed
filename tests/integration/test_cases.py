"""The investigation aid on a running instance: the demonstration's own case, and its walls."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tests.integration.running import Instance, running, until

pytestmark = pytest.mark.integration

WHY = {"purpose": "public-safety", "basis": "PublicInterest"}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("cases") / "data") as instance:
        yield instance


def person(city: Instance, role: str, name: str) -> httpx.Client:
    client = city.client()
    client.params = httpx.QueryParams(WHY)
    code = city.told("invite", role)["code"]
    token = client.post("/v1/enrol", json={"code": code, "name": name}).json()["token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def test_the_demonstrations_case_is_found_searched_and_says_that_it_is_simulated(city: Instance) -> None:
    operator = person(city, "operator", "Onni Operaattori")

    def case() -> dict[str, object] | None:
        return next(iter(operator.get("/v1/cases").json()), None)

    found = until(case, "whoever enrolled is a member of the demonstration's case")
    assert found["simulated"] is True
    assert found["opened_by"] != found["approved_by"]

    def plates() -> list[dict[str, object]]:
        graph = operator.post(f"/v1/cases/{found['id']}/search", json={"words": "xyz 901"}).json()
        return graph["items"] if len(graph["items"]) >= 2 else []

    said = until(plates, "the simulated calls and reports are found")
    assert [one["at"] for one in said] == sorted(one["at"] for one in said)
    page = operator.get(f"/cases/{found['id']}").text
    assert "This case is simulated." in page
    assert "XYZ-901" in page
    own = operator.post(f"/v1/cases/{found['id']}/search", json={"words": "Operaattori"})
    assert (own.status_code, own.json()["policy"]) == (403, "G28-reason")
    assert operator.get("/v1/cases/none").json()["policy"] == "G28-case"
