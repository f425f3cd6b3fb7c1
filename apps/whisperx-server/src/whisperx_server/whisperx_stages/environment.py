"""What the libraries must find before they are imported: no telemetry, no chatter, no transcript in any log."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nltk.tokenize.punkt import PunktSentenceTokenizer

_VARIABLES: Final = {
    # pyannote sends the length of each file and the number of speakers to its makers unless told not to.
    "PYANNOTE_METRICS_ENABLED": "0",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}

_LOGGERS: Final = (
    "whisperx",
    "faster_whisper",
    "transformers",
    "pyannote",
    "lightning",
    "pytorch_lightning",
    "speechbrain",
)


def prepare_environment() -> None:
    """Sets variables and silences the libraries' loggers. Call it before any of them is imported."""
    for name, value in _VARIABLES.items():
        os.environ.setdefault(name, value)
    silence_loggers()
    # Hundreds of hints for people who train models; what matters comes as an error.
    warnings.filterwarnings("ignore")


def silence_loggers() -> None:
    """Keeps the libraries from logging: whisperx writes the text of segments into warnings, and to standard output.

    Call it before their import, since whisperx leaves a logger alone that has a handler, and once more after it, for
    those that set up their own.
    """
    made = (name for name in logging.root.manager.loggerDict if name.partition(".")[0] in _LOGGERS)
    for name in {*_LOGGERS, *made}:
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
        logger.setLevel(logging.CRITICAL)


class _Nowhere(io.TextIOBase):
    """Takes everything and keeps nothing."""

    def write(self, text: str) -> int:
        return len(text)


@contextlib.contextmanager
def no_output() -> Iterator[None]:
    """Drops what a library prints: among it addresses of models and causes of failures with paths."""
    with contextlib.redirect_stdout(_Nowhere()), contextlib.redirect_stderr(_Nowhere()):
        yield


def load_sentence_splitter(resource: str) -> PunktSentenceTokenizer:
    """Gives the sentence splitter of a language, or one without knowledge of any where its data is not installed.

    Stands in for `nltk.data.load` inside whisperx, which otherwise downloads the data during a request and fails the
    alignment where there is no network. Without data, sentences still end at full stops, only abbreviations mislead it.
    """
    # Like the other libraries, after the environment is prepared.
    from nltk.data import load  # noqa: PLC0415
    from nltk.tokenize import punkt  # noqa: PLC0415

    try:
        splitter: PunktSentenceTokenizer = load(resource)
    except LookupError:
        return punkt.PunktSentenceTokenizer()
    return splitter
