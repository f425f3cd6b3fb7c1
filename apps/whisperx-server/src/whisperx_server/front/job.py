"""One request's work: fetch, decode, wait for the turn, have it transcribed, tell all of it."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from whisperx_server import __version__
from whisperx_server.errors import Code, ServiceError
from whisperx_server.front.decode import BYTES_PER_SECOND, decode, refuse_too_long
from whisperx_server.front.media_type import RawPcm
from whisperx_server.front.outbox import Outbox
from whisperx_server.front.spool import remove
from whisperx_server.front.stop import Stop
from whisperx_server.front.url_fetch import fetch
from whisperx_server.protocol import Done, Language, Progress, Transcribe, Warn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from whisperx_server.front.job_queue import Ticket
    from whisperx_server.front.metrics import Metrics
    from whisperx_server.front.upload import Upload
    from whisperx_server.front.worker_process import WorkerProcess
    from whisperx_server.protocol import Report
    from whisperx_server.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tools:
    """What every job works with."""

    settings: Settings
    worker: WorkerProcess
    metrics: Metrics
    decoding: asyncio.Semaphore
    next_id: Callable[[], int]


@dataclass(slots=True, eq=False)
class Job:
    """Owns its ticket, its folder and its events from the time its body is complete."""

    request_id: str
    model: str
    upload: Upload
    folder: Path
    ticket: Ticket
    tools: Tools
    outbox: Outbox = field(default_factory=Outbox)
    stop: Stop = field(default_factory=Stop)
    _timings_ms: dict[str, int] = field(default_factory=dict)
    _duration_s: float = 0.0

    async def run(self) -> None:
        """Does the work. Everything that happens, failures too, is told through the outbox."""
        began = time.monotonic()
        timer = self._start_timer(self.upload.options.timeout_s)
        outcome = "completed"
        try:
            await self._run()
        except ServiceError as error:
            outcome = error.code.value.lower()
            self.outbox.end("error", error=error.body(self.request_id))
        except BaseException as error:
            outcome = "internal"
            failure = ServiceError(Code.INTERNAL, "The server failed; its log says where.")
            self.outbox.end("error", error=failure.body(self.request_id))
            if not isinstance(error, Exception):
                raise
            logger.exception("job %s failed", self.request_id)
        finally:
            timer.cancel()
            self.ticket.leave()
            self.tools.metrics.job_ended(outcome, self._duration_s, self._timings_ms)
            seconds = time.monotonic() - began
            logger.info("job %s: %s after %.1f s, %.1f s audio", self.request_id, outcome, seconds, self._duration_s)
            await asyncio.shield(asyncio.to_thread(remove, self.folder))

    async def _run(self) -> None:
        self.ticket.on_position = self._tell_position
        self.ticket.join()
        pcm = await self.stop.unless(self._prepare())
        with self._measured("queue"):
            await self.stop.unless(self.ticket.turn())
        timer = self._start_timer(self.tools.settings.job_timeout_s)
        try:
            done = await self._transcribe(pcm)
        finally:
            timer.cancel()
        self._timings_ms |= done.timings_ms
        self.outbox.end("result", result=self._result(done))

    async def _prepare(self) -> Path:
        """The samples' file."""
        upload, settings = self.upload, self.tools.settings
        with self._measured("decode"):
            if upload.url is not None:
                self._tell_decoding("downloading")
                await fetch(upload.url, upload.path, settings)
            async with self.tools.decoding:
                if isinstance(upload.kind, RawPcm) and upload.kind.is_ready:
                    pcm, size = upload.path, (await asyncio.to_thread(upload.path.stat)).st_size
                    refuse_too_long(size, settings)
                    self._duration_s = size // 2 * 2 / BYTES_PER_SECOND
                else:
                    self._tell_decoding(None)
                    pcm = self.folder / "samples"
                    decoded = await decode(upload.path, upload.kind, pcm, settings)
                    await asyncio.to_thread(upload.path.unlink)
                    self._duration_s = decoded.duration_s
                    if decoded.damaged:
                        self.outbox.warn("AUDIO_DAMAGED", "Parts of the file could not be read and are missing.")
        self.outbox.put("audio", duration_s=round(self._duration_s, 3))
        return pcm

    async def _transcribe(self, pcm: Path) -> Done:
        worker = self.tools.worker
        options = self.upload.options
        work = Transcribe(id=self.tools.next_id(), pcm_path=str(pcm), model=self.model, options=options)
        return await worker.execute(work, self.stop, self._take)

    def _take(self, report: Report) -> None:
        match report:
            case Progress():
                self.outbox.progress(
                    phase=report.phase, percent=report.percent, overall=report.overall, detail=report.detail
                )
            case Language():
                self.outbox.put("language", code=report.code, probability=report.probability)
            case Warn():
                self.outbox.warn(report.code, report.message)

    def _result(self, done: Done) -> dict[str, object]:
        description = self.tools.worker.description
        library = {} if description is None else description.versions
        return {
            "request_id": self.request_id,
            **done.result,
            "timings_ms": self._timings_ms,
            "versions": {"service": __version__, **library},
            "warnings": self.outbox.warnings,
        }

    def _tell_position(self, position: int) -> None:
        self.outbox.progress(phase="queued", percent=None, overall=0.0, position=position)

    def _tell_decoding(self, detail: str | None) -> None:
        self.outbox.progress(phase="decoding", percent=None, overall=0.0, detail=detail)

    def _start_timer(self, seconds: float | None) -> asyncio.TimerHandle:
        """Calls for the end after that time; a handle of no effect where there is none."""
        loop = asyncio.get_running_loop()
        if seconds is None:
            handle = loop.call_later(0, lambda: None)
            handle.cancel()
            return handle
        late = ServiceError(Code.TIMEOUT, f"The request took longer than {seconds:g} seconds.")
        return loop.call_later(seconds, self.stop.call, late)

    def _measured(self, name: str) -> _Measured:
        return _Measured(self._timings_ms, name)


@dataclass(slots=True)
class _Measured:
    """Writes down how long a block took, in milliseconds."""

    timings_ms: dict[str, int]
    name: str
    _began: float = 0.0

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_exception: object) -> None:
        self.timings_ms[self.name] = round((time.monotonic() - self._began) * 1000)
