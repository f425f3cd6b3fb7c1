"""The body of a result, from what the stages gave."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, NotRequired, TypedDict

from whisperx_server.worker.speakers import TurnIndex, relabel
from whisperx_server.worker.words import TimedWord, fill_times, known, split_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whisperx_server.options import JobOptions
    from whisperx_server.stages import AlignedSegment, Char, Diarization, Turn


class WordBody(TypedDict):
    """A word in the result."""

    word: str
    start: float
    end: float
    score: NotRequired[float]
    speaker: NotRequired[str]
    interpolated: NotRequired[bool]


class CharBody(TypedDict):
    """A character in the result."""

    char: str
    start: NotRequired[float]
    end: NotRequired[float]
    score: NotRequired[float]


class SegmentBody(TypedDict):
    """A segment in the result."""

    id: int
    start: float
    end: float
    text: str
    aligned: bool
    speaker: NotRequired[str]
    avg_logprob: NotRequired[float]
    words: NotRequired[list[WordBody]]
    chars: NotRequired[list[CharBody]]


class TurnBody(TypedDict):
    """A turn in the result."""

    start: float
    end: float
    speaker: str


class SpeakerBody(TypedDict):
    """A speaker in the result."""

    label: str
    speech_s: float
    embedding: NotRequired[list[float]]


class ResultBody(TypedDict):
    """What the worker knows of a result; the front adds who asked and how long it waited."""

    text: str
    language: str
    duration_s: float
    model: str
    task: str
    segments: list[SegmentBody]
    language_probability: NotRequired[float]
    compute_type: NotRequired[str]
    diarization: NotRequired[list[TurnBody]]
    speakers: NotRequired[list[SpeakerBody]]


@dataclass(slots=True)
class Spoken:
    """A segment on its way into the result."""

    start: float
    end: float
    text: str
    aligned: bool
    avg_logprob: float | None
    words: list[TimedWord] | None
    chars: Sequence[Char] = ()
    speaker: str | None = None
    word_speakers: list[str | None] = field(default_factory=list)


def spoken_segments(
    segments: Sequence[AlignedSegment], duration_s: float, language: str, *, with_words: bool
) -> list[Spoken]:
    """Segments in time order, within the audio, without empty ones; every word with a time."""
    spoken: list[Spoken] = []
    for segment in sorted(segments, key=lambda each: (known(each.start) or 0.0, known(each.end) or 0.0)):
        text = segment.text.strip()
        if not text:
            continue
        start = min(max(known(segment.start) or 0.0, 0.0), duration_s)
        end = min(max(known(segment.end) or start, start), duration_s)
        words = _words_of(segment, start, end, language) if with_words else None
        spoken.append(
            Spoken(start, end, text, bool(segment.words), known(segment.avg_logprob), words, tuple(segment.chars))
        )
    return spoken


def _words_of(segment: AlignedSegment, start: float, end: float, language: str) -> list[TimedWord]:
    # Deferred: the type is needed at run time only where words have to be made.
    from whisperx_server.stages import Word  # noqa: PLC0415

    words = [replace(word, text=word.text.strip()) for word in segment.words if word.text.strip()]
    return fill_times(words or [Word(text) for text in split_words(segment.text, language)], start, end)


def finite_turns(diarization: Diarization) -> Diarization:
    """Without turns whose times are no numbers."""

    def finite(turns: Sequence[Turn]) -> list[Turn]:
        return [turn for turn in turns if known(turn.start) is not None and known(turn.end) is not None]

    exclusive = diarization.exclusive_turns
    return replace(
        diarization,
        turns=finite(diarization.turns),
        exclusive_turns=None if exclusive is None else finite(exclusive),
    )


def assign_speakers(spoken: Sequence[Spoken], diarization: Diarization, options: JobOptions) -> list[Spoken]:
    """Gives segments and words their speakers, and cuts segments where the speaker changes if that is wanted."""
    turns = diarization.exclusive_turns if options.exclusive else None
    index = TurnIndex(diarization.turns if turns is None else turns, fill_nearest=options.fill_nearest)
    for segment in spoken:
        segment.speaker = index.speaker_of(segment.start, segment.end)
        segment.word_speakers = [index.speaker_of(word.start, word.end) for word in segment.words or ()]
    if not options.split_by_speaker:
        return list(spoken)
    return [part for segment in spoken for part in _split(segment)]


def _split(segment: Spoken) -> list[Spoken]:
    """The parts of a segment that one speaker says each. A word without speaker goes with the one before."""
    words = segment.words or []
    parts: list[tuple[str | None, list[TimedWord]]] = []
    for word, speaker in zip(words, segment.word_speakers, strict=True):
        if parts and speaker in (None, parts[-1][0]):
            parts[-1][1].append(word)
        elif parts and parts[-1][0] is None:
            parts[-1] = (speaker, [*parts[-1][1], word])
        else:
            parts.append((speaker, [word]))
    if len(parts) < 2:
        return [segment]
    texts = _texts_of(segment.text, [own for _, own in parts])
    return [
        Spoken(
            start=own[0].start,
            end=own[-1].end,
            text=text,
            aligned=segment.aligned,
            avg_logprob=segment.avg_logprob,
            words=own,
            speaker=speaker or segment.speaker,
            word_speakers=[speaker] * len(own),
        )
        for (speaker, own), text in zip(parts, texts, strict=True)
    ]


def _texts_of(text: str, parts: Sequence[Sequence[TimedWord]]) -> list[str]:
    """The stretch of the text that each part has, as it was written: not every language joins words by spaces."""
    starts: list[int] = []
    at = 0
    for own in parts:
        for number, word in enumerate(own):
            found = text.find(word.text, at)
            if found < 0:
                return [" ".join(word.text for word in part) for part in parts]
            if number == 0:
                starts.append(found)
            at = found + len(word.text)
    ends = [*starts[1:], len(text)]
    return [text[start:end].strip() for start, end in zip([0, *starts[1:]], ends, strict=True)]


def segment_bodies(spoken: Sequence[Spoken], names: dict[str, str]) -> list[SegmentBody]:
    """The segments as they are answered: seconds with three decimals, unknown values absent."""
    return [_segment_body(number, segment, names) for number, segment in enumerate(spoken)]


def _segment_body(number: int, segment: Spoken, names: dict[str, str]) -> SegmentBody:
    body: SegmentBody = {
        "id": number,
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text,
        "aligned": segment.aligned,
    }
    if segment.speaker is not None:
        body["speaker"] = names[segment.speaker]
    if segment.avg_logprob is not None:
        body["avg_logprob"] = round(segment.avg_logprob, 4)
    if segment.words is not None:
        speakers = segment.word_speakers or [None] * len(segment.words)
        body["words"] = [
            _word_body(word, None if speaker is None else names[speaker])
            for word, speaker in zip(segment.words, speakers, strict=True)
        ]
    if segment.chars:
        body["chars"] = [_char_body(char) for char in segment.chars]
    return body


def _word_body(word: TimedWord, speaker: str | None) -> WordBody:
    body: WordBody = {"word": word.text, "start": round(word.start, 3), "end": round(word.end, 3)}
    if word.score is not None:
        body["score"] = round(word.score, 3)
    if speaker is not None:
        body["speaker"] = speaker
    if word.interpolated:
        body["interpolated"] = True
    return body


def _char_body(char: Char) -> CharBody:
    body: CharBody = {"char": char.text}
    start, end, score = known(char.start), known(char.end), known(char.score)
    if start is not None:
        body["start"] = round(start, 3)
    if end is not None:
        body["end"] = round(end, 3)
    if score is not None:
        body["score"] = round(score, 3)
    return body


def speaker_names(spoken: Sequence[Spoken], diarization: Diarization) -> dict[str, str]:
    """The names of all speakers, numbered by who is heard first in the text, then by who is only in the turns."""
    in_text = (
        speaker
        for segment in spoken
        for speaker in (*segment.word_speakers[:1], segment.speaker, *segment.word_speakers)
        if speaker is not None
    )
    in_turns = (turn.speaker for turn in sorted(diarization.turns, key=lambda turn: turn.start))
    exclusive = (turn.speaker for turn in diarization.exclusive_turns or ())
    return relabel(chain(in_text, in_turns, exclusive))


def turn_bodies(turns: Sequence[Turn], names: dict[str, str]) -> list[TurnBody]:
    """The turns as they are answered."""
    return [
        {"start": round(turn.start, 3), "end": round(turn.end, 3), "speaker": names[turn.speaker]}
        for turn in sorted(turns, key=lambda turn: turn.start)
    ]


def speaker_bodies(diarization: Diarization, names: dict[str, str], *, with_embeddings: bool) -> list[SpeakerBody]:
    """Who speaks, and for how long."""
    bodies: list[SpeakerBody] = []
    for label, name in names.items():
        speech = sum(turn.end - turn.start for turn in diarization.turns if turn.speaker == label)
        body: SpeakerBody = {"label": name, "speech_s": round(speech, 3)}
        embedding = diarization.embeddings.get(label)
        if with_embeddings and embedding is not None:
            # A mean over no speech is NaN, which JSON has no word for.
            body["embedding"] = [known(float(value)) or 0.0 for value in embedding]
        bodies.append(body)
    return bodies
