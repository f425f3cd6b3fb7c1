from __future__ import annotations

import itertools
import random

import pytest

from whisperx_server.stages import AlignedSegment, Word
from whisperx_server.worker.result import spoken_segments
from whisperx_server.worker.words import fill_times, split_words

NAN = float("nan")


def times(words: list[Word], start: float = 0, end: float = 10) -> list[tuple[float, float]]:
    return [(round(word.start, 3), round(word.end, 3)) for word in fill_times(words, start, end)]


def test_known_times_are_kept() -> None:
    assert times([Word("a", 1, 2), Word("b", 3, 4)]) == [(1, 2), (3, 4)]


def test_missing_times_are_shared_out_by_length() -> None:
    assert times([Word("a", 0, 1), Word("bb"), Word("cccc"), Word("d", 7, 8)]) == [(0, 1), (1, 3), (3, 7), (7, 8)]


def test_missing_times_at_the_ends_reach_to_the_segment() -> None:
    assert times([Word("a"), Word("b", 2, 3), Word("c")]) == [(0, 2), (2, 3), (3, 10)]


def test_half_known_and_impossible_times_count_as_missing() -> None:
    timed = fill_times([Word("a", 1, None), Word("b", NAN, 2, NAN), Word("c", 4, 5, 0.5)], 0, 6)
    assert [word.interpolated for word in timed] == [True, True, False]
    assert timed[0].score is None
    assert timed[2].score == 0.5


def test_whatever_alignment_says_words_are_in_order_and_inside() -> None:
    chance = random.Random(7)
    values = [None, NAN, math_inf := float("inf"), -math_inf, -1.0, 0.0, 2.5, 5.0, 99.0]
    for _ in range(500):
        words = [Word("w" * chance.randrange(4), chance.choice(values), chance.choice(values)) for _ in range(6)]
        timed = fill_times(words, 1, 6)
        assert len(timed) == len(words)
        assert all(1 <= word.start <= word.end <= 6 for word in timed)
        assert all(one.end <= next_.start + 1e-9 for one, next_ in itertools.pairwise(timed))


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        (" Hello, world. ", "en", ["Hello,", "world."]),
        ("你好，世界。", "zh", ["你", "好，", "世", "界。"]),
        ("", "en", []),
        (" 。", "ja", ["。"]),
    ],
)
def test_texts_are_cut_as_their_language_does(text: str, language: str, words: list[str]) -> None:
    assert split_words(text, language) == words


def test_segments_are_sorted_trimmed_and_kept_inside_the_audio() -> None:
    segments = [
        AlignedSegment(5, 99, " late "),
        AlignedSegment(NAN, 2, "early"),
        AlignedSegment(3, 1, "backwards"),
        AlignedSegment(4, 5, "  "),
    ]
    spoken = spoken_segments(segments, 10, "en", with_words=True)
    assert [(each.text, each.start, each.end) for each in spoken] == [
        ("early", 0, 2),
        ("backwards", 3, 3),
        ("late", 5, 10),
    ]
    assert [[word.text for word in each.words or ()] for each in spoken] == [["early"], ["backwards"], ["late"]]
