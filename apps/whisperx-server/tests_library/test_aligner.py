"""Aligning with the real library."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from recording_watch import Watch

from whisperx_server.stages import (
    CancelledError,
    LanguageNotAlignableError,
    ModelLoadError,
    OutOfMemoryError,
    RawSegment,
)

if TYPE_CHECKING:
    from pathlib import Path

    from whisperx_server.stages import AlignedSegment, Aligner, Samples, Stages

HELLO = RawSegment(0.5, 4.0, " Hello there. It costs 42 at Five!", -0.25)
TOO_DENSE = RawSegment(4.0, 4.05, "far more words than can be said in that time")


def align(aligner: Aligner, samples: Samples, *segments: RawSegment, chars: bool = False) -> list[AlignedSegment]:
    return list(aligner.align(samples, segments, Watch(), with_chars=chars))


def test_gives_sentences_whose_words_have_times_and_scores(aligner: Aligner, speech: Samples) -> None:
    sentences = align(aligner, speech, HELLO)
    assert [sentence.text for sentence in sentences] == ["Hello there.", "It costs 42 at Five!"]
    assert [word.text for word in sentences[1].words] == ["It", "costs", "42", "at", "Five!"]
    assert all(sentence.avg_logprob == -0.25 for sentence in sentences)
    words = [word for sentence in sentences for word in sentence.words]
    assert all(0.5 <= word.start < word.end <= 4.0 for word in words)
    assert all(before.end <= after.start for before, after in itertools.pairwise(words))
    assert all(type(word.start) is float and type(word.end) is float for word in words)
    assert all(0 <= word.score <= 1 for word in words if word.text != "42")


def test_says_what_the_library_says_itself(aligner: Aligner, models: Path, speech: Samples) -> None:
    import whisperx

    model, metadata = whisperx.load_align_model("en", "cpu", model_name=str(models / "align"))
    segment = {"start": HELLO.start, "end": HELLO.end, "text": HELLO.text.strip()}
    expected = whisperx.align([segment], model, metadata, speech, "cpu")["word_segments"]
    ours = [word for sentence in align(aligner, speech, HELLO) for word in sentence.words]
    assert [(word.text, word.start, word.end) for word in ours] == [
        (word["word"], word["start"], word["end"]) for word in expected
    ]


def test_has_no_score_for_words_that_the_model_cannot_spell(aligner: Aligner, speech: Samples) -> None:
    words = align(aligner, speech, HELLO)[1].words
    number = next(word for word in words if word.text == "42")
    assert number.start is not None
    assert number.score is None


@pytest.mark.parametrize(
    "segment",
    [
        TOO_DENSE,
        RawSegment(2.0, 2.0, "no time at all"),
        RawSegment(3.0, 2.0, "time that runs backwards"),
        RawSegment(900.0, 905.0, "after the end"),
    ],
)
def test_keeps_the_text_of_what_it_cannot_align(aligner: Aligner, speech: Samples, segment: RawSegment) -> None:
    sentences = align(aligner, speech, HELLO, segment, HELLO)
    assert [sentence.text for sentence in sentences if not sentence.words] == [segment.text]
    assert len(sentences) == 5


@pytest.mark.parametrize("error", [KeyError("start"), ValueError("empty"), IndexError()])
def test_keeps_the_text_where_the_library_fails(
    aligner: Aligner, speech: Samples, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def failing(*_: object, **__: object) -> object:
        raise error

    monkeypatch.setattr("whisperx_server.whisperx_stages.aligner.align", failing)
    (kept,) = align(aligner, speech, HELLO)
    assert (kept.start, kept.end, kept.text, kept.words) == (0.5, 4.0, HELLO.text.strip(), ())


def test_says_that_memory_ran_out(aligner: Aligner, speech: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def failing(*_: object, **__: object) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr("whisperx_server.whisperx_stages.aligner.align", failing)
    with pytest.raises(OutOfMemoryError):
        align(aligner, speech, HELLO)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("two\u00a0words", ["two", "words"]),
        ("a\nline  break", ["a", "line", "break"]),
        ("Пока 你好 …", ["Пока", "你好", "…"]),
        ("a|b", ["a|b"]),
        ("one. Two? Three", ["one.", "Two?", "Three"]),
    ],
)
def test_finds_the_words_of_any_text(aligner: Aligner, speech: Samples, text: str, words: list[str]) -> None:
    sentences = align(aligner, speech, RawSegment(1.0, 4.0, text))
    assert [word.text for sentence in sentences for word in sentence.words] == words


def test_stays_within_the_audio(aligner: Aligner, speech: Samples) -> None:
    end = speech.size / 16_000
    (sentence,) = align(aligner, speech, RawSegment(end - 1, end + 4, "over the edge"))
    assert all(word.end <= end for word in sentence.words)
    assert sentence.end <= end


def test_gives_the_times_of_characters_when_asked_to(aligner: Aligner, speech: Samples) -> None:
    first, _ = align(aligner, speech, HELLO, chars=True)
    assert "".join(char.text for char in first.chars) == "Hellothere."
    assert all(char.start < char.end for char in first.chars)
    assert align(aligner, speech, HELLO)[0].chars == []


def test_drops_segments_without_text(aligner: Aligner, speech: Samples) -> None:
    assert align(aligner, speech, RawSegment(1, 2, "  \n")) == []
    assert align(aligner, speech) == []


def test_reports_every_segment_the_failed_ones_too(aligner: Aligner, speech: Samples) -> None:
    watch = Watch()
    aligner.align(speech, [TOO_DENSE, HELLO, TOO_DENSE, TOO_DENSE], watch, with_chars=False)
    assert watch.values == [25, 50, 75, 100]


def test_stops_between_segments(aligner: Aligner, speech: Samples) -> None:
    watch = Watch(cancel_at=40)
    with pytest.raises(CancelledError):
        aligner.align(speech, [HELLO] * 4, watch, with_chars=False)
    assert watch.values == [25, 50]


def test_takes_each_character_for_a_word_where_words_are_not_spaced(
    aligner: Aligner, speech: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(aligner._metadata, "language", "zh")
    (sentence,) = align(aligner, speech, RawSegment(1.0, 4.0, "你好吗"))
    assert [word.text for word in sentence.words] == ["你", "好", "吗"]


@pytest.mark.parametrize("language", ["th", "yue", "zz"])
def test_has_no_model_for_some_languages(stages: Stages, language: str) -> None:
    with pytest.raises(LanguageNotAlignableError):
        stages.load_aligner(language, Watch())


@pytest.mark.parametrize("language", ["xx", "de", "nl"])
def test_says_that_a_model_could_not_be_loaded(stages: Stages, language: str) -> None:
    with pytest.raises(ModelLoadError) as caught:
        stages.load_aligner(language, Watch())
    assert "/" not in str(caught.value)


def test_needs_no_data_of_sentences_and_prints_no_text(
    aligner: Aligner, speech: Samples, capfd: pytest.CaptureFixture[str]
) -> None:
    align(aligner, speech, TOO_DENSE, HELLO)
    printed = capfd.readouterr()
    assert printed.out == printed.err == ""
