"""The city of the integration tests: one `tutela up` for all of them, with people who work in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.integration.running import Instance, Person, running


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A city without a demonstration, on a port and in a directory of its own."""
    with running(tmp_path_factory.mktemp("city") / "data", "--empty") as instance:
        yield instance


@pytest.fixture(scope="session")
def operator(city: Instance) -> Person:
    """Somebody at the desk, signed on for as many alerts as there may be."""
    person = city.come_in(city.codes["operator"], "Aino")
    person.do("/v1/shift", {"budget": 600})
    return person


@pytest.fixture(scope="session")
def auditor(city: Instance) -> Person:
    """Somebody who sees who did what."""
    return city.enrol("auditor", "Elina", purpose="oversight", basis="LegalObligation")


@pytest.fixture(scope="session")
def keeper(city: Instance) -> Person:
    """Somebody who keeps the system running."""
    return city.enrol("it", "Otto", purpose="system-operation", basis="PublicInterest")
