from __future__ import annotations

import random

from whisperx_server.options import JobOptions
from whisperx_server.stages import AlignedSegment, Diarization, Turn, Word
from whisperx_server.worker.result import assign_speakers, spoken_segments
from whisperx_server.worker.speakers import TurnIndex, relabel


def naive(turns: list[Turn], start: float, end: float) -> dict[str, float]:
    shares: dict[str, float] = {}
    for turn in turns:
        overlap = min(end, turn.end) - max(start, turn.start)
        if overlap > 0:
            shares[turn.speaker] = shares.get(turn.speaker, 0) + overlap
    return shares


def test_the_speaker_is_who_speaks_most_in_that_time() -> None:
    chance = random.Random(11)
    for _ in range(300):
        turns = [
            Turn(start, start + chance.uniform(0, 4), chance.choice("ABC"))
            for start in (chance.uniform(0, 20) for _ in range(8))
        ]
        start = chance.uniform(0, 22)
        end = start + chance.uniform(0.01, 3)
        shares = naive(turns, start, end)
        found = TurnIndex(turns, fill_nearest=False).speaker_of(start, end)
        if not shares:
            assert found is None
        else:
            assert found is not None
            assert shares[found] == max(shares.values())


def test_where_nobody_speaks_the_nearest_is_taken_if_wished() -> None:
    turns = [Turn(0, 9, "A"), Turn(1, 2, "B"), Turn(14, 15, "C")]
    index = TurnIndex(turns, fill_nearest=True)
    assert index.speaker_of(10, 11) == "A"
    assert index.speaker_of(13, 13.5) == "C"
    assert index.speaker_of(50, 51) == "C"
    assert TurnIndex(turns, fill_nearest=False).speaker_of(10, 11) is None
    assert TurnIndex([], fill_nearest=True).speaker_of(1, 2) is None


def test_a_word_without_length_belongs_to_the_turn_around_it() -> None:
    assert TurnIndex([Turn(0, 2, "A")], fill_nearest=False).speaker_of(1, 1) == "A"


def test_labels_follow_the_order_of_speech() -> None:
    assert relabel(["b", "a", "b", "c"]) == {"b": "SPEAKER_00", "a": "SPEAKER_01", "c": "SPEAKER_02"}


def test_segments_are_cut_where_the_speaker_changes_if_wished() -> None:
    words = [Word("one", 0, 1), Word("two", 1, 2), Word("three", 2, 3), Word("four", 5, 6)]
    spoken = spoken_segments([AlignedSegment(0, 6, "one two three four", words)], 6, "en", with_words=True)
    turns = Diarization([Turn(0, 2, "A"), Turn(2, 4, "B")], None)
    parts = assign_speakers(spoken, turns, JobOptions(diarize=True, split_by_speaker=True))
    assert [(part.text, part.speaker, part.start, part.end) for part in parts] == [
        ("one two", "A", 0, 2),
        ("three four", "B", 2, 6),
    ]
    whole = assign_speakers(spoken, turns, JobOptions(diarize=True))
    assert [part.speaker for part in whole] == ["A"]


def test_a_text_without_spaces_is_cut_as_it_was_written() -> None:
    words = [Word(char, at, at + 1) for at, char in enumerate("你好嗎我很好")]
    spoken = spoken_segments([AlignedSegment(0, 6, "你好嗎？我很好。", words)], 6, "zh", with_words=True)
    turns = Diarization([Turn(0, 3, "A"), Turn(3, 6, "B")], None)
    parts = assign_speakers(spoken, turns, JobOptions(diarize=True, split_by_speaker=True))
    assert [(part.text, part.speaker) for part in parts] == [("你好嗎？", "A"), ("我很好。", "B")]


def test_exclusive_turns_are_used_where_there_are_any() -> None:
    spoken = spoken_segments([AlignedSegment(0, 2, "one", [Word("one", 0, 2)])], 6, "en", with_words=True)
    diarization = Diarization([Turn(0, 2, "A")], [Turn(0, 2, "B")])
    assert assign_speakers(spoken, diarization, JobOptions())[0].speaker == "B"
    assert assign_speakers(spoken, diarization, JobOptions(exclusive=False))[0].speaker == "A"
