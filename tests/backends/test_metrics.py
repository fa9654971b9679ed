"""Each process tells its own metrics, and one address tells them all."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tutela.backends.metrics import STALE, Gathered, Meters, clear, serve


def samples(folder: Path) -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels["process"]): sample.value
        for family in Gathered(folder).collect()
        for sample in family.samples
    }


def test_what_two_processes_count_is_told_apart(tmp_path: Path) -> None:
    for name, count in (("work-1", 3), ("work-2", 4)):
        meters = Meters()
        meters.detections.labels("smoke").inc(count)
        meters.write(tmp_path / f"{name}.prom")

    told = samples(tmp_path)

    assert told["tutela_detections_total", "work-1"] == 3
    assert told["tutela_detections_total", "work-2"] == 4
    assert told["process_cpu_seconds_total", "work-1"] >= 0


def test_a_process_that_is_gone_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keep.prom"
    Meters().write(path)
    assert samples(tmp_path)

    then = path.stat().st_mtime - STALE - 1
    os.utime(path, (then, then))
    assert samples(tmp_path) == {}


def test_a_file_that_can_not_be_read_leaves_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "bad.prom").write_text("this is { no metric\n")
    Meters().write(tmp_path / "good.prom")

    assert {process for _, process in samples(tmp_path)} == {"good"}
    assert "the metrics of bad are left out" in caplog.text


def test_the_files_of_an_earlier_life_are_removed(tmp_path: Path) -> None:
    folder = clear(tmp_path / "metrics")
    Meters().write(folder / "serve.prom")

    assert list(clear(folder).iterdir()) == []


def test_metrics_are_told_on_loopback_as_prometheus_reads_them(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    meters = Meters()
    meters.acknowledged.labels("telemetry").observe(0.1)
    meters.write(tmp_path / "serve.prom")
    serve(tmp_path, port)

    answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
    found = {family.name: family for family in text_string_to_metric_families(answer.text)}

    assert answer.status_code == 200
    assert found["tutela_acknowledgement_seconds"].type == "histogram"
    assert {sample.labels.get("le") for sample in found["tutela_acknowledgement_seconds"].samples} >= {"0.15", "+Inf"}
