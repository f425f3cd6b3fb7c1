"""Who may use the worker: first come, first served, in a line of bounded length."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from whisperx_server.errors import Code, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable


class Ticket:
    """A place that one request holds, from before its body is read until it is done. `leave` gives it back."""

    def __init__(self, line: JobQueue) -> None:
        self._line = line
        self._position: int | None = None
        self._turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.on_position: Callable[[int], None] = lambda _position: None
        """Told how many are before this one, at each change while it waits."""

    def join(self) -> None:
        """Stands in line: the body is complete."""
        self._line._join(self)  # noqa: SLF001 the two are one thing

    async def turn(self) -> None:
        """Waits until everyone before has left."""
        await asyncio.shield(self._turn)

    def leave(self) -> None:
        """Gives the place back; safe to repeat."""
        self._line._leave(self)  # noqa: SLF001

    def _stand(self, position: int) -> None:
        if position != self._position:
            self._position = position
            self.on_position(position)

    def _begin(self) -> None:
        if not self._turn.done():
            self._turn.set_result(None)


class JobQueue:
    """One runs, `capacity` more may be there. Who still sends a body holds a place too, but stands in no line yet."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._receiving: set[Ticket] = set()
        self._waiting: deque[Ticket] = deque()
        self._running: Ticket | None = None
        self._closed: ServiceError | None = None

    @property
    def running(self) -> int:
        """0 or 1."""
        return 0 if self._running is None else 1

    @property
    def waiting(self) -> int:
        """Those in line."""
        return len(self._waiting)

    @property
    def receiving(self) -> int:
        """Those whose bodies are on the way."""
        return len(self._receiving)

    @property
    def ahead(self) -> int:
        """How many would be done before one that joined now."""
        return self.running + self.waiting

    def is_running(self, ticket: Ticket) -> bool:
        """Whether it is that one's turn."""
        return self._running is ticket

    def admit(self, *, beyond_capacity: bool = False) -> Ticket:
        """Takes a place; the server's own work may take one more than there are.

        Raises:
            ServiceError: `QUEUE_FULL`, or what `close` was given.
        """
        self.refuse_if_closed()
        taken = self.running + self.waiting + self.receiving
        if taken > self.capacity and not beyond_capacity:
            raise ServiceError(Code.QUEUE_FULL, "The server has as many requests as it takes. Try again later.")
        ticket = Ticket(self)
        self._receiving.add(ticket)
        return ticket

    def refuse_if_closed(self) -> None:
        """For who was let in before it closed.

        Raises:
            ServiceError: what `close` was given.
        """
        if self._closed is not None:
            raise self._closed

    def close(self, reason: ServiceError) -> None:
        """Takes nobody in any more."""
        self._closed = reason

    def _join(self, ticket: Ticket) -> None:
        if ticket in self._receiving:
            self._receiving.discard(ticket)
            self._waiting.append(ticket)
            self._advance()

    def _leave(self, ticket: Ticket) -> None:
        self._receiving.discard(ticket)
        if ticket in self._waiting:
            self._waiting.remove(ticket)
        if self._running is ticket:
            self._running = None
        self._advance()

    def _advance(self) -> None:
        if self._running is None and self._waiting:
            self._running = self._waiting.popleft()
            self._running._begin()  # noqa: SLF001
        for position, ticket in enumerate(self._waiting, start=self.running):
            ticket._stand(position)  # noqa: SLF001
