"""Times of words with a whisperx alignment model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from whisperx.alignment import align

from whisperx_server.stages import SAMPLE_RATE_HZ, AlignedSegment, Aligner, Char, RawSegment, Word
from whisperx_server.whisperx_stages.environment import no_output
from whisperx_server.whisperx_stages.failures import at_work, device_failure
from whisperx_server.whisperx_stages.numbers import finite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from whisperx.schema import SingleAlignedSegment, SingleCharSegment, SingleWordSegment

    from whisperx_server.stages import Samples, Watch


class WhisperxAligner(Aligner):
    """A wav2vec2 of one language. It keeps no state between calls."""

    def __init__(self, model: torch.nn.Module, metadata: Mapping[str, Mapping[str, int]], device: str) -> None:
        """Args: metadata is what whisperx gave with the model."""
        self._model = model
        self._metadata = metadata
        self._device = device

    def align(
        self, samples: Samples, segments: Sequence[RawSegment], watch: Watch, *, with_chars: bool
    ) -> Sequence[AlignedSegment]:
        """Aligns segment by segment.

        The library would take all of them at once, but then one that it stumbles over costs the words of all, and
        there would be no word about progress, and no way to stop, where segments fail.
        """
        duration_s = samples.size / SAMPLE_RATE_HZ
        audio = torch.from_numpy(samples).unsqueeze(0)
        aligned: list[AlignedSegment] = []
        with at_work(), no_output():
            for done, segment in enumerate(segments, start=1):
                watch.check()
                plain = _plain(segment, duration_s)
                if plain.text:
                    aligned += self._align_one(audio, plain, with_chars=with_chars) or [_unaligned(plain)]
                watch.progress(100 * done / len(segments))
        return aligned

    def close(self) -> None:
        """Drops the weights."""
        del self._model, self._metadata

    def _align_one(self, audio: torch.Tensor, segment: RawSegment, *, with_chars: bool) -> list[AlignedSegment]:
        """The sentences of a segment, or nothing where it cannot be aligned."""
        if segment.end <= segment.start:
            return []
        transcript = [{"start": segment.start, "end": segment.end, "text": segment.text}]
        try:
            result = align(
                transcript, self._model, self._metadata, audio, self._device, return_char_alignments=with_chars
            )
        except Exception as error:
            if device_failure(error) is not None:
                raise
            # Whatever the library stumbles over (a missing time, an empty group of rows): the text must stay.
            return []
        sentences = [self._sentence(found, segment) for found in result["segments"]]
        return sentences if _says(sentences, segment.text) else []

    def _sentence(self, found: SingleAlignedSegment, segment: RawSegment) -> AlignedSegment:
        return AlignedSegment(
            start=_between(segment.start, finite(found["start"]), segment.end) or segment.start,
            end=_between(segment.start, finite(found["end"]), segment.end) or segment.end,
            text=found["text"].strip(),
            words=[self._word(word, segment) for word in found["words"]],
            avg_logprob=segment.avg_logprob,
            chars=[_char(char) for char in found.get("chars") or () if not char["char"].isspace()],
        )

    def _word(self, found: SingleWordSegment, segment: RawSegment) -> Word:
        text = found["word"]
        score = finite(found.get("score"))
        # No score: the library has filled the times in, which is the pipeline's business, with a mark.
        start = None if score is None else _between(segment.start, finite(found.get("start")), segment.end)
        end = None if score is None else _between(segment.start, finite(found.get("end")), segment.end)
        return Word(text, start, end, score if self._knows(text) else None)

    def _knows(self, word: str) -> bool:
        """Whether the model knows any of its characters.

        Those it does not know, digits in most models, are aligned with whatever is spoken between the others. That
        gives a time, but the score says nothing about this word.
        """
        dictionary = self._metadata["dictionary"]
        return any(char.lower() in dictionary for char in word)


def _plain(segment: RawSegment, duration_s: float) -> RawSegment:
    """The segment within the audio, its words parted by single spaces.

    The library counts words by plain spaces alone: with a line break or a hard space two words become one.
    """
    start = min(max(segment.start, 0.0), duration_s)
    end = min(max(segment.end, start), duration_s)
    return RawSegment(start, end, " ".join(segment.text.split()), segment.avg_logprob)


def _unaligned(segment: RawSegment) -> AlignedSegment:
    return AlignedSegment(segment.start, segment.end, segment.text, avg_logprob=segment.avg_logprob)


def _says(sentences: Sequence[AlignedSegment], text: str) -> bool:
    """Whether the sentences and their words say just this text.

    The library sorts sentences by their times and drops those that have none.
    """
    wanted = "".join(text.split())
    by_sentences = "".join("".join(sentence.text.split()) for sentence in sentences)
    by_words = "".join("".join(word.text.split()) for sentence in sentences for word in sentence.words)
    return by_sentences == wanted == by_words


def _between(low: float, value: float | None, high: float) -> float | None:
    return None if value is None else min(max(value, low), high)


def _char(found: SingleCharSegment) -> Char:
    return Char(found["char"], finite(found.get("start")), finite(found.get("end")), finite(found.get("score")))
