"""Traces at the edges of a process: loaded only when a collector is named, and no fault of theirs is a fault of the city."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from litestar import Router, get, post
from litestar.params import FromPath
from litestar.testing import create_async_test_client
from tests.flow.trace_support import Kept, keeping, links, parent, place, told
from tests.integration.collector import collecting

from tutela.app.settings import settings
from tutela.app.tracing import Followed, followed, following, traced
from tutela.errors import EngineDown
from tutela.flow.trace import UNTRACED
from tutela.screens.problem import HANDLERS

SENT = f"00-{'a' * 32}-{'b' * 16}-01"
COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
LOADS = f"""
COLLECTOR = {COLLECTOR}
import asyncio, sys
from pathlib import Path
from tutela.app import connect, importing, keep, serve, work
from tutela.app.settings import settings
from tutela.app.tracing import traced

async def main() -> None:
    off = [{{}}, {{"OTEL_EXPORTER_OTLP_ENDPOINT": ""}}, {{**COLLECTOR, "OTEL_SDK_DISABLED": "true"}}]
    for env in (*off, COLLECTOR):
        async with traced(settings(Path("/nowhere"), env=env), "work"):
            print(any(name.startswith(("opentelemetry", "requests")) for name in sys.modules))

asyncio.run(main())
"""


def test_without_a_collector_nothing_of_it_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", LOADS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "False", "True"]


async def test_a_city_without_the_library_goes_on_and_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, "tutela.backends.tracing", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    async with traced(settings(tmp_path, env=COLLECTOR), "work") as traces:
        assert traces is UNTRACED

    assert "install tutela[otel]" in caplog.text
    assert len(caplog.records) == 1


async def test_what_is_set_wrong_is_told_and_the_city_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "0")
    async with traced(settings(tmp_path, env=COLLECTOR), "work") as traces:
        assert traces is UNTRACED

    assert "put the OTEL_ variables right" in caplog.text


async def test_at_the_end_what_is_left_is_handed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
        async with traced(settings(tmp_path), "work") as traces:
            with traces.span("offer"):
                pass
            assert collector.spans == []

        assert [(one.name, one.service) for one in collector.spans] == [("offer", "tutela-work")]
        assert collector.resources["tutela-work"]["service.instance.id"] == "work"


async def test_a_door_is_followed_when_somebody_keeps_traces() -> None:
    async def act(number: int) -> int:
        return number + 1

    assert followed(act, UNTRACED, "mqtt") is act
    with keeping() as kept:
        assert await followed(act, kept, "mqtt")(1) == 2
        assert [one.name for one in kept.spans()] == ["mqtt"]


@post("/things/{name:str}")
async def takes(name: FromPath[str]) -> str:
    if name == "down":
        raise EngineDown("canary: it is down")
    return name


@get("/things/{name:str}")
async def shows(name: FromPath[str]) -> str:
    return name


async def requests(kept: Kept) -> None:
    routers = [
        Router("/", route_handlers=[Router("/v1", route_handlers=[takes])], middleware=following(kept)),
        Router("/v1", route_handlers=[shows]),
    ]
    handlers = [Router("/", route_handlers=routers)]
    async with create_async_test_client(handlers, exception_handlers=HANDLERS) as client:
        sent = {"traceparent": SENT}
        assert (await client.post("/v1/things/canary?of=canary", headers=sent)).status_code == 201
        assert (await client.post("/v1/things/down")).status_code == 503
        assert (await client.get("/v1/things/canary", headers=sent)).status_code == 200


async def test_requests_of_sources_are_followed_and_what_people_read_is_not() -> None:
    with keeping() as kept:
        await requests(kept)
        first, second = kept.spans()
        route = {"http.request.method": "POST", "http.route": "/v1/things/{name}"}
        assert first.name == second.name == "POST /v1/things/{name}"
        assert (parent(first), parent(second)) == (SENT, "")
        assert told(first) == {**route, "http.response.status_code": 201}
        assert told(second)["http.response.status_code"] == 503
        assert not second.status.is_ok
        assert "canary" not in first.to_json() + second.to_json()
        assert place(first)[3:35] == SENT[3:35]


async def test_a_request_follows_from_one_cause_however_many_it_names() -> None:
    async def app(*_: object) -> None:
        pass

    others = [f"00-{number:032x}-{number:016x}-01" for number in range(1, 40)]
    scope = {"path_template": "/v1", "headers": [(b"traceparent", text.encode()) for text in (SENT, *others)]}
    with keeping() as kept:
        await Followed(app, kept)(scope, app, app)  # type: ignore[arg-type]

        assert (parent(kept.only("POST /v1")), links(kept.only("POST /v1"))) == (SENT, [])
