"""The HTTP door: an answer only after it is durable, nothing without a token, garbage is a clear error."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from litestar import Litestar, Response
from litestar.testing import TestClient

from tutela.errors import Overloaded, Quarantined, TutelaError
from tutela.model.flow import Offer, Receipt, Refusal
from tutela.model.register import Datastream
from tutela.model.rows import Rows
from tutela.model.telling import Telling
from tutela.model.wire import encode
from tutela.sources.http import CHUNK, Door, routes

LINE = b'{"datastream":"d7","phenomenonTime":"2026-11-25T08:00:00Z","result":1}'
TOKEN = {"authorization": "Bearer secret"}


class Gateway:
    """Takes everything that is not datastream 0, and keeps it."""

    def __init__(self) -> None:
        self.offers: list[Offer] = []
        self.calls: list[Telling] = []
        self.full = False

    async def give(self, offer: Offer) -> Receipt:
        if self.full:
            raise Overloaded("the gateway is full; send again in a second")
        self.offers.append(offer)
        rows = offer.rows
        unknown = 0 if rows is None else int((rows.datastream == 0).sum())
        taken = 0 if rows is None else len(rows) - unknown
        refused = (*offer.refused, *([Refusal("unknown", "not in the register", unknown)] if unknown else []))
        return Receipt(taken, refused)

    async def tell(self, call: Telling) -> str:
        self.calls.append(call)
        return "event-1"

    def number(self, name: str) -> int | None:
        return int(name[1:]) if name[0] == "d" else None

    def unit(self, number: int) -> str | None:
        return "1" if number else None

    def datastream(self, number: int) -> Datastream:
        kind = "counts" if number == 8 else "readings"
        return Datastream(id=number, name="d", source="probe", thing="t", kind=kind, observed_property="p", unit="1")


async def identify(token: str) -> str:
    if token != "secret":
        raise Quarantined("no source has this token; ask for one with `tutela sources token NAME`")
    return "probe"


def problem(_: object, wrong: TutelaError) -> Response[dict[str, str]]:
    return Response({"detail": wrong.message}, status_code=wrong.status)


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def client(gateway: Gateway) -> Iterator[TestClient[Litestar]]:
    door = Door(gateway.give, gateway.tell, gateway, identify)
    app = Litestar([routes(door)], exception_handlers={TutelaError: problem}, request_max_body_size=200_000)
    with TestClient(app) as client:
        yield client


def test_nothing_is_read_of_a_body_without_a_token(client: TestClient[Litestar], gateway: Gateway) -> None:
    answer = client.post("/v1/observations", content=LINE)

    assert answer.status_code == 403
    assert "no source has this token" in answer.text
    assert gateway.offers == []


def test_one_observation_is_answered_with_what_was_taken(client: TestClient[Litestar], gateway: Gateway) -> None:
    answer = client.post("/v1/observations", content=LINE, headers=TOKEN)

    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "refused": []})
    assert (gateway.offers[0].source, gateway.offers[0].timeline) == ("probe", "live")


def test_a_long_stream_of_lines_is_taken_whole_and_in_order(client: TestClient[Litestar], gateway: Gateway) -> None:
    lines = [LINE.replace(b":1}", b":%d}" % number) for number in range(3 * CHUNK // len(LINE))]
    answer = client.post("/v1/observations", content=b"\n".join(lines), headers=TOKEN)

    assert answer.json()["accepted"] == len(lines)
    results = np.concatenate([offer.rows.result for offer in gateway.offers if offer.rows])
    assert results.tolist() == list(range(len(lines)))


def test_bad_lines_are_told_with_their_reason_and_the_good_ones_taken(client: TestClient[Litestar]) -> None:
    answer = client.post("/v1/observations", content=LINE + b"\n{broken\n" + LINE.replace(b"d7", b"x7"), headers=TOKEN)

    assert answer.json()["accepted"] == 1
    assert {refused["reason"] for refused in answer.json()["refused"]} == {"unreadable", "unknown"}


def test_a_line_without_end_is_refused_before_it_fills_the_memory(client: TestClient[Litestar]) -> None:
    answer = client.post("/v1/observations", content=b"x" * (CHUNK * 6), headers=TOKEN)

    assert answer.status_code == 400
    assert "one observation a line" in answer.text


def test_arrow_bodies_are_taken_as_they_are(client: TestClient[Litestar], gateway: Gateway) -> None:
    rows = Rows("readings", np.array([1, 2], np.int32), np.array([5, 6], np.int64), {"result": np.array([1.5, 2.5])})
    kind = {"content-type": "application/vnd.apache.arrow.stream"}
    answer = client.post("/v1/observations", content=encode(rows), headers=TOKEN | kind)

    assert answer.json()["accepted"] == 2
    taken = gateway.offers[0].rows
    assert taken is not None
    assert taken.result.tolist() == [1.5, 2.5]


@pytest.mark.parametrize("body", [b"", b"no arrow", b"\xff" * 100])
def test_arrow_garbage_is_a_clear_error(client: TestClient[Litestar], body: bytes) -> None:
    kind = {"content-type": "application/vnd.apache.arrow.stream"}
    answer = client.post("/v1/observations", content=body, headers=TOKEN | kind)

    assert answer.status_code == 400
    assert "Arrow" in answer.text


def test_an_unknown_kind_is_a_clear_error(client: TestClient[Litestar]) -> None:
    answer = client.post("/v1/observations?kind=feelings", content=LINE, headers=TOKEN)

    assert answer.status_code == 400
    assert "there is no kind called 'feelings'" in answer.text


def test_sensorthings_data_arrays_are_taken(client: TestClient[Litestar]) -> None:
    body = msgspec.json.encode(
        [
            {
                "Datastream": {"@iot.id": 7},
                "components": ["phenomenonTime", "result"],
                "dataArray": [["2026-11-25T08:00:00Z", 1]],
            }
        ]
    )
    answer = client.post("/v1/CreateObservations", content=body, headers=TOKEN)

    assert (answer.status_code, answer.json()["accepted"]) == (201, 1)


def test_a_sensorthings_body_of_counts_is_taken_as_counts(client: TestClient[Litestar], gateway: Gateway) -> None:
    array = {"Datastream": {"@iot.id": 8}, "components": ["result", "phenomenonTime"]}
    body = msgspec.json.encode([{**array, "dataArray": [[3, "2026-11-25T08:00:00Z"]]}])
    answer = client.post("/v1/CreateObservations", content=body, headers=TOKEN)

    assert answer.json()["accepted"] == 1
    assert [offer.rows.kind for offer in gateway.offers if offer.rows] == ["counts"]


@pytest.mark.parametrize("path", ["/v1/CreateObservations", "/v1/calls"])
def test_a_body_that_is_read_at_once_is_short(client: TestClient[Litestar], path: str) -> None:
    answer = client.post(path, content=b" " * 5_000_000, headers=TOKEN)

    assert answer.status_code == 413


def test_a_compressed_arrow_body_is_refused(client: TestClient[Litestar], gateway: Gateway) -> None:
    batch = pa.record_batch({"datastream": np.zeros(1_000_000, np.int32)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_batch(batch)
    kind = {"content-type": "application/vnd.apache.arrow.stream"}
    answer = client.post("/v1/observations", content=sink.getvalue().to_pybytes(), headers=TOKEN | kind)

    assert answer.status_code == 400
    assert "without compression" in answer.text
    assert gateway.offers == []


def test_a_call_is_answered_with_its_event(client: TestClient[Litestar], gateway: Gateway) -> None:
    body = b'{"id":"c-1","at":"2026-11-25T08:00:00Z","lat":60.17,"lon":24.94,"category":"Fire: smoke"}'
    answer = client.post("/v1/calls", content=body, headers=TOKEN)

    assert (answer.status_code, answer.json()) == (201, {"event": "event-1"})
    assert gateway.calls[0].source == "probe"


def test_a_full_gateway_is_told_to_the_sender(client: TestClient[Litestar], gateway: Gateway) -> None:
    gateway.full = True
    answer = client.post("/v1/observations", content=LINE, headers=TOKEN)

    assert answer.status_code == 503


# ── what residents tell ─────────────────────────────────────────────────────────────────────────
REPORT = b'{"service_request_id":"7","service_code":"Trees","requested_datetime":"2026-11-25T08:00:00Z","lat":60.17,"long":24.9}'
POST = b'{"id":"p7","at":"2026-11-25T08:00:00Z","lat":60.17,"lon":24.9,"subject":"Fire","said":"Smoke!"}'


@pytest.mark.parametrize(("path", "body", "id_"), [("/v1/reports", REPORT, "7"), ("/v1/posts", POST, "p7")])
def test_a_report_and_a_post_are_answered_with_their_event(
    client: TestClient[Litestar], gateway: Gateway, path: str, body: bytes, id_: str
) -> None:
    answer = client.post(path, content=body, headers=TOKEN)

    assert (answer.status_code, answer.json()) == (201, {"event": "event-1"})
    assert [(one.id, one.source, one.timeline) for one in gateway.calls] == [(id_, "probe", "live")]


@pytest.mark.parametrize("path", ["/v1/reports", "/v1/posts"])
def test_nothing_is_told_without_a_token_nor_of_what_cannot_be_read(
    client: TestClient[Litestar], gateway: Gateway, path: str
) -> None:
    assert client.post(path, content=b"{}").status_code == 403
    assert client.post(path, content=b"{}", headers=TOKEN).status_code == 400
    assert gateway.calls == []
