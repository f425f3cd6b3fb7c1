"""The one worker process: started, watched, killed when it does not stop, started again when it died."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import socket
import sys
import time
from asyncio.subprocess import DEVNULL
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from whisperx_server.errors import Code, ServiceError
from whisperx_server.protocol import (
    LENGTH_BYTES,
    MAX_FRAME_BYTES,
    Cancel,
    Description,
    Done,
    Failed,
    Holds,
    Ready,
    Spent,
    Start,
    frame,
    parse_report,
)

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable

    from whisperx_server.front.stop import Stop
    from whisperx_server.protocol import Message, Report, Work

logger = logging.getLogger(__name__)

MIN_BACKOFF_S: Final = 0.2
MAX_BACKOFF_S: Final = 30.0
SOUND_AFTER_S: Final = 10.0
"""A worker that lived that long did not die of its start."""

EXIT_DEADLINE_S: Final = 30.0

CLOSING_S: Final = 1.0
"""A worker that has closed its socket is about to end by itself, with a code that says why."""

PACKAGE_FOLDER: Final = str(Path(__file__).resolve().parents[2])

SECRETS_OF_THE_FRONT: Final = ("API_KEY", "HF_TOKEN")


@dataclass(slots=True)
class _Running:
    work: Work
    on_report: Callable[[Report], None]
    end: asyncio.Future[Done]


@dataclass(slots=True)
class WorkerCounts:
    """What happened to workers so far."""

    starts: int = 0
    crashes: int = 0
    kills: int = 0
    recycled: int = 0


@dataclass(slots=True, eq=False)
class WorkerProcess:
    """Keeps one worker alive from `start` to `stop` and gives it one command at a time."""

    hello: Start
    start_timeout_s: float
    cancel_grace_s: float
    description: Description | None = None
    """What the library can do; known from the first start on."""
    holds: Holds = field(default_factory=Holds)
    counts: WorkerCounts = field(default_factory=WorkerCounts)
    failed_starts: int = 0
    """In a row."""
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _process: Process | None = None
    _writer: asyncio.StreamWriter | None = None
    _running: _Running | None = None
    _watcher: asyncio.Task[None] | None = None
    _expects_end: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether a command can be given now."""
        return self._ready.is_set()

    @property
    def current(self) -> Work | None:
        """What it is doing."""
        return None if self._running is None else self._running.work

    def start(self) -> None:
        """Starts the worker and whoever watches it."""
        self._watcher = asyncio.create_task(self._watch(), name="worker-process")

    async def stop(self) -> None:
        """Ends the worker for good."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
            self._watcher = None

    async def wait_ready(self, timeout_s: float | None = None) -> None:
        """Waits for a worker that takes commands.

        Raises:
            ServiceError: `WORKER_CRASHED`, none came in that time, by default that of a start.
        """
        try:
            async with asyncio.timeout(self.start_timeout_s if timeout_s is None else timeout_s):
                await self._ready.wait()
        except TimeoutError:
            raise ServiceError(Code.WORKER_CRASHED, "The worker process does not start. Try again later.") from None

    async def execute(self, work: Work, stop: Stop, on_report: Callable[[Report], None]) -> Done:
        """Has one command done. Returns or raises only when the worker is free again, or gone.

        Raises:
            ServiceError: it failed, the worker died, or `stop` was called for; then with the reason of that.
        """
        if self._running is not None:
            raise RuntimeError("the worker does one command at a time")
        while not self.is_ready:
            await stop.unless(self.wait_ready())
        running = self._running = _Running(work, on_report, asyncio.get_running_loop().create_future())
        try:
            self._send(work)
            await stop.wait_for_either(running.end)
            if not running.end.done():
                await self._break_off(running)
            return self._outcome(running, stop)
        finally:
            self._running = None
            if not running.end.done():
                # Whoever asked was torn down itself: nobody else may meet this command's answers.
                running.end.cancel()
                self._kill()

    def _outcome(self, running: _Running, stop: Stop) -> Done:
        if running.end.done() and running.end.exception() is None:
            return running.end.result()
        if stop.reason is not None:
            raise stop.reason
        return running.end.result()

    async def _break_off(self, running: _Running) -> None:
        """Asks the worker to stop, and kills it when it does not."""
        self._send(Cancel(id=running.work.id))
        await asyncio.wait([running.end], timeout=self.cancel_grace_s)
        if not running.end.done():
            logger.warning("the worker does not stop and is killed")
            self._kill()
            await asyncio.wait([running.end], timeout=2 * EXIT_DEADLINE_S)

    def _kill(self) -> None:
        self._ready.clear()
        if self._process is not None and self._process.returncode is None:
            self.counts.kills += 1
            self._expects_end = True
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def _send(self, message: Message) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(frame(message))

    async def _watch(self) -> None:
        backoff_s = MIN_BACKOFF_S
        while True:
            began = time.monotonic()
            was_ready = await self._live()
            self.failed_starts = 0 if was_ready else self.failed_starts + 1
            if self._expects_end or (was_ready and time.monotonic() - began >= SOUND_AFTER_S):
                backoff_s = MIN_BACKOFF_S
                continue
            await asyncio.sleep(backoff_s * random.uniform(0.5, 1.0))  # noqa: S311 spreads restarts, hides nothing
            backoff_s = min(2 * backoff_s, MAX_BACKOFF_S)

    async def _live(self) -> bool:
        """One worker's life; whether it ever was ready."""
        self._expects_end = False
        self.counts.starts += 1
        ours, theirs = socket.socketpair()
        reader: asyncio.StreamReader | None = None
        was_ready = False
        try:
            with theirs:
                self._process = await _spawn(theirs)
            reader, self._writer = await asyncio.open_unix_connection(sock=ours)
            self._send(self.hello)
            was_ready = await self._listen(reader)
        finally:
            self._ready.clear()
            self.holds = Holds()
            await self._bury(ours)
        return was_ready

    async def _listen(self, reader: asyncio.StreamReader) -> bool:
        """Takes reports until the socket ends; whether the worker was ready."""
        was_ready = False
        try:
            async with asyncio.timeout(self.start_timeout_s):
                while not self.is_ready:
                    self._take(await _receive(reader))
            was_ready = True
            while True:
                self._take(await _receive(reader))
        except (EOFError, OSError, TimeoutError):
            return was_ready
        except ValueError:
            # Not the report itself: it may quote the transcript.
            logger.error("the worker said what cannot be understood")  # noqa: TRY400
            return was_ready

    def _take(self, report: Report) -> None:
        running = self._running
        match report:
            case Holds():
                self.holds = report
            case Spent():
                # A command that was sent meanwhile is on its way: keep the process then.
                if running is None:
                    self.counts.recycled += 1
                    self._ready.clear()
                    self._expects_end = True
                    if self._writer is not None:
                        self._writer.close()
            case Ready():
                self.description = report.description
                self._ready.set()
            case _ if running is None or report.id != running.work.id or running.end.done():
                pass
            case Done():
                running.end.set_result(report)
            case Failed():
                if report.fatal:
                    self._ready.clear()
                running.end.set_exception(ServiceError(report.code, report.message, report.phase))
            case _:
                running.on_report(report)

    async def _bury(self, ours: socket.socket) -> None:
        """Makes sure that the process is gone and that whoever waits for it learns it."""
        process, self._process = self._process, None
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None
        ours.close()
        if process is not None:
            code = await _end(process)
            if not self._expects_end and self._watcher is not None and not self._watcher.cancelling():
                self.counts.crashes += 1
                logger.error("the worker ended by itself with code %s", code)
        running = self._running
        if running is not None and not running.end.done():
            message = "The worker process died. Its other requests are not touched; try again."
            running.end.set_exception(ServiceError(Code.WORKER_CRASHED, message))


