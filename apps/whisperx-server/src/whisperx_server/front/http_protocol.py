"""uvicorn's HTTP with a deadline for the head of a request: by itself it waits for ever for who sends half of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio


class DeadlineProtocol(H11Protocol):
    """Hangs up on a connection whose next request has begun, or should have begun, and does not get complete."""

    head_deadline_s: ClassVar[float] = 30.0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn itself
        """See asyncio."""
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        super().data_received(data)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._stop_timer()
        super().connection_lost(exc)

    def _watch_head(self) -> None:
        """Runs the timer while a head is awaited. Between requests nothing arrives, and uvicorn's own timer runs."""
        awaits_head = self.conn.their_state is h11.IDLE
        if not awaits_head:
            self._stop_timer()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_deadline_s, self.transport.close)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def protocol_with_deadline(seconds: float) -> type[H11Protocol]:
    """The protocol, for heads that may take so long."""
    return type("ConfiguredProtocol", (DeadlineProtocol,), {"head_deadline_s": seconds})
