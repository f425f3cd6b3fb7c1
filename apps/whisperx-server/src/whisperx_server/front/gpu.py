"""What the graphics cards say about themselves, for the health answer: never slow, never a failure."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

import pynvml

logger = logging.getLogger(__name__)

MAX_AGE_S: Final = 2.0
DEADLINE_S: Final = 1.0

Gpu = dict[str, object]


class GpuStatus:
    """Asks the driver at most every two seconds, on a thread. An answer that comes late is used the next time."""

    def __init__(self) -> None:
        self._known: list[Gpu] | None = None
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def gpus(self) -> list[Gpu] | None:
        """The cards, or None where there is no driver or it does not answer."""
        if self._asking is None and time.monotonic() - self._asked_at >= MAX_AGE_S:
            self._asking = asyncio.create_task(self._ask())
        if self._asking is not None:
            await asyncio.wait([self._asking], timeout=DEADLINE_S)
        return self._known

    async def _ask(self) -> None:
        try:
            self._known = await asyncio.to_thread(_read)
        except pynvml.NVMLError:
            self._known = None
        finally:
            self._asked_at = time.monotonic()
            self._asking = None


def _read() -> list[Gpu]:
    pynvml.nvmlInit()
    try:
        return [_read_one(index) for index in range(pynvml.nvmlDeviceGetCount())]
    finally:
        pynvml.nvmlShutdown()


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
