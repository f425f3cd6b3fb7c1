"""The speech model at work on one job, in ever smaller ways as long as memory runs out."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from whisperx_server.errors import Code
from whisperx_server.stages import CancelledError, TranscribeOptions, TranscriberSpec
from whisperx_server.worker.failures import MemoryShortError, PipelineError, guard, log_failure
from whisperx_server.worker.ladder import Rung
from whisperx_server.worker.model_cache import transcriber_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from whisperx_server.protocol import Transcribe
    from whisperx_server.stages import Samples, Transcriber, Transcription
    from whisperx_server.worker.model_cache import ModelCache
    from whisperx_server.worker.progress import JobWatch
    from whisperx_server.worker.stopwatch import Stopwatch

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PipelineDefaults:
    """What requests do not say, or may not exceed."""

    compute_type: str
    batch_size: int
    max_batch_size: int


@dataclass(frozen=True, slots=True)
class Transcribing:
    """One job's way down the ladder."""

    cache: ModelCache
    defaults: PipelineDefaults
    job: Transcribe
    samples: Samples
    watch: JobWatch
    times: Stopwatch
    warn: Callable[[str, str], None]

    def run(self) -> tuple[Transcription, Rung]:
        """The transcription and the way in which it worked.

        Raises:
            PipelineError: `GPU_OOM` at the end of the ladder, or whatever else failed.
            CancelledError: the caller wants no more.
        """
        rung = first = self._first_rung()
        while True:
            transcription, loaded = self._try(rung)
            if transcription is None:
                rung = self._below(rung, loaded=loaded)
                continue
            if rung.batch_size < first.batch_size:
                self.warn("BATCH_REDUCED", f"Memory ran out: done with batch size {rung.batch_size}.")
            if rung.spec != first.spec:
                self.warn("COMPUTE_TYPE_REDUCED", f"Memory ran out: done with {rung.spec.compute_type} arithmetic.")
            return transcription, rung

    def _first_rung(self) -> Rung:
        options, defaults = self.job.options, self.defaults
        asked = options.compute_type
        compute_type = defaults.compute_type if asked is None or asked == "default" else asked
        batch_size = min(options.batch_size or defaults.batch_size, defaults.max_batch_size)
        return Rung(TranscriberSpec(self.job.model, compute_type), batch_size)

    def _below(self, rung: Rung, *, loaded: bool) -> Rung:
        # The exception is gone by now: its traceback would keep the memory that is to be freed.
        below = rung.below(loaded=loaded)
        keep = transcriber_key(rung.spec) if below is not None and below.spec == rung.spec else None
        self.cache.drop_all_but(keep)
        if below is None:
            message = "The device has too little memory for this model, whatever the batch size."
            raise PipelineError(Code.GPU_OOM, message)
        logger.warning("out of memory with %s, trying %s", rung, below)
        return below

    def _try(self, rung: Rung) -> tuple[Transcription | None, bool]:
        """The transcription, or None when memory ran out; then, whether the model itself had fitted."""
        cache, watch = self.cache, self.watch
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
                self.cache.drop([transcriber_key(rung.spec)])
        return transcription

    def _reset(self, reset: Callable[[], None]) -> bool:
        try:
            reset()
        except Exception as error:  # noqa: BLE001 whatever it is, the model is dropped
            log_failure("a model could not be reset and is dropped", error)
            return False
        return True
