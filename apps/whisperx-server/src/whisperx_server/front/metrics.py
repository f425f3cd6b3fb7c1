"""What operators watch, in Prometheus' format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prometheus_client.core import Metric

    from whisperx_server.front.job_queue import JobQueue
    from whisperx_server.front.worker_process import WorkerProcess

_STAGE_BUCKETS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


class Metrics:
    """The server's own registry, so that two servers in one process do not meet."""

    def __init__(self, queue: JobQueue, worker: WorkerProcess) -> None:
        # When a counter was made is of no use, and doubles what is scraped.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._jobs = Counter("whisperx_jobs", "Ended jobs by outcome.", ["outcome"], registry=self._registry)
        self._audio = Counter("whisperx_audio_seconds", "Audio of completed jobs.", registry=self._registry)
        self._refused = Counter(
            "whisperx_refused_requests", "Requests refused before they became jobs.", ["code"], registry=self._registry
        )
        self._stages = Histogram(
            "whisperx_stage_seconds",
            "Time of completed jobs in each stage.",
            ["stage"],
            buckets=_STAGE_BUCKETS,
            registry=self._registry,
        )
        self._registry.register(_Now(queue, worker))

    def job_ended(self, outcome: str, audio_s: float, timings_ms: Mapping[str, int]) -> None:
        """A job ended; `outcome` is `completed` or the error's code in small letters."""
        self._jobs.labels(outcome).inc()
        if outcome == "completed":
            self._audio.inc(audio_s)
            for stage, milliseconds in timings_ms.items():
                self._stages.labels(stage).observe(milliseconds / 1000)

    def refused(self, code: str) -> None:
        """A request was refused."""
        self._refused.labels(code.lower()).inc()

    def text(self) -> bytes:
        """All of it, as it is scraped."""
        return generate_latest(self._registry)


class _Now(Collector):
    """Values that are asked for when they are scraped."""

    def __init__(self, queue: JobQueue, worker: WorkerProcess) -> None:
        self._queue = queue
        self._worker = worker

    def collect(self) -> Iterable[Metric]:
        queue, worker = self._queue, self._worker
        jobs = GaugeMetricFamily("whisperx_jobs_now", "Jobs by state.", labels=["state"])
        jobs.add_metric(["running"], queue.running)
        jobs.add_metric(["waiting"], queue.waiting)
        jobs.add_metric(["receiving"], queue.receiving)
        yield jobs
        yield GaugeMetricFamily("whisperx_queue_capacity", "Jobs that may wait.", value=queue.capacity)
        yield GaugeMetricFamily("whisperx_worker_ready", "Whether the worker takes jobs.", value=int(worker.is_ready))
        held = GaugeMetricFamily("whisperx_models_loaded", "Models in memory by kind.", labels=["kind"])
        held.add_metric(["transcriber"], len(worker.holds.models))
        held.add_metric(["aligner"], len(worker.holds.align))
        held.add_metric(["diarizer"], int(worker.holds.diarization))
        yield held
        ends = CounterMetricFamily("whisperx_worker_ends", "Worker processes that ended, by reason.", labels=["reason"])
        ends.add_metric(["crashed"], worker.counts.crashes)
        ends.add_metric(["killed"], worker.counts.kills)
        ends.add_metric(["recycled"], worker.counts.recycled)
        yield ends
