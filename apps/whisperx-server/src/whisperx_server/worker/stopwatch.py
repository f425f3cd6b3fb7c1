"""How long the stages of a job take."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stopwatch:
    """Adds up the time in each stage, tries that failed included."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Counts the time of the block for that stage."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._seconds[stage] = self._seconds.get(stage, 0.0) + time.monotonic() - began

    def milliseconds(self) -> dict[str, int]:
        """The times so far."""
        return {stage: round(seconds * 1000) for stage, seconds in self._seconds.items()}
