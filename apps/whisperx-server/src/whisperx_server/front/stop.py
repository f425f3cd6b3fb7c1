"""Why and when a request is to end before its work is done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from whisperx_server.errors import ServiceError

T = TypeVar("T")


class Stop:
    """Called for once, by whoever comes first: the client, an operator, a deadline, the server's end."""

    def __init__(self) -> None:
        self._called: asyncio.Future[ServiceError] = asyncio.get_running_loop().create_future()

    @property
    def reason(self) -> ServiceError | None:
        """Why, once it was called for."""
        return self._called.result() if self._called.done() else None

    def call(self, reason: ServiceError) -> None:
        """Calls for the end; the first reason counts."""
        if not self._called.done():
            self._called.set_result(reason)

    async def wait_for_either(self, other: asyncio.Future[T]) -> None:
        """Waits for the call or for `other`, which is left as it is."""
        futures: list[asyncio.Future[Any]] = [self._called, other]
        await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)

    async def unless(self, work: Coroutine[object, object, T]) -> T:
        """Does the work, and breaks it off when the end is called for.

        Raises:
            ServiceError: the reason of the call.
        """
        task = asyncio.create_task(work)
        try:
            await self.wait_for_either(task)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if self._called.done():
            if not task.cancelled():
                # Its failure does not matter any more; asking for it keeps it out of the log.
                task.exception()
            raise self._called.result()
        return task.result()
