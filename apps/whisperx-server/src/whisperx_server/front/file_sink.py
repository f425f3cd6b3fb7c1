"""Bytes on their way to a file, counted against a limit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from whisperx_server.errors import Code, ServiceError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

BUFFER_BYTES: Final = 1 << 20


class FileSink:
    """Writes in large pieces on a thread, so that a slow disk holds up this file and nothing else."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._file = path.open("xb", buffering=0)
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self.size = 0

    async def __aenter__(self) -> FileSink:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self._flush()
        finally:
            self._file.close()

    def take(self, data: bytes) -> None:
        """Takes bytes; call `drain` before the next.

        Raises:
            ServiceError: `PAYLOAD_TOO_LARGE`
        """
        self.size += len(data)
        if self.size > self._max_bytes:
            limit = self._max_bytes // (1 << 20)
            raise ServiceError(Code.PAYLOAD_TOO_LARGE, f"The audio is larger than the {limit} MB that are taken.")
        self._buffer += data

    async def drain(self) -> None:
        """Writes when enough has come together."""
        if len(self._buffer) >= BUFFER_BYTES:
            await self._flush()

    async def _flush(self) -> None:
        data, self._buffer = self._buffer, bytearray()
        view = memoryview(data)
        while len(view) > 0:
            writing = asyncio.ensure_future(asyncio.to_thread(self._file.write, view))
            try:
                written = await asyncio.shield(writing)
            except asyncio.CancelledError:
                # The thread writes on: the file must not be closed under it.
                await asyncio.wait([writing])
                raise
            view = view[written:]
