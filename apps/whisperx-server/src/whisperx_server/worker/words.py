"""A time for every word: what alignment found is kept, what it did not is filled in and marked."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whisperx_server.stages import Word

UNSPACED_LANGUAGES: Final = frozenset({"zh", "ja", "yue", "th", "lo", "km", "my", "bo"})
"""Written without spaces between words: one character is taken for a word, as alignment does."""


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word with its time."""

    text: str
    start: float
    end: float
    score: float | None
    interpolated: bool


def known(value: float | None) -> float | None:
    """The number, or None where it is none (NaN and infinities come out of empty averages)."""
    return value if value is not None and math.isfinite(value) else None


def split_words(text: str, language: str) -> list[str]:
    """The words of a text, for a language of that code."""
    if language not in UNSPACED_LANGUAGES:
        return text.split()
    words: list[str] = []
    for char in text:
        if char.isspace():
            continue
        # Punctuation and combining marks belong to the character before.
        if words and unicodedata.category(char)[0] in "PM":
            words[-1] += char
        else:
            words.append(char)
    return words


def fill_times(words: Sequence[Word], start: float, end: float) -> list[TimedWord]:
    """Gives every word a time within its segment, in order.

    A word counts as timed when it has both ends. Runs of words without lie between their neighbours, each as long as
    its share of the characters. Times that run backwards are moved, not believed.
    """
    timed: list[TimedWord] = []
    run: list[Word] = []
    at = start
    for word in words:
        begin, finish = known(word.start), known(word.end)
        if begin is None or finish is None:
            run.append(word)
            continue
        begin = min(max(begin, at), end)
        finish = min(max(finish, begin), end)
        timed += _spread(run, at, begin)
        run = []
        timed.append(TimedWord(word.text, begin, finish, known(word.score), interpolated=False))
        at = finish
    return timed + _spread(run, at, max(end, at))


def _spread(run: Sequence[Word], start: float, end: float) -> list[TimedWord]:
    total = sum(max(1, len(word.text)) for word in run)
    timed: list[TimedWord] = []
    at = start
    for word in run:
        finish = at + (end - start) * max(1, len(word.text)) / total
        timed.append(TimedWord(word.text, at, min(finish, end), None, interpolated=True))
        at = finish
    return timed
