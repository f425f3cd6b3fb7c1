"""One job, from samples to the result's body: the stages in order, with what is done when one of them fails."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from whisperx_server.errors import Code
from whisperx_server.protocol import Language, Warn
from whisperx_server.stages import (
    SAMPLE_RATE_HZ,
    AlignedSegment,
    CancelledError,
    DiarizationUnavailableError,
    DiarizeOptions,
    LanguageNotAlignableError,
    TranscribeOptions,
    TranscriberSpec,
)
from whisperx_server.worker.failures import MemoryShortError, PipelineError, guard, log_failure
from whisperx_server.worker.ladder import Rung
from whisperx_server.worker.model_cache import transcriber_key
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
from whisperx_server.worker.words import known

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from whisperx_server.protocol import Message, Phase, Transcribe
    from whisperx_server.stages import Diarization, Samples, Transcriber, Transcription
    from whisperx_server.worker.model_cache import ModelCache

logger = logging.getLogger(__name__)

LOW_LANGUAGE_PROBABILITY: Final = 0.5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PipelineDefaults:
    """What requests do not say, or may not exceed."""

    compute_type: str
    batch_size: int
    max_batch_size: int


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
        """Transcribes, in ever smaller ways as long as memory runs out."""
        rung = first = self._first_rung()
        while True:
            transcription, loaded = self._try(rung)
            if transcription is None:
                rung = self._below(rung, loaded=loaded)
                continue
            if rung.batch_size < first.batch_size:
                self._warn("BATCH_REDUCED", f"Memory ran out: done with batch size {rung.batch_size}.")
            if rung.spec != first.spec:
                self._warn("COMPUTE_TYPE_REDUCED", f"Memory ran out: done with {rung.spec.compute_type} arithmetic.")
            return transcription, rung

    def _first_rung(self) -> Rung:
        options, defaults = self.job.options, self.pipeline.defaults
        asked = options.compute_type
        compute_type = defaults.compute_type if asked is None or asked == "default" else asked
        batch_size = min(options.batch_size or defaults.batch_size, defaults.max_batch_size)
        return Rung(TranscriberSpec(self.job.model, compute_type), batch_size)

    def _below(self, rung: Rung, *, loaded: bool) -> Rung:
        # The exception is gone by now: its traceback would keep the memory that is to be freed.
        below = rung.below(loaded=loaded)
        keep = transcriber_key(rung.spec) if below is not None and below.spec == rung.spec else None
        self.pipeline.cache.drop_all_but(keep)
        if below is None:
            message = "The device has too little memory for this model, whatever the batch size."
            raise PipelineError(Code.GPU_OOM, message)
        logger.warning("out of memory with %s, trying %s", rung, below)
        return below

    def _try(self, rung: Rung) -> tuple[Transcription | None, bool]:
        """The transcription, or None when memory ran out; then, whether the model itself had fitted."""
        cache, watch = self.pipeline.cache, self.watch
        loaded = False
        try:
            watch.enter("loading")
            with self.times.measure("load"):
                transcriber = guard(lambda: cache.transcriber(rung.spec, watch))
            watch.leave()
            loaded = True
            watch.enter("transcribing")
            with self.times.measure("transcribe"):
                transcription = self._transcribe_with(transcriber, rung)
            watch.leave()
        except MemoryShortError:
            return None, loaded
        return transcription, loaded

    def _transcribe_with(self, transcriber: Transcriber, rung: Rung) -> Transcription:
        options = self.job.options
        wishes = TranscribeOptions(
            language=None if options.language is None else options.language.lower(),
            task=options.task,
            batch_size=rung.batch_size,
            beam_size=options.beam_size,
            chunk_size_s=options.chunk_size,
            initial_prompt=options.initial_prompt,
            hotwords=options.hotwords,
            suppress_numerals=options.suppress_numerals,
            vad_onset=options.vad.onset,
            vad_offset=options.vad.offset,
        )
        broken = True
        try:
            transcription = guard(lambda: transcriber.transcribe(self.samples, wishes, self.watch))
            broken = False
        except (MemoryShortError, CancelledError):
            broken = False
            raise
        finally:
            # What a request asked for must not reach the next one, and a model in an unknown state is not kept.
            if not self._reset(transcriber.reset) or broken:
                self.pipeline.cache.drop([transcriber_key(rung.spec)])
        return transcription

    def _reset(self, reset: Callable[[], None]) -> bool:
        try:
            reset()
        except Exception as error:  # noqa: BLE001 whatever it is, the model is dropped
            log_failure("a model could not be reset and is dropped", error)
            return False
        return True

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
