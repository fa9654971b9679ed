"""A running city tells how it is, from source to alert, in numbers that move; and nothing that anybody said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.integration.running import Instance, Person, datastream, line, now, running, until

pytestmark = pytest.mark.integration

CANARY = "the canary sang at four"
Told = Mapping[str, Mapping[tuple[tuple[str, str], ...], float]]

PROMISED = {
    "tutela_acknowledgement_seconds_bucket": {"lane", "le"},
    "tutela_alerts": {"status"},
    "tutela_archive_lag_messages": {"stream"},
    "tutela_ballast_bytes": set(),
    "tutela_child_running": {"child"},
    "tutela_child_starts": {"child"},
    "tutela_dead_letters": set(),
    "tutela_detections_total": {"detector"},
    "tutela_detector_step_seconds_bucket": {"detector", "le"},
    "tutela_disk_free_bytes": {"disk"},
    "tutela_disk_size_bytes": {"disk"},
    "tutela_engine_answer_seconds": {"engine"},
    "tutela_engine_up": {"engine"},
    "tutela_log_events": {"state"},
    "tutela_outbox_rows": set(),
    "tutela_policy_decisions_total": {"answer", "policy"},
    "tutela_refused_rows_total": {"reason"},
    "tutela_rows_total": {"source"},
    "tutela_sealing_lag_seconds": set(),
    "tutela_sealing_seconds_bucket": {"le"},
    "tutela_worker_lag_messages": {"stage", "partition"},
}
"""Every metric that docs/how-to/watch-the-platform.md names, with its labels."""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("measured") / "data", "--empty") as instance:
        yield instance


def scrape(town: Instance) -> Told:
    """All samples, by name and labels; read by Prometheus' own parser."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(httpx.get(town.metrics).text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def value(told: Told, name: str, **labels: str) -> float:
    """The sum of the samples with these labels."""
    wanted = set(labels.items())
    return sum(number for own, number in told.get(name, {}).items() if wanted <= set(own))


@pytest.fixture(scope="module")
def told(town: Instance) -> Told:
    """The metrics after one smoke was seen, a row was refused, a call was taken, and somebody read what they may."""
    sensors = town.enter("measured", datastream("measured/pm25", "pm25", unit="ug/m3"))
    sensors.known("measured/pm25")
    callers = town.enter("callers", kind="calls", purposes=["emergency-response"], personal_data=True)
    operator: Person = town.come_in(town.codes["operator"], "Aino")
    operator.do("/v1/shift", {"budget": 600})
    sensors.take(line("measured/pm25", 320.5, unit="ug/m3"))
    sensors.post(line("measured/nobody", 1))
    callers.call(id="c", at=now(), lat=60.17, lon=24.94, category="EMS: FALL", said=CANARY, caller=CANARY)
    operator.ask("/v1/health", method="GET")
    until(operator.queue, "the alert is shown")

    moved = {
        "tutela_rows_total": {"source": "measured"},
        "tutela_refused_rows_total": {},
        "tutela_acknowledgement_seconds_count": {"lane": "facts"},
        "tutela_detections_total": {"detector": "smoke"},
        "tutela_detector_step_seconds_count": {"detector": "smoke"},
        "tutela_policy_decisions_total": {"answer": "permitted"},
        "tutela_sealing_seconds_count": {},
        "tutela_alerts": {"status": "new"},
    }

    def all_moved() -> Told | None:
        now_ = scrape(town)
        return now_ if all(value(now_, name, **labels) > 0 for name, labels in moved.items()) else None

    found: Told = until(all_moved, f"all of {sorted(moved)} move")
    return found


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_each_promised_metric_is_told_with_its_labels(told: Told, name: str) -> None:
    assert {label for labels in told[name] for label, _ in labels} == PROMISED[name] | {"process"}


def test_metrics_move_with_what_happens(town: Instance, told: Told) -> None:
    sensors = town.enter("moving", datastream("moving/pm25", "pm25", unit="ug/m3"))
    sensors.known("moving/pm25")
    sensors.take(*(line("moving/pm25", 1.0, now(-1 - number)) for number in range(7)))

    until(lambda: value(scrape(town), "tutela_rows_total", source="moving") >= 8, "the rows are counted")
    until(
        lambda: value(scrape(town), "tutela_worker_lag_messages", stage="detect") <= 32,
        "the workers are not far behind",
    )
    assert value(told, "tutela_engine_up", engine="nats") == value(told, "tutela_engine_up", engine="postgres") == 1
    assert value(told, "tutela_child_running", child="serve") == 1
    assert value(told, "tutela_disk_free_bytes", disk="data") > 0
    assert value(told, "tutela_ballast_bytes") > 0


def test_no_metric_holds_what_anybody_said_or_who_they_are(town: Instance, told: Told) -> None:
    text = httpx.get(town.metrics).text

    assert told
    assert CANARY not in text
    assert "Aino" not in text


def test_metrics_are_on_loopback_and_not_at_the_door(town: Instance) -> None:
    assert town.metrics.startswith("http://127.0.0.1:")
    assert town.client().get("/metrics").status_code == 404
