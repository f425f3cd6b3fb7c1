"""All that the server does, apart from HTTP."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from typing import TYPE_CHECKING, Final

from whisperx_server import __version__
from whisperx_server.errors import Code, ServiceError
from whisperx_server.front.catalogue import Catalogue
from whisperx_server.front.gpu import GpuStatus
from whisperx_server.front.job import Job, Tools
from whisperx_server.front.job_queue import JobQueue
from whisperx_server.front.metrics import Metrics
from whisperx_server.front.spool import Spool, remove
from whisperx_server.front.stop import Stop
from whisperx_server.front.upload import receive_upload
from whisperx_server.front.url_fetch import check_url
from whisperx_server.front.worker_process import WorkerProcess
from whisperx_server.protocol import Load, Start, Transcribe, Unload

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from starlette.requests import Request

    from whisperx_server.protocol import Work
    from whisperx_server.settings import Settings

logger = logging.getLogger(__name__)

MAX_DECODERS: Final = 2
ENDING_S: Final = 10.0


class Service:
    """Owns the worker, the queue, the spool and every job, from `start` to `stop`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.queue = JobQueue(settings.queue_capacity)
        self.worker = WorkerProcess(hello(settings), settings.worker_start_timeout_s, settings.cancel_grace_s)
        self.metrics = Metrics(self.queue, self.worker)
        self.draining = False
        self._spool = Spool(settings.spool_dir)
        self._gpu = GpuStatus()
        self._ids = itertools.count(1)
        decoding = asyncio.Semaphore(MAX_DECODERS)
        self._tools = Tools(settings, self.worker, self.metrics, decoding, lambda: next(self._ids))
        self._jobs: dict[str, set[Job]] = {}
        # Requests whose body is still on its way.
        self._entering: dict[str, set[Stop]] = {}
        self._own_work: set[Stop] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._began = time.monotonic()
        self._preloading: asyncio.Task[None] | None = None
        self._preload_failed = False

    def start(self) -> None:
        """Starts the worker, and loads what is to be there from the start."""
        self.worker.start()
        self._preloading = self._in_background(self._preload())

    async def stop(self) -> None:
        """Ends everything, within seconds."""
        self._stop_jobs(ServiceError(Code.DRAINING, "The server stops."), only_waiting=False)
        await self._wait_for_tasks(ENDING_S)
        for task in self._tasks:
            task.cancel()
        await self.worker.stop()
        await self._wait_for_tasks(ENDING_S)
        self._spool.close()

    async def drain(self) -> None:
        """Takes nothing more in, sends away who waits, and lets the running job finish within the grace time."""
        self.draining = True
        reason = ServiceError(Code.DRAINING, "The server stops. Try again, here later or elsewhere.")
        self.queue.close(reason)
        self._stop_jobs(reason, only_waiting=True)
        await self._wait_for_tasks(self.settings.drain_grace_s)
        self._stop_jobs(reason, only_waiting=False)
        await self._wait_for_tasks(self.settings.cancel_grace_s + ENDING_S)

    async def accept(self, request: Request, request_id: str) -> Job:
        """Takes a request in: its body to disk, its work begun.

        Raises:
            ServiceError: it is refused, or cancelled while its body was on its way.
            ClientDisconnect: the client left while it was sending.
        """
        ticket = self.queue.admit()
        folder = None
        stop = Stop()
        self._entering.setdefault(request_id, set()).add(stop)
        try:
            catalogue = await stop.unless(self.catalogue())
            folder = self._spool.new_folder()
            upload = await stop.unless(receive_upload(request, folder, self.settings, catalogue.judge))
            if upload.url is not None:
                await stop.unless(check_url(upload.url, self.settings.url_allowed_hosts))
            self.queue.refuse_if_closed()
            model = catalogue.model_named(upload.options.model)
            job = Job(request_id, model, upload, folder, ticket, self._tools)
        except BaseException:
            ticket.leave()
            if folder is not None:
                await asyncio.shield(asyncio.to_thread(remove, folder))
            raise
        finally:
            self._entering[request_id].discard(stop)
            if not self._entering[request_id]:
                del self._entering[request_id]
        job.outbox.put("accepted", request_id=request_id, model=model, queue_position=self.queue.ahead)
        self._jobs.setdefault(request_id, set()).add(job)
        self._in_background(self._run(job))
        return job

    def cancel(self, request_id: str) -> bool:
        """Cancels every job of that id; whether there was one."""
        stops = [*self._entering.get(request_id, ()), *(job.stop for job in self._jobs.get(request_id, ()))]
        for stop in stops:
            stop.call(ServiceError(Code.CANCELLED, "The request was cancelled."))
        return bool(stops)

    async def catalogue(self) -> Catalogue:
        """What is offered; known once a worker has started.

        Raises:
            ServiceError: `WORKER_CRASHED`, none starts.
        """
        if self.worker.description is None and self.worker.failed_starts == 0:
            await self.worker.wait_ready()
        if self.worker.description is None:
            raise ServiceError(Code.WORKER_CRASHED, "The worker process does not start. Try again later.")
        return Catalogue(self.settings, self.worker.description)

    async def load(self, name: str) -> str:
        """Loads a model when its turn comes and keeps it; its name.

        Raises:
            ServiceError: it cannot be loaded, or the queue is full.
        """
        model = (await self.catalogue()).model_named(name)
        await self._in_line(Load(id=next(self._ids), model=model))
        return model

    async def unload(self, name: str) -> str:
        """Drops a model; its name. Nothing to do where it is not loaded.

        Raises:
            ServiceError: `MODEL_BUSY` while a job uses it, `MODEL_NOT_FOUND`.
        """
        model = (await self.catalogue()).model_named(name)
        current = self.worker.current
        if isinstance(current, Transcribe | Load) and current.model == model:
            raise ServiceError(Code.MODEL_BUSY, "The model is in use.")
        if any(held.model == model for held in self.worker.holds.models):
            await self._in_line(Unload(id=next(self._ids), model=model))
        return model

    async def health(self) -> dict[str, object]:
        """How the server is; `status` first and always `ok`."""
        worker, queue, description = self.worker, self.queue, self.worker.description
        reason = "the worker has not started yet" if description is None else description.diarization_unavailable
        health: dict[str, object] = {
            "status": "ok",
            "service": "whisperx",
            "version": __version__,
            "uptime_s": round(time.monotonic() - self._began),
            "device": self.settings.device if description is None else description.device,
        }
        gpus = await self._gpu.gpus()
        if gpus is not None:
            health["gpus"] = gpus
        return health | {
            "queue": {
                "running": queue.running,
                "waiting": queue.waiting,
                "receiving": queue.receiving,
                "capacity": queue.capacity,
            },
            "models": {
                "loaded": [held.model for held in worker.holds.models],
                "align": worker.holds.align,
                "diarization": "loaded" if worker.holds.diarization else "unloaded",
            },
            "diarization_available": reason is None,
            "degraded": self.troubles(),
        }

    def troubles(self) -> list[str]:
        """Why the server is not ready; empty when it is."""
        troubles = []
        if self.draining:
            troubles.append("draining")
        if not self.worker.is_ready:
            troubles.append("worker_starting" if self.worker.failed_starts == 0 else "worker_does_not_start")
        if self._preloading is None or not self._preloading.done():
            troubles.append("preloading")
        if self._preload_failed:
            troubles.append("preload_failed")
        return troubles

    async def _preload(self) -> None:
        for model in self.settings.preload:
            try:
                await self.worker.wait_ready()
                await self._in_line(Load(id=next(self._ids), model=model), beyond_capacity=True)
            except ServiceError as error:
                self._preload_failed = True
                logger.error("model %s could not be preloaded: %s", model, error)  # noqa: TRY400 the error says it all

    async def _in_line(self, work: Work, *, beyond_capacity: bool = False) -> None:
        """Has the worker do it when its turn comes."""
        ticket = self.queue.admit(beyond_capacity=beyond_capacity)
        stop = Stop()
        self._own_work.add(stop)
        late = ServiceError(Code.TIMEOUT, "Loading the model took too long.")
        timer = asyncio.get_running_loop().call_later(self.settings.model_load_timeout_s, stop.call, late)
        try:
            ticket.join()
            await stop.unless(ticket.turn())
            await self.worker.execute(work, stop, lambda _report: None)
        finally:
            ticket.leave()
            timer.cancel()
            self._own_work.discard(stop)

    async def _run(self, job: Job) -> None:
        try:
            await job.run()
        finally:
            same_id = self._jobs[job.request_id]
            same_id.discard(job)
            if not same_id:
                del self._jobs[job.request_id]

    def _stop_jobs(self, reason: ServiceError, *, only_waiting: bool) -> None:
        for stop in self._own_work:
            stop.call(reason)
        for job in [job for jobs in self._jobs.values() for job in jobs]:
            if not (only_waiting and self.queue.is_running(job.ticket)):
                job.stop.call(reason)

    def _in_background(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _wait_for_tasks(self, timeout_s: float) -> None:
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=timeout_s)


def hello(settings: Settings) -> Start:
    """What the worker is told to be."""
    return Start(
        stages=settings.stages,
        device=settings.device,
        device_index=settings.device_index,
        threads=settings.cpu_threads,
        hf_token=settings.hf_token,
        own_models=dict(settings.own_models),
        align_models=dict(settings.align_models),
        diarization_model=settings.diarization_model,
        compute_type=settings.compute_type,
        batch_size=settings.batch_size,
        max_batch_size=settings.max_batch_size,
        model_idle_s=settings.model_idle_s,
    )
