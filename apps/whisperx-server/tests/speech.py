"""Audio in which the scripted stages hear chosen words."""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from whisperx_server.scripted_stages import QUIETEST, STEP, WORDS
from whisperx_server.stages import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    import numpy.typing as npt

WORD_MS: Final = 300
WORD_GAP_MS: Final = 60
SENTENCE_GAP_MS: Final = 400

_HALF_PERIOD_SAMPLES = 40


def speech(*sentences: str) -> bytes:
    """Samples in which each sentence is said, after a quiet lead-in and with pauses between."""
    parts = [_silence(SENTENCE_GAP_MS)]
    for sentence in sentences:
        for number, word in enumerate(sentence.split()):
            if number > 0:
                parts.append(_silence(WORD_GAP_MS))
            parts.append(_tone(word))
        parts.append(_silence(SENTENCE_GAP_MS))
    return np.concatenate(parts).astype("<i2").tobytes()


def silence(ms: int) -> bytes:
    """Samples of nothing."""
    return _silence(ms).tobytes()


def wav(pcm: bytes, rate: int = SAMPLE_RATE_HZ) -> bytes:
    """Samples as a WAV file."""
    header = struct.pack(
        "<4sI8sIHHIIHH4sI", b"RIFF", 36 + len(pcm), b"WAVEfmt ", 16, 1, 1, rate, 2 * rate, 2, 16, b"data", len(pcm)
    )
    return header + pcm


def _silence(ms: int) -> npt.NDArray[np.int16]:
    return np.zeros(SAMPLE_RATE_HZ * ms // 1000, dtype=np.int16)


@cache
def _tone(word: str) -> npt.NDArray[np.int16]:
    loudness = QUIETEST + STEP * WORDS.index(word)
    samples = np.arange(SAMPLE_RATE_HZ * WORD_MS // 1000)
    return np.where(samples // _HALF_PERIOD_SAMPLES % 2 == 0, loudness, -loudness).astype(np.int16)