async def _spawn(theirs: socket.socket) -> Process:
    environment = {name: value for name, value in os.environ.items() if name not in SECRETS_OF_THE_FRONT}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [PACKAGE_FOLDER, environment.get("PYTHONPATH")]))
    # Reports of what users do, file lengths and numbers of speakers among it, would go to the library's makers.
    environment.setdefault("PYANNOTE_METRICS_ENABLED", "0")
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "whisperx_server.worker",
        str(theirs.fileno()),
        stdin=DEVNULL,
        stdout=DEVNULL,
        pass_fds=(theirs.fileno(),),
        env=environment,
        start_new_session=True,
    )


async def _end(process: Process) -> int | None:
    """Waits for a process that has closed its socket, and kills it when it goes on; its exit code.

    None for one that is stuck in the kernel, on a device that went away.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSING_S):
            return await process.wait()
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    try:
        async with asyncio.timeout(EXIT_DEADLINE_S):
            return await process.wait()
    except TimeoutError:
        logger.error("the worker is killed and does not end")  # noqa: TRY400 there is nothing more to say
        return None


async def _receive(reader: asyncio.StreamReader) -> Report:
    length = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
    if length > MAX_FRAME_BYTES:
        raise ValueError("a report is too long")
    return parse_report(await reader.readexactly(length))
