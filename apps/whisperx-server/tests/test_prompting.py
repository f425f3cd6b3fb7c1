"""Prompts and hotwords in the room that the speech model has for them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from whisperx_server.whisperx_stages.prompting import PROMPT_TOKENS, fit_prompts


@dataclass
class Encoding:
    offsets: list[tuple[int, int]]


class TwoLetterTokens:
    """A tokenizer whose tokens are two letters of a word, the first ones with the space before them."""

    def encode(self, text: str, *, add_special_tokens: bool) -> Encoding:
        assert not add_special_tokens
        return Encoding([found.span() for found in re.finditer(r" ?\S{1,2}", text)])


def tokens(text: str | None) -> int:
    return len(TwoLetterTokens().encode(f" {text}", add_special_tokens=False).offsets) if text else 0


def fit(prompt: str | None, hotwords: str | None) -> tuple[str | None, str | None]:
    return fit_prompts(TwoLetterTokens(), prompt, hotwords)


@pytest.mark.parametrize("blank", [None, "", "  \n", "<|endoftext|>"])
def test_takes_blank_texts_for_none(blank: str | None) -> None:
    assert fit(blank, blank) == (None, None)


def test_leaves_texts_that_fit() -> None:
    assert fit("We  spoke\nof rivers.", "Seine, Rhône") == ("We spoke of rivers.", "Seine, Rhône")


def test_keeps_the_beginning_of_hotwords_at_a_word() -> None:
    words = [f"word{number:03d}" for number in range(200)]
    _, kept = fit(None, ", ".join(words))
    assert kept is not None
    assert kept.split(", ") == words[: len(kept.split(", "))]
    assert PROMPT_TOKENS - 5 <= tokens(kept) <= PROMPT_TOKENS


def test_keeps_the_end_of_a_prompt_at_a_word() -> None:
    words = [f"word{number:03d}" for number in range(200)]
    kept, _ = fit(" ".join(words), None)
    assert kept is not None
    assert kept.split() == words[-len(kept.split()) :]
    assert PROMPT_TOKENS - 5 <= tokens(kept) <= PROMPT_TOKENS


def test_gives_both_together_no_more_room_than_one() -> None:
    prompt, hotwords = fit("before " * 300, "listen " * 300)
    assert tokens(prompt) >= PROMPT_TOKENS // 2 - 5
    assert tokens(hotwords) >= PROMPT_TOKENS // 2 - 5
    assert tokens(prompt) + tokens(hotwords) <= PROMPT_TOKENS


def test_gives_hotwords_the_room_that_a_short_prompt_leaves() -> None:
    prompt, hotwords = fit("short", "listen " * 300)
    assert prompt == "short"
    assert tokens(hotwords) >= PROMPT_TOKENS - tokens(prompt) - 5


@pytest.mark.parametrize("text", ["one <|en|> two", "one<|notimestamps|>two", "<|a|><|b|>one two", "one <|0.00|> two"])
def test_drops_marks_that_would_command_the_model(text: str) -> None:
    assert fit(text, text) == ("one two", "one two")


def test_drops_one_word_that_is_longer_than_the_room() -> None:
    assert fit("x" * 4000, "y" * 4000) == (None, None)
