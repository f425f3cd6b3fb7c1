"""Tells what the libraries' exceptions mean. Their messages hold paths and addresses, so none of them is passed on."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from huggingface_hub import errors as hub

from whisperx_server.stages import (
    DeviceLostError,
    ModelGatedError,
    ModelLoadError,
    ModelNotFoundError,
    OutOfMemoryError,
    StageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# torch, CTranslate2, cuBLAS, cuDNN and the C++ allocator; all arrive as RuntimeError or a class below it.
_OUT_OF_MEMORY: Final = (
    "out of memory",
    "cublas_status_alloc_failed",
    "cudnn_status_alloc_failed",
    "can't allocate memory",
    "cannot allocate memory",
    "bad_alloc",
)

# After these the CUDA context answers every further call with the same error.
_DEVICE_LOST: Final = (
    "illegal memory access",
    "device-side assert",
    "unspecified launch failure",
    "misaligned address",
    "uncorrectable ecc",
    "cublas_status_execution_failed",
    "cublas_status_not_initialized",
    "cudnn_status_execution_failed",
    "cudnn_status_internal_error",
    "driver shutting down",
)


def _status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    return status if isinstance(status, int) else None


# The first that fits any of the causes, so that the narrower ones come first: a gated repository is, for the hub, a
# kind of missing one, and that one answers 401 to everybody without a token.
_LOAD_FAILURES: Final[Sequence[tuple[Callable[[BaseException], bool], type[StageError], str]]] = (
    (
        lambda cause: isinstance(cause, hub.GatedRepoError),
        ModelGatedError,
        "The terms of {} must be accepted by the owner of HF_TOKEN.",
    ),
    (
        lambda cause: isinstance(
            cause, hub.RepositoryNotFoundError | hub.RevisionNotFoundError | hub.HFValidationError
        ),
        ModelNotFoundError,
        "There is no source for {}, or HF_TOKEN does not open it.",
    ),
    (lambda cause: _status(cause) in (401, 403), ModelGatedError, "HF_TOKEN does not open {}."),
    (lambda cause: "invalid model size" in str(cause).lower(), ModelNotFoundError, "There is no {}."),
    (
        lambda cause: "compute type" in str(cause).lower(),
        ModelLoadError,
        "This device cannot run {} in that compute type.",
    ),
    (
        lambda cause: isinstance(cause, hub.LocalEntryNotFoundError | hub.OfflineModeIsEnabled),
        ModelLoadError,
        "The files of {} are not here and could not be fetched.",
    ),
)


@contextlib.contextmanager
def at_work() -> Iterator[None]:
    """Around a stage at work: raises `OutOfMemoryError` or `DeviceLostError` for what means them.

    Everything else passes as it is.
    """
    try:
        yield
    except StageError:
        raise
    except Exception as error:
        meant = device_failure(error)
        if meant is None:
            raise
        raise meant from error


@contextlib.contextmanager
def at_load(what: str, *, asked_for: bool = False) -> Iterator[None]:
    """Around the loading of a model: every failure becomes a stage error that names `what`, never its source.

    Args:
        what: the model, as the message says it.
        asked_for: whether the request named it. A model of the operator's choice that is missing is not the caller's
            mistake, who would be told that there is no such model.
    """
    try:
        yield
    except StageError:
        raise
    except Exception as error:
        failure = load_failure(error, what)
        if isinstance(failure, ModelNotFoundError) and not asked_for:
            failure = ModelLoadError(str(failure))
        raise failure from error


def device_failure(error: BaseException) -> StageError | None:
    """What an exception says about memory and device, or None where it is about neither."""
    for cause in _causes(error):
        if isinstance(cause, MemoryError):
            return OutOfMemoryError("Memory ran out.")
        if not isinstance(cause, RuntimeError | OSError):
            continue
        text = str(cause).lower()
        if any(sign in text for sign in _DEVICE_LOST):
            return DeviceLostError("The device answers with errors only.")
        if any(sign in text for sign in _OUT_OF_MEMORY):
            return OutOfMemoryError("Memory ran out.")
    return None


def load_failure(error: BaseException, what: str) -> StageError:
    """What an exception during loading means."""
    meant = device_failure(error)
    if meant is not None:
        return meant
    for matches, kind, message in _LOAD_FAILURES:
        if any(matches(cause) for cause in _causes(error)):
            return kind(message.format(what))
    return ModelLoadError(f"The files of {what} could not be loaded ({type(error).__name__}).")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and what led to it. Libraries wrap the real one, with and without `from`."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
