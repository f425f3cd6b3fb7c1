"""Progress over all phases of a job, from the percentages of its stages."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

from whisperx_server.protocol import Progress
from whisperx_server.stages import CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from whisperx_server.protocol import Phase

WEIGHTS: Final[Mapping[Phase, int]] = {"loading": 5, "transcribing": 45, "aligning": 15, "diarizing": 35}
"""Share of each phase in the whole, where all of them take place."""

MIN_INTERVAL_S: Final = 0.25


class JobWatch:
    """The `Watch` of one job: checks for the cancel and turns what stages say into messages, at most four a second."""

    def __init__(
        self,
        command_id: int,
        phases: Sequence[Phase],
        send: Callable[[Progress], None],
        is_cancelled: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._id = command_id
        self._send = send
        self._is_cancelled = is_cancelled
        self._clock = clock
        self._shares = shares_of(phases)
        self._phase: Phase = "loading"
        self._percent: float | None = None
        self._overall = 0.0
        self._sent_at = -math.inf

    @property
    def phase(self) -> Phase:
        """The phase that runs."""
        return self._phase

    def enter(self, phase: Phase, detail: str | None = None) -> None:
        """A phase begins; the one before counts as done."""
        self.check()
        if phase != self._phase:
            self._phase = phase
            self._percent = None
        self._tell(detail)

    def leave(self) -> None:
        """The phase is done, also where its stage stopped counting before 100."""
        self._percent = 100.0
        self._tell()

    def progress(self, percent: float) -> None:
        """See `Watch.progress`."""
        self.check()
        if not math.isfinite(percent):
            return
        percent = min(max(percent, 0.0), 100.0)
        if self._percent is not None and percent <= self._percent:
            return
        self._percent = percent
        if self._clock() - self._sent_at >= MIN_INTERVAL_S:
            self._tell()

    def detail(self, text: str) -> None:
        """See `Watch.detail`."""
        self.check()
        self._tell(text)

    def check(self) -> None:
        """See `Watch.check`."""
        if self._is_cancelled():
            raise CancelledError

    def _tell(self, detail: str | None = None) -> None:
        begin, width = self._shares.get(self._phase, (100.0, 0.0))
        # Work that is done again after running out of memory must not make the whole fall back.
        self._overall = max(self._overall, begin + width * (self._percent or 0.0) / 100)
        self._sent_at = self._clock()
        self._send(
            Progress(
                id=self._id,
                phase=self._phase,
                percent=None if self._percent is None else round(self._percent, 1),
                overall=round(self._overall, 1),
                detail=detail,
            )
        )


def shares_of(phases: Sequence[Phase]) -> dict[Phase, tuple[float, float]]:
    """Where each phase begins in the whole and how much of it it is, in percent."""
    total = sum(WEIGHTS[phase] for phase in phases)
    shares: dict[Phase, tuple[float, float]] = {}
    begin = 0.0
    for phase in phases:
        width = 100 * WEIGHTS[phase] / total
        shares[phase] = (begin, width)
        begin += width
    return shares
