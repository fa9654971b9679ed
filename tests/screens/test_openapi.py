"""The API is as its description says, for any input: schemathesis asks, and judges every answer.

It asks with what fits the description and with what does not, as somebody who may, and names things that there are
as well as things that there are not. Streams are left out: they have no end (see test_events.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance
from tests.screens.site import Site
from tests.screens.town import TOKEN

EXAMPLES = int(os.environ.get("EXAMPLES", "4"))
"""Of each operation, good ones and bad ones: few among all tests; `EXAMPLES=50` asks for more, at leisure."""

bounded = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
WHY = {"purpose": "public-safety", "basis": "PublicInterest"}
MORE_THAN_WORDS = {
    "createObservations",  # NDJSON, or Arrow
    "sensorthingsCreateObservations",  # read by its standard
    "createCall",  # the same
    "createReport",  # the same
    "createPost",  # the same
    "readNewest",  # of a kind that there is
    "readSeries",  # with a start before its end
    "involve",  # agencies that have a name
    "fileRequest",  # names and numbers that are short enough to be looked for
    "backtestRule",  # of a rule that can be met, on a timeline that there is
    "createCosignature",  # a note that a known witness signed
    "readPast",  # of a moment that can be looked at
    "readBars",  # the same
    "writeHandover",  # of a time that there was, within two days
    "signHandover",  # the same
    "openIncident",  # from an alert or a call, not from both
}
"""Operations that ask for more than a description can say: here what fits it may still be refused with 400."""

TAKE_ANYTHING = {"GET /ready", "POST /v1/CreateObservations", "POST /v1/calls", "POST /v1/reports", "POST /v1/posts"}
TAKE_ANYTHING |= {
    "GET /v1/log/inclusion/{event}",
    "GET /v1/log/signers",
    "GET /v1/log/verify.py",
    "POST /v1/log/cosignatures",
    "GET /v1/register",
    "GET /v1/register/figures.csv",
    "POST /v1/passkeys/ask",
}
"""Nothing, or a body that only its own reader can judge: nothing can be wrong by the description."""

DEVICES = ("/v1/observations", "/v1/CreateObservations", "/v1/calls", "/v1/reports", "/v1/posts")


Operation = APIOperation[Any, Any, Any, Any]


@dataclass(frozen=True)
class Asked:
    """The site, and the ids of things that there are, by the name of their path parameter."""

    site: Site
    there: Mapping[str, str]

    def ask(self, case: Case[Any], *checks_not_made: CheckFunction) -> None:
        token = TOKEN if case.path in DEVICES and case.method == "POST" else self.site.token
        # Who comes without a right session is refused: test_routes.py sees to that, for every route.
        unmade = [ignored_auth, *checks_not_made]
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, excluded_checks=unmade)


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    site = Site()
    try:
        alert, call, unit = site.run(site.here.alert()), site.run(site.here.call()), site.run(site.here.unit())
        site.run(site.here.witnessed())
        event = site.here.facts.store.sealed[0].event.id
        yield Asked(site, {"alert": alert.id, "call": call.id, "unit": unit.id, "subject": alert.id, "event": event})
    finally:
        site.close()


def test_every_answer_is_as_described(asked: Asked, subtests: pytest.Subtests) -> None:
    described = schemathesis.openapi.from_url(f"{asked.site.address}/schema/openapi.json")
    for found in described.exclude(operation_id=["followEvents", "followPast"]).get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        with subtests.test(operation.label):
            right(asked, operation)
            if operation.label not in TAKE_ANYTHING:
                wrong(asked, operation)


def right(asked: Asked, operation: Operation) -> None:
    """Ask what the description allows, for a purpose that is right; about things that there are, or any."""
    more_than_words = operation.definition.raw["operationId"] in MORE_THAN_WORDS
    unmade = [negative_data_rejection, *([positive_data_acceptance] if more_than_words else [])]

    @bounded
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE), there_is=st.booleans())
    def ask(case: Case[Any], *, there_is: bool) -> None:
        case.query = {**(case.query or {}), **WHY}
        if there_is and case.path_parameters:
            case.path_parameters = {**case.path_parameters, **asked.there}
        asked.ask(case, *unmade)

    ask()


def wrong(asked: Asked, operation: Operation) -> None:
    """Ask what the description does not allow."""

    @bounded
    @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def ask(case: Case[Any]) -> None:
        asked.ask(case)

    ask()
