"""What the tests hand to stages."""

from __future__ import annotations

from dataclasses import dataclass, field

from whisperx_server.stages import CancelledError, TranscribeOptions


@dataclass
class Watch:
    """Notes what a stage says, and cancels when it is told to."""

    cancel_at: float | None = None
    values: list[float] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    def progress(self, percent: float) -> None:
        """Notes it; from `cancel_at` on the caller wants no more."""
        self.values.append(percent)
        self.check()

    def detail(self, text: str) -> None:
        """Notes it."""
        self.details.append(text)

    def check(self) -> None:
        """Cancels once `cancel_at` is reached."""
        if self.cancel_at is not None and self.values and self.values[-1] >= self.cancel_at:
            raise CancelledError


def options(**wishes: object) -> TranscribeOptions:
    """Options as the server makes them, with small batches of short stretches."""
    usual = {"language": "en", "task": "transcribe", "batch_size": 2, "beam_size": 2, "chunk_size_s": 5}
    return TranscribeOptions(**{**usual, **wishes})
