"""What stages raise, turned into what the pipeline treats."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from whisperx_server.errors import Code
from whisperx_server.stages import (
    CancelledError,
    DeviceLostError,
    DiarizationUnavailableError,
    LanguageNotAlignableError,
    LanguageNotSpokenError,
    ModelGatedError,
    ModelLoadError,
    ModelNotFoundError,
    OutOfMemoryError,
    StageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from whisperx_server.protocol import Phase

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(slots=True)
class PipelineError(Exception):
    """A job failed for good."""

    code: Code
    message: str
    phase: Phase | None = None
    fatal: bool = False
    """This process can do nothing more."""


class MemoryShortError(Exception):
    """Memory ran out in a stage; a smaller way may work."""


def guard(stage: Callable[[], T]) -> T:
    """Runs a stage.

    Raises:
        MemoryShortError: memory ran out.
        PipelineError: it failed for good.
        CancelledError, LanguageNotAlignableError, DiarizationUnavailableError: as the stage raised them.
    """
    try:
        return stage()
    except (CancelledError, LanguageNotAlignableError, DiarizationUnavailableError):
        raise
    except (OutOfMemoryError, MemoryError) as error:
        raise MemoryShortError from error
    except StageError as error:
        raise _explained(error) from error
    except Exception as error:
        log_failure("a stage failed", error)
        raise PipelineError(Code.INTERNAL, "A stage failed unexpectedly; the server's log says where.") from error


def _explained(error: StageError) -> PipelineError:
    if isinstance(error, DeviceLostError):
        return PipelineError(Code.WORKER_CRASHED, "The device failed; its process starts again.", fatal=True)
    if isinstance(error, LanguageNotSpokenError):
        return PipelineError(Code.LANGUAGE_UNSUPPORTED, str(error) or "This model does not know the language.")
    if isinstance(error, ModelNotFoundError):
        return PipelineError(Code.MODEL_NOT_FOUND, str(error) or "There is no such model.")
    if isinstance(error, ModelGatedError):
        return PipelineError(Code.MODEL_GATED, str(error) or "The model may not be fetched with this token.")
    if isinstance(error, ModelLoadError):
        return PipelineError(Code.MODEL_LOAD_FAILED, str(error) or "A model could not be loaded.")
    return PipelineError(Code.INTERNAL, str(error) or "A stage failed.")


def log_failure(what: str, error: BaseException) -> None:
    """Says where something failed. Not the message: a library's may quote the transcript."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s: %s at\n%s", what, type(error).__name__, frames)
