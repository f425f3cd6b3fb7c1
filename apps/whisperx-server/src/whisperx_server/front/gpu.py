"""What the graphics cards say about themselves, for the health answer: never slow, never a failure."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from contextlib import suppress
from typing import Final

import pynvml

logger = logging.getLogger(__name__)

MAX_AGE_S: Final = 2.0
DEADLINE_S: Final = 1.0

Gpu = dict[str, object]


class GpuStatus:
    """Asks the driver at most every two seconds. An answer that comes late is used the next time."""

    def __init__(self) -> None:
        self._known: list[Gpu] | None = None
        self._asked_at = float("-inf")
        self._answer: asyncio.Future[list[Gpu] | None] | None = None

    async def gpus(self) -> list[Gpu] | None:
        """The cards, or None where there is no driver or it does not answer."""
        if self._answer is None and time.monotonic() - self._asked_at >= MAX_AGE_S:
            self._ask()
        if self._answer is not None:
            await asyncio.wait([self._answer], timeout=DEADLINE_S)
        return self._known

    def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()

        def ask() -> None:
            answer = _read()
            with suppress(RuntimeError):  # The server has ended meanwhile.
                loop.call_soon_threadsafe(self._take, answer)

        # Not one of the pool's threads: those are waited for at the end, and a driver that hangs would hold it up.
        threading.Thread(target=ask, name="gpu-status", daemon=True).start()

    def _take(self, answer: list[Gpu] | None) -> None:
        self._known = answer
        self._asked_at = time.monotonic()
        if self._answer is not None:
            self._answer.set_result(answer)
            self._answer = None


def _read() -> list[Gpu] | None:
    try:
        pynvml.nvmlInit()
        try:
            return [_read_one(index) for index in range(pynvml.nvmlDeviceGetCount())]
        finally:
            pynvml.nvmlShutdown()
    except Exception as error:  # noqa: BLE001 whatever a driver comes up with, the server is well without it
        logger.debug("no graphics card can be asked: %s", type(error).__name__)
        return None


def _read_one(index: int) -> Gpu:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return {
        "index": index,
        "name": str(pynvml.nvmlDeviceGetName(handle)),
        "total_mb": memory.total >> 20,
        "used_mb": memory.used >> 20,
        "free_mb": memory.free >> 20,
        "utilization": pynvml.nvmlDeviceGetUtilizationRates(handle).gpu,
    }
