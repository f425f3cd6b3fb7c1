"""Fits a request's prompt and hotwords into the room that Whisper has for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer

PROMPT_TOKENS: Final = 223
"""Half of Whisper's 448 tokens of context, less the mark before them. faster-whisper grants this to prompt and hotwords
each; both together then leave no room for an answer, and CTranslate2 refuses to generate."""

# Special tokens in plain text, such as <|endoftext|>, would be read as commands to the model.
_MARK: Final = re.compile(r"<\|[^|<>]{0,40}\|>")


def fit_prompts(tokenizer: Tokenizer, prompt: str | None, hotwords: str | None) -> tuple[str | None, str | None]:
    """Cuts both texts at words: the end of the prompt and the beginning of the hotwords stay.

    Args:
        tokenizer: the model's `tokenizers.Tokenizer`.
        prompt: text that might have come before; None or blank for none.
        hotwords: words to listen for, the important ones first; None or blank for none.
    """
    prompt, hotwords = _plain(prompt), _plain(hotwords)
    if prompt and hotwords:
        prompt = _last(tokenizer, prompt, PROMPT_TOKENS // 2)
    elif prompt:
        prompt = _last(tokenizer, prompt, PROMPT_TOKENS)
    used = len(_spans(tokenizer, prompt)) if prompt else 0
    return prompt or None, (_first(tokenizer, hotwords, PROMPT_TOKENS - used) if hotwords else None) or None


def _plain(text: str | None) -> str:
    return " ".join(_MARK.sub(" ", text or "").split())


def _spans(tokenizer: Tokenizer, text: str) -> Sequence[tuple[int, int]]:
    """Where each token lies in the text, which the library encodes with a space before it."""
    spans: Sequence[tuple[int, int]] = tokenizer.encode(f" {text}", add_special_tokens=False).offsets
    return spans


def _first(tokenizer: Tokenizer, text: str, tokens: int) -> str:
    spans = _spans(tokenizer, text)
    if len(spans) <= tokens:
        return text
    # The offsets count the space before the text; the word in which the cut falls goes as a whole.
    kept = f" {text}"[: spans[tokens][0] + 1]
    return kept.rpartition(" ")[0].strip(" ,;")


def _last(tokenizer: Tokenizer, text: str, tokens: int) -> str:
    spans = _spans(tokenizer, text)
    if len(spans) <= tokens:
        return text
    kept = f" {text}"[spans[-tokens][0] :]
    return kept.partition(" ")[2].strip() if not kept.startswith(" ") else kept.strip()
