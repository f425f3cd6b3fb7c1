"""Every failure that leaves the server, with what follows from its code: one table, decided nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Code(StrEnum):
    """What went wrong."""

    INVALID_REQUEST = "INVALID_REQUEST"
    UNAUTHORIZED = "UNAUTHORIZED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    AUDIO_TOO_LONG = "AUDIO_TOO_LONG"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    AUDIO_DECODE_FAILED = "AUDIO_DECODE_FAILED"
    AUDIO_EMPTY = "AUDIO_EMPTY"
    URL_NOT_ALLOWED = "URL_NOT_ALLOWED"
    URL_FETCH_FAILED = "URL_FETCH_FAILED"
    LANGUAGE_UNSUPPORTED = "LANGUAGE_UNSUPPORTED"
    DIARIZATION_UNAVAILABLE = "DIARIZATION_UNAVAILABLE"
    MODEL_NOT_FOUND = "MODEL_NOT_FOUND"
    MODEL_GATED = "MODEL_GATED"
    MODEL_LOAD_FAILED = "MODEL_LOAD_FAILED"
    MODEL_BUSY = "MODEL_BUSY"
    QUEUE_FULL = "QUEUE_FULL"
    GPU_OOM = "GPU_OOM"
    WORKER_CRASHED = "WORKER_CRASHED"
    DRAINING = "DRAINING"
    TIMEOUT = "TIMEOUT"
    CANCELLED = "CANCELLED"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Treatment:
    """What follows from a code."""

    status: int
    retryable: bool
    retry_after_s: int | None = None


TREATMENTS: Final[Mapping[Code, Treatment]] = {
    Code.INVALID_REQUEST: Treatment(422, retryable=False),
    Code.UNAUTHORIZED: Treatment(401, retryable=False),
    Code.PAYLOAD_TOO_LARGE: Treatment(413, retryable=False),
    Code.AUDIO_TOO_LONG: Treatment(413, retryable=False),
    Code.UNSUPPORTED_MEDIA_TYPE: Treatment(415, retryable=False),
    Code.AUDIO_DECODE_FAILED: Treatment(422, retryable=False),
    Code.AUDIO_EMPTY: Treatment(422, retryable=False),
    Code.URL_NOT_ALLOWED: Treatment(422, retryable=False),
    Code.URL_FETCH_FAILED: Treatment(502, retryable=True),
    Code.LANGUAGE_UNSUPPORTED: Treatment(422, retryable=False),
    Code.DIARIZATION_UNAVAILABLE: Treatment(422, retryable=False),
    Code.MODEL_NOT_FOUND: Treatment(404, retryable=False),
    Code.MODEL_GATED: Treatment(424, retryable=False),
    Code.MODEL_LOAD_FAILED: Treatment(503, retryable=True, retry_after_s=30),
    Code.MODEL_BUSY: Treatment(409, retryable=True),
    Code.QUEUE_FULL: Treatment(429, retryable=True, retry_after_s=10),
    Code.GPU_OOM: Treatment(503, retryable=True, retry_after_s=30),
    Code.WORKER_CRASHED: Treatment(503, retryable=True, retry_after_s=10),
    Code.DRAINING: Treatment(503, retryable=True, retry_after_s=10),
    Code.TIMEOUT: Treatment(504, retryable=True),
    # Seen in events and logs: whoever would read the status has left. 499 as web servers log it.
    Code.CANCELLED: Treatment(499, retryable=False),
    Code.INTERNAL: Treatment(500, retryable=True),
}


@dataclass(slots=True)
class ServiceError(Exception):
    """A failure as the client sees it. Messages carry no transcript, path, address with a query, or secret."""

    code: Code
    message: str
    phase: str | None = None
    details: list[dict[str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    @property
    def treatment(self) -> Treatment:
        """What follows from the code."""
        return TREATMENTS[self.code]

    def body(self, request_id: str) -> dict[str, object]:
        """The `error` object of answers and events; unknown values are absent."""
        body: dict[str, object] = {
            "code": self.code.value,
            "message": self.message,
            "retryable": self.treatment.retryable,
            "request_id": request_id,
        }
        if self.phase is not None:
            body["phase"] = self.phase
        if self.treatment.retry_after_s is not None:
            body["retry_after_s"] = self.treatment.retry_after_s
        if self.details:
            body["details"] = self.details
        return body
