"""Metrics: each process counts for itself and writes a file; one address on loopback gives them all, for Prometheus.

A file is text in Prometheus' exposition format, replaced at once each few seconds. Whoever gathers them adds which process said
it, and leaves out files that nobody has renewed: a process that is gone says nothing. Names of sources, detectors and
policies are labels; nothing of what anybody said, and nobody's name, ever is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, ProcessCollector
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
STALE = 15.0
"""Seconds after which a file counts for nothing."""

QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Buckets in seconds: the promise of 150 ms for an acknowledgement is one of them."""

STEPS = (0.00001, 0.0001, 0.001, 0.01, 0.1, 1.0)
"""Buckets in seconds of one step of one detector."""


class Meters:
    """All that is counted, in one process. A process uses those that are its own; the others say nothing."""

    def __init__(self) -> None:
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.acknowledged = self._histogram("acknowledgement_seconds", "From a request until it is durable.", "lane")
        self.decisions = self._counter("policy_decisions", "Decisions of the policies.", "answer", "policy")
        self.slowed = self._counter("slowed_requests", "Requests of people who asked too often.", "kind")
        self.step = self._histogram("detector_step_seconds", "One step of a detector.", "detector", buckets=STEPS)
        self.detections = self._counter("detections", "What detectors found, revisions included.", "detector")
        self.sealed = self._histogram("sealing_seconds", "The longest that an event of a round waited for its seal.")
        self.sealing = self._gauge("sealing_lag_seconds", "How long the oldest event waits to be sealed.")
        self.events = self._gauge("log_events", "Events in the log, sealed or waiting.", "state")
        self.unwitnessed = self._gauge(
            "cosignature_wait_seconds", "How long a checkpoint waits for a witness.", "witness"
        )
        self.audited = self._gauge("audited", "Whether the log was signed and cosigned within ten minutes: 1 or 0.")
        self.audited.set(1)
        self.spooled = self._gauge("calls_spooled", "Calls that wait beside the log, because it could not be written.")
        self.lag = self._gauge("worker_lag_messages", "Messages not worked off yet (live).", "stage", "partition")
        self.archive = self._gauge("archive_lag_messages", "Messages not archived yet.", "stream")
        self.alerts = self._gauge("alerts", "Open alerts (live).", "status")
        self.outbox = self._gauge("outbox_rows", "Committed and still to be sent.")
        self.letters = self._gauge("dead_letters", "Messages that could not be worked off and wait.")
        self.overdue = self._gauge("retention_overdue_rows", "Archived rows past their source's retention.")
        self.forgotten = self._counter("retention_rows", "Rows deleted since their time was over.", "source")
        self.up = self._gauge("engine_up", "Whether an engine answers (1) or not (0).", "engine")
        self.answer = self._gauge("engine_answer_seconds", "How long an engine took to answer.", "engine")
        self.free = self._gauge("disk_free_bytes", "Free for an ordinary user.", "disk")
        self.total = self._gauge("disk_size_bytes", "The size of a disk.", "disk")
        self.ballast = self._gauge("ballast_bytes", "Room that can be given back when the disk is full.")
        self.children = self._gauge("child_running", "Whether a supervised process runs and was ready.", "child")
        self.starts = self._gauge("child_starts", "How often a supervised process was started.", "child")

    def write(self, path: Path) -> None:
        """Put all of it into the file, at once or not at all."""
        new = path.with_suffix(".new")
        new.write_bytes(prometheus_client.generate_latest(self.registry))
        new.replace(path)

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(f"tutela_{name}", says, labels, registry=self.registry)

    def _gauge(self, name: str, says: str, *labels: str) -> Gauge:
        return Gauge(f"tutela_{name}", says, labels, registry=self.registry)

    def _histogram(self, name: str, says: str, *labels: str, buckets: tuple[float, ...] = QUICK) -> Histogram:
        return Histogram(f"tutela_{name}", says, labels, buckets=buckets, registry=self.registry)


class Gathered(Collector):
    """The files of a folder as one set of metrics; each sample says of which process it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Read them all."""
        found: dict[str, Metric] = {}
        for path in sorted(self._folder.glob("*.prom")):
            for family in _families(path):
                metric = found.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    metric.add_sample(sample.name, {**sample.labels, "process": path.stem}, sample.value)
        yield from found.values()


def serve(folder: Path, port: int) -> None:
    """Answer `GET /metrics` on loopback from now on, in a thread that ends with this process."""
    registry = CollectorRegistry()
    registry.register(Gathered(folder))
    prometheus_client.start_http_server(port, HOST, registry)


def clear(folder: Path) -> Path:
    """The folder for these files, without those of an earlier life."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for path in folder.glob("*.prom"):
        path.unlink(missing_ok=True)
    return folder


def _families(path: Path) -> list[Metric]:
    try:
        if time.time() - path.stat().st_mtime > STALE:
            return []
        return list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as wrong:
        log.warning("the metrics of %s are left out: %s", path.stem, wrong)
        return []
