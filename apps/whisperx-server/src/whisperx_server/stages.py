"""What a speech library gives the worker: loading, transcribing, aligning and telling speakers apart.

Everything here runs inside the one worker process, on its main thread, one call at a time. The pipeline around it
owns caches, retries after out-of-memory, progress over the phases and the wording of the result; a library only does
its work and says what it knows. Times are seconds from the start of the audio; `None` means unknown, never 0 or NaN.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]
    """The whole audio: mono, 16 kHz, -1..1."""

SAMPLE_RATE_HZ = 16_000

Task = Literal["transcribe", "translate"]


class Watch(Protocol):
    """How a stage talks to whoever waits for it."""

    def progress(self, percent: float) -> None:
        """Says how far this call is, 0 to 100. Falling values are ignored.

        Raises:
            CancelledError: the caller wants no more; let it pass through.
        """

    def detail(self, text: str) -> None:
        """Says what is going on where there is no percentage, for example `downloading`.

        Raises:
            CancelledError: as `progress`.
        """

    def check(self) -> None:
        """Call it between pieces of work that report no progress.

        Raises:
            CancelledError: as `progress`.
        """


@dataclass(frozen=True, slots=True)
class StageSettings:
    """What the operator chose for the library, once per process."""

    device: Literal["auto", "cuda", "cpu"] = "auto"
    device_index: int = 0
    hf_token: str | None = field(default=None, repr=False)
    """Access to gated models (speaker diarization)."""
    threads: int = 4
    models: Mapping[str, str] = field(default_factory=dict)
    """Own speech models: the name that requests use, and the folder or repository that it stands for."""
    align_models: Mapping[str, str] = field(default_factory=dict)
    """Own alignment models by language: a folder or repository instead of the library's choice."""
    diarization_model: str = "pyannote/speaker-diarization-community-1"
    """The model that tells speakers apart, or a folder with one."""


@dataclass(frozen=True, slots=True)
class StageDescription:
    """What the library can do on this machine. Asked once, right after the worker's start; must not load models."""

    device: Literal["cuda", "cpu"]
    models: Sequence[str]
    """Names that `load_transcriber` takes; the operator may offer fewer or add own ones."""
    languages: Sequence[str]
    """Codes that can be transcribed."""
    align_languages: Sequence[str]
    """Codes that `load_aligner` takes."""
    default_compute_type: str
    """What the compute type `default` stands for on this device."""
    compute_types: Sequence[str] = ()
    """What this device computes in besides `default`; empty where that cannot be told."""
    diarization_unavailable: str | None = None
    """Why speakers cannot be told apart, or None where they can."""
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TranscriberSpec:
    """Which speech model, in which arithmetic: the key of the cache."""

    model: str
    compute_type: str


@dataclass(frozen=True, slots=True)
class TranscribeOptions:
    """One request's wishes for the speech model. All of them must be forgotten after the call."""

    language: str | None
    """None: detect it."""
    task: Task
    batch_size: int
    beam_size: int
    chunk_size_s: int
    initial_prompt: str | None = None
    hotwords: str | None = None
    suppress_numerals: bool = False
    vad_onset: float | None = None
    vad_offset: float | None = None


@dataclass(frozen=True, slots=True)
class RawSegment:
    """What the speech model heard in one stretch of speech."""

    start: float
    end: float
    text: str
    avg_logprob: float | None = None


@dataclass(frozen=True, slots=True)
class Transcription:
    """No speech is no segments, not an error."""

    segments: Sequence[RawSegment]
    language: str
    language_probability: float | None = None
    """Known only where the language was detected."""


@dataclass(frozen=True, slots=True)
class Char:
    """One character with its time, where it has one."""

    text: str
    start: float | None = None
    end: float | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its time, where alignment found one. Missing times are filled later, and marked."""

    text: str
    start: float | None = None
    end: float | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class AlignedSegment:
    """A sentence. One that could not be aligned keeps its times and text and has no words."""

    start: float
    end: float
    text: str
    words: Sequence[Word] = ()
    avg_logprob: float | None = None
    chars: Sequence[Char] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker speaks. Labels are the library's own."""

    start: float
    end: float
    speaker: str


@dataclass(frozen=True, slots=True)
class DiarizeOptions:
    """Bounds for the number of speakers; None leaves it to the library."""

    num_speakers: int | None = None
    min_speakers: int | None = None
    max_speakers: int | None = None
    embeddings: bool = False


