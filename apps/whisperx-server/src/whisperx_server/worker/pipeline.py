"""One job, from samples to the result's body: the stages in order, with what is done when one of them fails."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from whisperx_server.errors import Code
from whisperx_server.protocol import Language, Warn
from whisperx_server.stages import (
    SAMPLE_RATE_HZ,
    AlignedSegment,
    DiarizationUnavailableError,
    DiarizeOptions,
    LanguageNotAlignableError,
)
from whisperx_server.worker.failures import MemoryShortError, PipelineError, guard
from whisperx_server.worker.progress import JobWatch
from whisperx_server.worker.result import (
    ResultBody,
    Spoken,
    assign_speakers,
    finite_turns,
    segment_bodies,
    speaker_bodies,
    speaker_names,
    spoken_segments,
    turn_bodies,
)
from whisperx_server.worker.stopwatch import Stopwatch
from whisperx_server.worker.transcribing import PipelineDefaults, Transcribing
from whisperx_server.worker.words import known

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from whisperx_server.protocol import Message, Phase, Transcribe
    from whisperx_server.stages import Diarization, Samples, Transcription
    from whisperx_server.worker.ladder import Rung
    from whisperx_server.worker.model_cache import ModelCache

LOW_LANGUAGE_PROBABILITY: Final = 0.5

T = TypeVar("T")


@dataclass(slots=True)
class Pipeline:
    """Runs one job after the other on the cached models."""

    cache: ModelCache
    defaults: PipelineDefaults
    send: Callable[[Message], None]
    is_cancelled: Callable[[int], bool]

    def run(self, job: Transcribe, samples: Samples) -> tuple[ResultBody, dict[str, int]]:
        """Does the job.

        Raises:
            PipelineError: it failed.
            CancelledError: the caller wants no more.
        """
        return _Run(self, job, samples).run()


@dataclass(slots=True)
class _Run:
    pipeline: Pipeline
    job: Transcribe
    samples: Samples
    watch: JobWatch = field(init=False)
    times: Stopwatch = field(default_factory=Stopwatch)

    def __post_init__(self) -> None:
        options = self.job.options
        phases: list[Phase] = ["loading", "transcribing"]
        phases += ["aligning"] if options.align and options.task == "transcribe" else []
        phases += ["diarizing"] if options.diarize else []
        # Not `self` in the closure: in a circle the samples, a gigabyte for four hours, would outlive the job by long.
        is_cancelled, job_id = self.pipeline.is_cancelled, self.job.id
        self.watch = JobWatch(job_id, phases, self.pipeline.send, lambda: is_cancelled(job_id))

    def run(self) -> tuple[ResultBody, dict[str, int]]:
        try:
            return self._result(), self.times.milliseconds()
        except PipelineError as error:
            error.phase = error.phase or self.watch.phase
            raise

    def _result(self) -> ResultBody:
        options, duration_s = self.job.options, len(self.samples) / SAMPLE_RATE_HZ
        transcription, rung = self._transcribe()
        language = transcription.language
        text_language = "en" if options.task == "translate" else language
        self._tell_language(transcription)
        segments = self._align(transcription) if transcription.segments else []
        spoken = spoken_segments(segments, duration_s, text_language, with_words=options.align)
        if not spoken:
            self._warn("NO_SPEECH", "No speech was found.")
        diarization = self._diarize() if options.diarize and spoken else None
        self.watch.enter("finalizing")
        result: ResultBody = {
            "text": "",
            "language": language,
            "duration_s": round(duration_s, 3),
            "model": rung.spec.model,
            "compute_type": rung.spec.compute_type,
            "task": options.task,
            "segments": [],
        }
        probability = known(transcription.language_probability)
        if probability is not None:
            result["language_probability"] = round(probability, 4)
        self._fill(result, spoken, diarization)
        return result

    def _fill(self, result: ResultBody, spoken: Sequence[Spoken], diarization: Diarization | None) -> None:
        names: dict[str, str] = {}
        if diarization is not None:
            options = self.job.options
            spoken = assign_speakers(spoken, diarization, options)
            names = speaker_names(spoken, diarization)
            shown = diarization.exclusive_turns if options.exclusive else None
            result["diarization"] = turn_bodies(diarization.turns if shown is None else shown, names)
            result["speakers"] = speaker_bodies(diarization, names, with_embeddings=options.speaker_embeddings)
        result["segments"] = segment_bodies(spoken, names)
        result["text"] = " ".join(segment.text for segment in spoken)

    def _transcribe(self) -> tuple[Transcription, Rung]:
        pipeline = self.pipeline
        work = Transcribing(
            pipeline.cache, pipeline.defaults, self.job, self.samples, self.watch, self.times, self._warn
        )
        return work.run()

    def _tell_language(self, transcription: Transcription) -> None:
        probability = known(transcription.language_probability)
        self.pipeline.send(Language(id=self.job.id, code=transcription.language, probability=probability))
        if probability is not None and probability < LOW_LANGUAGE_PROBABILITY and self.job.options.language is None:
            self._warn("LOW_LANGUAGE_CONFIDENCE", "The language is a guess: name it in the request if it is known.")

    def _align(self, transcription: Transcription) -> Sequence[AlignedSegment]:
        options = self.job.options
        unaligned = [
            AlignedSegment(raw.start, raw.end, raw.text, (), raw.avg_logprob) for raw in transcription.segments
        ]
        if not options.align:
            return unaligned
        if options.task == "translate":
            self._warn("ALIGN_SKIPPED", "A translation cannot be aligned with its audio: times of words are estimates.")
            return unaligned
        self.watch.enter("aligning")
        try:
            with self.times.measure("align"):
                aligned = self._retry_alone(lambda: self._align_once(transcription))
        except LanguageNotAlignableError as error:
            message = f"There is no alignment model for {transcription.language}: times of words are estimates."
            self._degrade(
                options.on_align_error, "ALIGN_LANGUAGE_UNSUPPORTED", Code.LANGUAGE_UNSUPPORTED, message, error
            )
            return unaligned
        except PipelineError as error:
            if error.fatal:
                raise
            message = f"Alignment failed, times of words are estimates: {error.message}"
            self._degrade(options.on_align_error, "ALIGN_FAILED", error.code, message, error)
            return unaligned
        self.watch.leave()
        missing = sum(1 for segment in aligned if segment.text.strip() and not segment.words)
        if missing:
            self._warn("ALIGN_PARTIAL", f"{missing} of {len(aligned)} segments could not be aligned.")
        return aligned

    def _align_once(self, transcription: Transcription) -> Sequence[AlignedSegment]:
        aligner = self.pipeline.cache.aligner(transcription.language, self.watch)
        with_chars = self.job.options.char_alignments
        return aligner.align(self.samples, transcription.segments, self.watch, with_chars=with_chars)

    def _diarize(self) -> Diarization | None:
        self.watch.enter("diarizing")
        try:
            with self.times.measure("diarize"):
                diarization = self._retry_alone(self._diarize_once)
        except DiarizationUnavailableError as error:
            self._degrade_diarization(Code.DIARIZATION_UNAVAILABLE, str(error), error)
            return None
        except PipelineError as error:
            if error.fatal:
                raise
            gated = error.code == Code.MODEL_GATED
            self._degrade_diarization(Code.DIARIZATION_UNAVAILABLE if gated else error.code, error.message, error)
            return None
        self.watch.leave()
        return finite_turns(diarization)

    def _degrade_diarization(self, code: Code, reason: str, cause: Exception) -> None:
        unavailable = code == Code.DIARIZATION_UNAVAILABLE
        message = f"Speakers were not told apart: {reason}"
        warning = "DIARIZATION_UNAVAILABLE" if unavailable else "DIARIZATION_FAILED"
        self._degrade(self.job.options.on_diarize_error, warning, code, message, cause)

    def _diarize_once(self) -> Diarization:
        options = self.job.options
        wishes = DiarizeOptions(
            options.num_speakers, options.min_speakers, options.max_speakers, options.speaker_embeddings
        )
        return self.pipeline.cache.diarizer(self.watch).diarize(self.samples, wishes, self.watch)

    def _retry_alone(self, stage: Callable[[], T]) -> T:
        """Runs a stage; when memory runs out, once more with nothing else loaded."""
        with suppress(MemoryShortError):
            return guard(stage)
        self.pipeline.cache.drop_all_but(None)
        with suppress(MemoryShortError):
            return guard(stage)
        self.pipeline.cache.drop_all_but(None)
        raise PipelineError(Code.GPU_OOM, "The device has too little memory for this step.")

    def _degrade(self, wish: str, warning: str, code: Code, message: str, cause: Exception) -> None:
        """Goes on without, and says so; or fails, as the request wished."""
        if wish == "fail":
            raise PipelineError(code, message) from cause
        self._warn(warning, message)
        self.watch.leave()

    def _warn(self, code: str, message: str) -> None:
        self.pipeline.send(Warn(id=self.job.id, code=code, message=message))


def read_samples(path: Path) -> Samples:
    """Signed 16-bit samples as the numbers that models take."""
    samples = np.fromfile(path, dtype="<i2").astype(np.float32)
    samples /= 32_768
    return samples
