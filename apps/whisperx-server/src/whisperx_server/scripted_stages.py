"""A speech library without models, for tests and trials: what it hears follows from the audio alone.

A word is a tone, and its loudness says which (see `WORDS`); silence parts words and sentences. A sentence is a segment.
The first half of the words belongs to one voice, the second to another. Translation is upper case.

What else it does, a request says in `initial_prompt`: `script:` and then a JSON object as `Script` describes it. Models
whose names begin with `scripted-` fail to load in the way that their name says.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from whisperx_server import __version__
from whisperx_server.stages import (
    SAMPLE_RATE_HZ,
    AlignedSegment,
    Aligner,
    Char,
    DeviceLostError,
    Diarization,
    DiarizationUnavailableError,
    Diarizer,
    LanguageNotAlignableError,
    ModelGatedError,
    ModelLoadError,
    ModelNotFoundError,
    OutOfMemoryError,
    RawSegment,
    StageDescription,
    Stages,
    Transcriber,
    Transcription,
    Turn,
    Word,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from whisperx_server.stages import (
        DiarizeOptions,
        Samples,
        StageSettings,
        TranscribeOptions,
        TranscriberSpec,
        Watch,
    )

WORDS: Final = (
    "alpha",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "hotel",
    "india",
    "juliett",
    "kilo",
    "lima",
    "mike",
    "november",
    "oscar",
    "papa",
)
QUIETEST: Final = 4_000
STEP: Final = 1_500
SECOND_VOICE_FROM: Final = "india"

_FRAME_S = 0.02
_FRAME_SAMPLES = int(_FRAME_S * SAMPLE_RATE_HZ)
_SENTENCE_GAP_FRAMES = 8

Phase = Literal["transcribing", "aligning", "diarizing"]
Deed = Literal["error", "oom", "lost", "crash", "hang", "deaf", "unavailable"]


class Script(BaseModel):
    """What a request makes the stages do beside hearing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seconds: dict[Phase, float] = {}
    """How long a stage takes."""
    do: dict[Phase, Deed] = {}
    """How a stage fails. `hang` ends when it is cancelled, `deaf` only when the process is killed."""
    fits_batch: int | None = None
    """Larger batches run out of memory."""
    fits_compute_types: list[str] | None = None
    """Other arithmetic runs out of memory."""
    language: str = "en"
    """What is detected where no language is asked for."""
    language_probability: float = 0.98
    unaligned: list[str] = []
    """Words whose time alignment does not find. A sentence of such words alone is not aligned at all."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A word and where it is."""

    text: str
    start: float
    end: float


