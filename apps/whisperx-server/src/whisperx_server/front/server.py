"""The process around the application: its socket, its signals, its end."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING, Final

import uvicorn

from whisperx_server.front.app import create_app
from whisperx_server.front.http_protocol import protocol_with_deadline
from whisperx_server.front.service import Service

if TYPE_CHECKING:
    from types import FrameType

    from whisperx_server.settings import Settings

logger = logging.getLogger(__name__)

MAX_CONNECTIONS: Final = 1000
GRACEFUL_S: Final = 5


class DrainingServer(uvicorn.Server):
    """On the first signal finishes what runs while it still answers probes; on the second it ends."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._loop = asyncio.get_running_loop()
        self._drain: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See uvicorn, whose own way closes the port at once."""
        if self._service.draining:
            super().handle_exit(sig, frame)
        else:
            self._service.draining = True
            self._loop.call_soon_threadsafe(self._begin_drain)

    def _begin_drain(self) -> None:
        logger.info("draining")
        self._drain = self._loop.create_task(self._drain_and_exit())

    async def _drain_and_exit(self) -> None:
        try:
            await self._service.drain()
        finally:
            self.should_exit = True


async def serve(settings: Settings) -> None:
    """Serves until a signal comes.

    Raises:
        OSError: the address is in use, or the spool cannot be made.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.create_server((settings.host, settings.port), family=family, backlog=256) as listener:
        service = Service(settings)
        config = uvicorn.Config(
            create_app(service),
            http=protocol_with_deadline(settings.upload_idle_s),
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=GRACEFUL_S,
            limit_concurrency=MAX_CONNECTIONS,
        )
        host, port = listener.getsockname()[:2]
        logger.info("listening on http://%s:%d", f"[{host}]" if ":" in host else host, port)
        if settings.api_key is None and host not in ("127.0.0.1", "::1"):
            logger.warning("API_KEY is not set: whoever reaches this port may use it")
        await DrainingServer(config, service).serve(sockets=[listener])


def run(settings: Settings) -> None:
    """Serves in this process."""
    asyncio.run(serve(settings))
