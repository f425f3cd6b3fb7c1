"""Speech to text with a whisperx pipeline."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from faster_whisper.tokenizer import Tokenizer
from whisperx.asr import find_numeral_symbol_tokens

from whisperx_server.stages import SAMPLE_RATE_HZ, LanguageNotSpokenError, RawSegment, Transcriber, Transcription
from whisperx_server.whisperx_stages.environment import no_output
from whisperx_server.whisperx_stages.failures import at_work
from whisperx_server.whisperx_stages.numbers import finite
from whisperx_server.whisperx_stages.prompting import fit_prompts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whisperx.asr import FasterWhisperPipeline

    from whisperx_server.stages import Samples, TranscribeOptions, Watch
    from whisperx_server.whisperx_stages.speech import GivenSpeech, SpeechFinder, Stretch

_DETECTION_SHARE: Final = 10
"""Percent of the progress that finding speech is counted for."""

_LANGUAGE_STRETCHES: Final = 3
"""How many stretches of speech have a say in the language: one alone may be a name, a jingle or a greeting."""

_STRETCH_S: Final = 30


class WhisperxTranscriber(Transcriber):
    """A whisperx pipeline, which keeps no trace of a request.

    The pipeline itself remembers the language, the options and the suppressed tokens of a call that was broken off, and
    applies them to the next one. So nothing is left to its memory: the language is found here and passed to every call,
    options are set for a call and taken back, and numerals are suppressed through the options.
    """

    def __init__(self, pipeline: FasterWhisperPipeline, given: GivenSpeech, finder: SpeechFinder) -> None:
        """Args: given is the detection that the pipeline was loaded with."""
        self._pipeline = pipeline
        self._given = given
        self._finder = finder
        self._options = pipeline.options
        self._numerals: list[int] | None = None

    def transcribe(self, samples: Samples, options: TranscribeOptions, watch: Watch) -> Transcription:
        """Writes down what is said, batch by batch."""
        with at_work(), no_output(), self._configured(options):
            stretches = self._finder.find(samples, options, _Part(watch, 0, _DETECTION_SHARE))
            watch.check()
            language, probability = self._language(samples, stretches, options.language)
            watch.check()
            segments: list[RawSegment] = []
            for first in range(0, len(stretches), options.batch_size):
                batch = stretches[first : first + options.batch_size]
                segments += self._batch(samples, batch, language, options)
                done = (first + len(batch)) / len(stretches)
                watch.progress(_DETECTION_SHARE + (100 - _DETECTION_SHARE) * done)
        return Transcription(segments, language, probability)

    def reset(self) -> None:
        """Brings the pipeline back to how it was after loading."""
        self._pipeline.tokenizer = None
        self._pipeline.options = self._options
        self._pipeline.suppress_numerals = False
        # transformers counts the calls and complains about many.
        self._pipeline.call_count = 0
        self._given.stretches = ()

    def close(self) -> None:
        """Gives the weights back at once, whoever may still hold the pipeline."""
        self._pipeline.model.model.unload_model()
        del self._pipeline, self._finder, self._given

    @contextlib.contextmanager
    def _configured(self, options: TranscribeOptions) -> Iterator[None]:
        self.reset()
        prompt, hotwords = fit_prompts(self._pipeline.model.hf_tokenizer, options.initial_prompt, options.hotwords)
        suppressed = list(self._options.suppress_tokens)
        if options.suppress_numerals:
            suppressed += self._numeral_tokens()
        self._pipeline.options = replace(
            self._options,
            beam_size=options.beam_size,
            initial_prompt=prompt,
            hotwords=hotwords,
            suppress_tokens=suppressed,
        )
        try:
            yield
        finally:
            self.reset()

    def _numeral_tokens(self) -> list[int]:
        if self._numerals is None:
            model = self._pipeline.model
            tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language="en")
            self._numerals = list(find_numeral_symbol_tokens(tokenizer))
        return self._numerals

    def _language(self, samples: Samples, stretches: Sequence[Stretch], wanted: str | None) -> tuple[str, float | None]:
        """The language, and how likely it is where it was detected.

        Heard in the speech and not, as whisperx does, in the first half minute of the audio, which may be music.
        """
        model = self._pipeline.model
        if wanted is not None:
            self._check_known(wanted)
            return wanted, None
        if not model.model.is_multilingual:
            return "en", None
        heard = [_cut(samples, stretch) for stretch in stretches[:_LANGUAGE_STRETCHES]]
        votes: dict[str, float] = {}
        for audio in heard or [samples[: _STRETCH_S * SAMPLE_RATE_HZ]]:
            _, _, probabilities = model.detect_language(audio=audio)
            for language, probability in probabilities:
                votes[language] = votes.get(language, 0.0) + probability * max(1, audio.size)
        total = sum(max(1, audio.size) for audio in heard) if heard else max(1, min(samples.size, 480_000))
        likeliest = max(votes, key=lambda language: votes[language])
        return likeliest, finite(votes[likeliest] / total)

    def _check_known(self, language: str) -> None:
        model = self._pipeline.model
        known = language == "en" or model.model.is_multilingual
        # Models differ in their languages, too: only the newest ones know Cantonese.
        if not known or (model.model.is_multilingual and model.hf_tokenizer.token_to_id(f"<|{language}|>") is None):
            raise LanguageNotSpokenError(f"This model does not know the language {language}.")

    def _batch(
        self, samples: Samples, batch: Sequence[Stretch], language: str, options: TranscribeOptions
    ) -> Iterator[RawSegment]:
        self._given.stretches = batch
        result = self._pipeline.transcribe(
            samples,
            batch_size=len(batch),
            language=language,
            task=options.task,
            chunk_size=options.chunk_size_s,
        )
        for stretch, heard in zip(batch, result["segments"], strict=True):
            text = heard["text"].strip()
            if text:
                yield RawSegment(stretch.start, stretch.end, text, finite(heard.get("avg_logprob")))


class _Part:
    """Reports a part of a stage's work as its share of the whole."""

    def __init__(self, watch: Watch, low: float, high: float) -> None:
        self._watch = watch
        self._low = low
        self._high = high

    def progress(self, percent: float) -> None:
        self._watch.progress(self._low + (self._high - self._low) * percent / 100)

    def detail(self, text: str) -> None:
        self._watch.detail(text)

    def check(self) -> None:
        self._watch.check()


def _cut(samples: Samples, stretch: Stretch) -> Samples:
    return samples[int(stretch.start * SAMPLE_RATE_HZ) : math.ceil(stretch.end * SAMPLE_RATE_HZ)]