def hear(samples: Samples) -> list[list[Heard]]:
    """The sentences in the audio."""
    frames = samples[: len(samples) // _FRAME_SAMPLES * _FRAME_SAMPLES].reshape(-1, _FRAME_SAMPLES)
    peaks = np.abs(frames).max(axis=1) * 32_768
    sentences: list[list[Heard]] = [[]]
    began: int | None = None
    quiet = 0
    for number, peak in enumerate([*peaks.tolist(), 0.0]):
        if peak >= QUIETEST / 2:
            began = number if began is None else began
            quiet = 0
            continue
        if began is not None:
            sentences[-1].append(_word(peaks[began:number].max(), began, number))
            began = None
        quiet += 1
        if quiet == _SENTENCE_GAP_FRAMES and sentences[-1]:
            sentences.append([])
    return [sentence for sentence in sentences if sentence]


def _word(peak: float, first: int, end: int) -> Heard:
    index = min(max(round((float(peak) - QUIETEST) / STEP), 0), len(WORDS) - 1)
    return Heard(WORDS[index], first * _FRAME_S, end * _FRAME_S)


class ScriptedStages(Stages):
    """Makes the scripted models. The script of the last transcription holds for the stages after it."""

    def __init__(self, device: Literal["cuda", "cpu"]) -> None:
        self._device = device
        self.script = Script()
        self.frees = 0

    def describe(self) -> StageDescription:
        """See `Stages`."""
        return StageDescription(
            device=self._device,
            models=("tiny", "base", "small", "medium.en", "large-v3", "large-v3-turbo", *_BROKEN),
            languages=("en", "de", "fr", "th"),
            align_languages=("en", "de", "fr"),
            default_compute_type="float16",
            versions={"scripted": __version__},
        )

    def load_transcriber(self, spec: TranscriberSpec, watch: Watch) -> Transcriber:
        """See `Stages`."""
        watch.detail("loading")
        fits = spec.model == "scripted-huge" and spec.compute_type.startswith("int8")
        if spec.model in _BROKEN and not fits:
            error, message = _BROKEN[spec.model]
            raise error(message)
        return ScriptedTranscriber(self, spec)

    def load_aligner(self, language: str, watch: Watch) -> Aligner:
        """See `Stages`."""
        watch.check()
        if language not in self.describe().align_languages:
            raise LanguageNotAlignableError
        return ScriptedAligner(self)

    def load_diarizer(self, watch: Watch) -> Diarizer:
        """See `Stages`."""
        watch.check()
        return ScriptedDiarizer(self)

    def free_memory(self) -> None:
        """See `Stages`."""
        self.frees += 1


_BROKEN: Final = {
    "scripted-huge": (OutOfMemoryError, ""),
    "scripted-missing": (ModelNotFoundError, "The source of the model does not know it."),
    "scripted-gated": (ModelGatedError, "The terms of the model are not accepted."),
    "scripted-broken": (ModelLoadError, "The model's files are damaged."),
}


class ScriptedTranscriber(Transcriber):
    """Has the flaw of the real library: a call that is broken off leaves its language behind, until `reset`."""

    def __init__(self, stages: ScriptedStages, spec: TranscriberSpec) -> None:
        self._stages = stages
        self._spec = spec
        self._kept_language: str | None = None

    def transcribe(self, samples: Samples, options: TranscribeOptions, watch: Watch) -> Transcription:
        """See `Transcriber`."""
        script = self._stages.script = _script_of(options.initial_prompt)
        language = options.language or self._kept_language or script.language
        self._kept_language = language
        if script.fits_batch is not None and options.batch_size > script.fits_batch:
            raise OutOfMemoryError
        if script.fits_compute_types is not None and self._spec.compute_type not in script.fits_compute_types:
            raise OutOfMemoryError
        _act(script, "transcribing", watch)
        segments = [_segment(sentence, options) for sentence in hear(samples)]
        self._kept_language = None
        probability = None if options.language else script.language_probability
        return Transcription(segments, language, probability)

    def reset(self) -> None:
        """See `Transcriber`."""
        self._kept_language = None

    def close(self) -> None:
        """See `Transcriber`."""


class ScriptedAligner(Aligner):
    """Knows where the words are, except those that the script names."""

    def __init__(self, stages: ScriptedStages) -> None:
        self._stages = stages

    def align(
        self, samples: Samples, segments: Sequence[RawSegment], watch: Watch, *, with_chars: bool
    ) -> Sequence[AlignedSegment]:
        """See `Aligner`."""
        script = self._stages.script
        _act(script, "aligning", watch)
        heard = {round(sentence[0].start, 3): sentence for sentence in hear(samples)}
        return [
            _aligned(segment, heard.get(round(segment.start, 3), []), script, with_chars=with_chars)
            for segment in segments
        ]

    def close(self) -> None:
        """See `Aligner`."""


class ScriptedDiarizer(Diarizer):
    """Tells the two voices apart by the first word of a sentence. Its labels are not in the order of speech."""

    def __init__(self, stages: ScriptedStages) -> None:
        self._stages = stages

    def diarize(self, samples: Samples, options: DiarizeOptions, watch: Watch) -> Diarization:
        """See `Diarizer`."""
        _act(self._stages.script, "diarizing", watch)
        single = 1 in (options.num_speakers, options.max_speakers)
        turns = [
            Turn(sentence[0].start, sentence[-1].end, "SPEAKER_00" if single else _voice(sentence[0].text))
            for sentence in hear(samples)
        ]
        embeddings = {turn.speaker: [0.25, float("nan")] for turn in turns} if options.embeddings else {}
        return Diarization(turns, turns, embeddings)

    def close(self) -> None:
        """See `Diarizer`."""


def create_stages(settings: StageSettings) -> Stages:
    """See `stage_sets`."""
    return ScriptedStages("cpu" if settings.device == "auto" else settings.device)


def _script_of(prompt: str | None) -> Script:
    if prompt is None or not prompt.startswith("script:"):
        return Script()
    return Script.model_validate_json(prompt.removeprefix("script:"))


def _act(script: Script, phase: Phase, watch: Watch) -> None:
    """Takes the time that the script says, then does what it says."""
    until = (began := time.monotonic()) + script.seconds.get(phase, 0.0)
    while (now := time.monotonic()) < until:
        watch.progress(100 * (now - began) / (until - began))
        time.sleep(0.005)
    watch.progress(90)
    deed = script.do.get(phase)
    if deed is not None:
        _DEEDS[deed](watch)


def _fail_unexpectedly(_watch: Watch) -> None:
    # As libraries do, whose messages quote what they work on.
    word = "transcript"
    raise RuntimeError(f"secret {word}")


def _run_out_of_memory(_watch: Watch) -> None:
    raise OutOfMemoryError


def _lose_device(_watch: Watch) -> None:
    raise DeviceLostError


def _crash(_watch: Watch) -> None:
    os._exit(139)


def _hang(watch: Watch) -> None:
    while True:
        watch.check()
        time.sleep(0.005)


def _be_deaf(_watch: Watch) -> None:
    time.sleep(3600)


def _be_unavailable(_watch: Watch) -> None:
    raise DiarizationUnavailableError("no token is configured")


_DEEDS: Final[dict[Deed, Callable[[Watch], None]]] = {
    "error": _fail_unexpectedly,
    "oom": _run_out_of_memory,
    "lost": _lose_device,
    "crash": _crash,
    "hang": _hang,
    "deaf": _be_deaf,
    "unavailable": _be_unavailable,
}


def _segment(sentence: Sequence[Heard], options: TranscribeOptions) -> RawSegment:
    text = " ".join(word.text for word in sentence)
    if options.task == "translate":
        text = text.upper()
    # The real library gives texts with a leading space, and the mean over no token as NaN.
    return RawSegment(sentence[0].start, sentence[-1].end, f" {text}", -0.25)


def _aligned(segment: RawSegment, heard: Sequence[Heard], script: Script, *, with_chars: bool) -> AlignedSegment:
    known = [word.text not in script.unaligned for word in heard]
    words = [
        Word(word.text, word.start, word.end, 0.9) if is_known else Word(word.text, score=float("nan"))
        for word, is_known in zip(heard, known, strict=True)
    ]
    chars = [Char(char, segment.start, segment.end, 0.9) for char in segment.text] if with_chars else ()
    return AlignedSegment(
        segment.start, segment.end, segment.text, words if any(known) else (), segment.avg_logprob, chars
    )


def _voice(first_word: str) -> str:
    return "SPEAKER_01" if first_word < SECOND_VOICE_FROM else "SPEAKER_00"
