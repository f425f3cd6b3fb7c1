"""Who said what: turns of speakers laid over segments and words."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whisperx_server.stages import Turn


class TurnIndex:
    """Finds the speaker of a stretch of time."""

    def __init__(self, turns: Sequence[Turn], *, fill_nearest: bool) -> None:
        """Args: fill_nearest takes the nearest turn where none overlaps."""
        self._turns = sorted((turn for turn in turns if turn.end > turn.start), key=lambda turn: turn.start)
        self._starts = [turn.start for turn in self._turns]
        self._longest = max((turn.end - turn.start for turn in self._turns), default=0.0)
        self._fill_nearest = fill_nearest
        # For each place the turn that ends last among those that begin before it.
        self._latest: list[Turn] = []
        for turn in self._turns:
            latest = self._latest[-1] if self._latest else turn
            self._latest.append(max(latest, turn, key=lambda each: each.end))

    def speaker_of(self, start: float, end: float) -> str | None:
        """Whose turns overlap most with that stretch, or None where nobody's do."""
        shares: dict[str, float] = {}
        # Turns may overlap, so one that began long ago can still go on; none is longer than the longest.
        first = bisect_left(self._starts, start - self._longest)
        last = bisect_left(self._starts, max(end, start + 0.001))
        for turn in self._turns[first:last]:
            overlap = min(end, turn.end) - max(start, turn.start)
            if overlap > 0 or (start == end and turn.start <= start <= turn.end):
                shares[turn.speaker] = shares.get(turn.speaker, 0.0) + overlap
        if shares:
            return max(shares, key=lambda speaker: shares[speaker])
        return self._nearest((start + end) / 2) if self._fill_nearest else None

    def _nearest(self, middle: float) -> str | None:
        after = bisect_left(self._starts, middle)
        before = self._latest[after - 1] if after > 0 else None
        if after == len(self._turns):
            return None if before is None else before.speaker
        following = self._turns[after]
        if before is None or following.start - middle < middle - before.end:
            return following.speaker
        return before.speaker


def relabel(in_order_of_speech: Iterable[str]) -> dict[str, str]:
    """New names for the library's labels: `SPEAKER_00` is who is heard first."""
    names: dict[str, str] = {}
    for label in in_order_of_speech:
        names.setdefault(label, f"SPEAKER_{len(names):02d}")
    return names