@dataclass(frozen=True, slots=True)
class Diarization:
    """Who speaks when."""

    turns: Sequence[Turn]
    """May overlap."""
    exclusive_turns: Sequence[Turn] | None = None
    """One speaker at a time, where the library makes them."""
    embeddings: Mapping[str, Sequence[float]] = field(default_factory=dict)


class Transcriber(ABC):
    """A loaded speech model."""

    @abstractmethod
    def transcribe(self, samples: Samples, options: TranscribeOptions, watch: Watch) -> Transcription:
        """Writes down what is said.

        Raises:
            LanguageNotSpokenError: this model does not know the language that was asked for.
            OutOfMemoryError: can be tried again with a smaller batch after `reset`.
            DeviceLostError: this process can do nothing more.
            CancelledError: `watch` raised it.
        """

    @abstractmethod
    def reset(self) -> None:
        """Brings the model back to how it was after loading. Called after every call, failed ones above all."""

    @abstractmethod
    def close(self) -> None:
        """Drops every reference, so that `Stages.free_memory` can give the memory back."""


class Aligner(ABC):
    """A loaded alignment model of one language."""

    @abstractmethod
    def align(
        self, samples: Samples, segments: Sequence[RawSegment], watch: Watch, *, with_chars: bool
    ) -> Sequence[AlignedSegment]:
        """Finds the times of words. A segment that it cannot align comes back as it was, without words.

        Raises:
            OutOfMemoryError: memory ran out.
            DeviceLostError: this process can do nothing more.
            CancelledError: `watch` raised it.
        """

    @abstractmethod
    def close(self) -> None:
        """Drops every reference."""


class Diarizer(ABC):
    """A loaded model that tells speakers apart."""

    @abstractmethod
    def diarize(self, samples: Samples, options: DiarizeOptions, watch: Watch) -> Diarization:
        """Finds who speaks when.

        Raises:
            OutOfMemoryError: memory ran out.
            DeviceLostError: this process can do nothing more.
            CancelledError: `watch` raised it.
        """

    @abstractmethod
    def close(self) -> None:
        """Drops every reference."""


class Stages(ABC):
    """A speech library. Made in the worker process with `StageSettings`; importing it there may take long."""

    @abstractmethod
    def describe(self) -> StageDescription:
        """What can be done here."""

    @abstractmethod
    def load_transcriber(self, spec: TranscriberSpec, watch: Watch) -> Transcriber:
        """Loads a speech model.

        Raises:
            ModelNotFoundError: no such model, here or at its source.
            ModelGatedError: its terms must be accepted, or the token is not valid.
            ModelLoadError: anything else about the model.
            OutOfMemoryError, DeviceLostError, CancelledError: as everywhere.
        """

    @abstractmethod
    def load_aligner(self, language: str, watch: Watch) -> Aligner:
        """Loads the alignment model of a language.

        Raises:
            LanguageNotAlignableError: there is none.
            ModelGatedError, ModelLoadError, OutOfMemoryError, DeviceLostError, CancelledError: as `load_transcriber`.
        """

    @abstractmethod
    def load_diarizer(self, watch: Watch) -> Diarizer:
        """Loads the model that tells speakers apart.

        Raises:
            DiarizationUnavailableError: not offered here, with the reason.
            ModelGatedError, ModelLoadError, OutOfMemoryError, DeviceLostError, CancelledError: as `load_transcriber`.
        """

    @abstractmethod
    def free_memory(self) -> None:
        """Collects what was dropped and gives cached device memory back."""

    def free_memory_mb(self) -> int | None:
        """Free device memory now, or None where that cannot be told."""
        return None

    def memory_need_mb(self, spec: TranscriberSpec) -> int | None:  # noqa: ARG002 a default for libraries that cannot tell
        """What loading this model takes about, or None where that is not known."""
        return None


class StageError(Exception):
    """A failure that the pipeline knows how to treat. Messages carry no transcript, path, address or token."""


class CancelledError(StageError):
    """The caller wants no more. Raised by `Watch` only."""


class OutOfMemoryError(StageError):
    """Device or host memory ran out; the process is still sound."""


class DeviceLostError(StageError):
    """The device is in a state that only a new process gets out of."""


class ModelNotFoundError(StageError):
    """There is no such model."""


class ModelGatedError(StageError):
    """The model exists and may not be fetched with this token."""


class ModelLoadError(StageError):
    """The model could not be loaded; trying again later may help."""


class LanguageNotSpokenError(StageError):
    """This speech model does not know the language; others may."""


class LanguageNotAlignableError(StageError):
    """No alignment model for this language."""


class DiarizationUnavailableError(StageError):
    """Speakers cannot be told apart here."""
