"""The events of one request, from who makes them to who sends them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

MAX_WARNINGS: Final = 50

Event = dict[str, object]


class Outbox:
    """Holds what a slow reader has not taken yet: everything that matters, and of the progress only the last."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._events: list[Event] = []
        self._progress: Event | None = None
        self._changed = asyncio.Event()
        self._ended = False
        self._sent = 0
        self._overall = 0.0
        self.warnings: list[Event] = []

    @property
    def ended(self) -> bool:
        """Whether the last event is in."""
        return self._ended

    def put(self, kind: str, **fields: object) -> None:
        """An event that the reader gets in any case, after what was put before."""
        if self._ended:
            return
        self._flush_progress()
        self._add(self._event(kind, fields))

    def warn(self, code: str, message: str) -> None:
        """A warning: an event, and part of the result."""
        if len(self.warnings) < MAX_WARNINGS:
            self.warnings.append({"code": code, "message": message})
            self.put("warning", code=code, message=message)

    def progress(self, **fields: object) -> None:
        """Progress; replaces what was not sent yet. The whole never falls."""
        if self._ended:
            return
        overall = fields.get("overall")
        self._overall = max(self._overall, overall if isinstance(overall, float) else 0.0)
        fields["overall"] = self._overall
        if self._progress is not None and self._progress["phase"] != fields.get("phase"):
            self._flush_progress()
        self._progress = self._event("progress", fields)
        self._changed.set()

    def end(self, kind: str, **fields: object) -> None:
        """The last event: `result` or `error`. Further ones are ignored."""
        self.put(kind, **fields)
        self._ended = True
        self._changed.set()

    async def events(self, heartbeat_s: float) -> AsyncIterator[Event]:
        """All events in order, numbered, with heartbeats in silence; ends after the last one."""
        while True:
            self._flush_progress()
            events, self._events = self._events, []
            for event in events:
                yield self._numbered(event)
            if self._events or self._progress is not None:
                continue
            if self._ended:
                return
            self._changed.clear()
            try:
                async with asyncio.timeout(heartbeat_s):
                    await self._changed.wait()
            except TimeoutError:
                yield self._numbered(self._event("heartbeat", {}))

    async def last(self) -> Event:
        """The last event alone."""
        last: Event = {}
        async for last in self.events(heartbeat_s=3600):  # noqa: B007 the last one is what is wanted
            pass
        return last

    def _flush_progress(self) -> None:
        progress, self._progress = self._progress, None
        if progress is not None:
            self._add(progress)

    def _add(self, event: Event) -> None:
        self._events.append(event)
        self._changed.set()

    def _event(self, kind: str, fields: Mapping[str, object]) -> Event:
        since = round(time.monotonic() - self._began, 3)
        # An unknown percentage is null, which says that the phase cannot tell; other unknown values are absent.
        told = {key: value for key, value in fields.items() if value is not None or key == "percent"}
        return {"type": kind, "seq": 0, "t": since} | told

    def _numbered(self, event: Event) -> Event:
        event["seq"] = self._sent
        self._sent += 1
        return event
