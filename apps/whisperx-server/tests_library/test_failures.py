"""What the libraries' exceptions mean."""

from __future__ import annotations

import errno
import os

import pytest
import requests
from huggingface_hub import errors as hub

from whisperx_server.stages import (
    DeviceLostError,
    ModelGatedError,
    ModelLoadError,
    ModelNotFoundError,
    OutOfMemoryError,
    StageError,
)
from whisperx_server.whisperx_stages.failures import at_load, at_work, device_failure, load_failure


def answered(kind: type[hub.HfHubHTTPError], status: int) -> hub.HfHubHTTPError:
    response = requests.Response()
    response.status_code = status
    return kind(f"{status} Client Error for https://hub.example/secret", response=response)


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        (RuntimeError("CUDA failed with error out of memory"), OutOfMemoryError),
        (RuntimeError("cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED"), OutOfMemoryError),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"), OutOfMemoryError),
        (MemoryError(), OutOfMemoryError),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), OutOfMemoryError),
        (RuntimeError("CUDA error: device-side assert triggered"), DeviceLostError),
        (RuntimeError("CUDA error: unspecified launch failure"), DeviceLostError),
        (RuntimeError("cuDNN failed with status CUDNN_STATUS_EXECUTION_FAILED"), DeviceLostError),
    ],
)
def test_knows_device_failures_also_inside_others(error: Exception, meant: type[StageError]) -> None:
    assert type(device_failure(error)) is meant
    outer = ValueError("something went wrong")
    outer.__context__ = error
    assert type(device_failure(outer)) is meant
    with pytest.raises(meant), at_work():
        raise error


@pytest.mark.parametrize("error", [RuntimeError("the text said: out, of, memory"), ValueError("out of memory")])
def test_takes_nothing_else_for_a_device_failure(error: Exception) -> None:
    assert device_failure(error) is None
    with pytest.raises(type(error)), at_work():
        raise error


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        (answered(hub.GatedRepoError, 403), ModelGatedError),
        (answered(hub.GatedRepoError, 401), ModelGatedError),
        (answered(hub.RepositoryNotFoundError, 401), ModelNotFoundError),
        (answered(hub.HfHubHTTPError, 403), ModelGatedError),
        (answered(hub.HfHubHTTPError, 503), ModelLoadError),
        (hub.LocalEntryNotFoundError("no connection"), ModelLoadError),
        (hub.OfflineModeIsEnabled("offline"), ModelLoadError),
        (ValueError("Invalid model size 'x', expected one of: tiny"), ModelNotFoundError),
        (RuntimeError("CUDA failed with error out of memory"), OutOfMemoryError),
        (OSError("/secret/model.bin is broken"), ModelLoadError),
    ],
)
def test_says_why_a_model_was_not_loaded_and_not_where_it_is(error: Exception, meant: type[StageError]) -> None:
    wrapped = ValueError("could not be found at https://hub.example/secret")
    wrapped.__context__ = error
    for cause in (error, wrapped):
        failure = load_failure(cause, "model x")
        assert type(failure) is meant
        assert "secret" not in str(failure)


def test_tells_a_callers_model_from_the_operators() -> None:
    with pytest.raises(ModelNotFoundError), at_load("model x", asked_for=True):
        raise answered(hub.RepositoryNotFoundError, 404)
    with pytest.raises(ModelLoadError), at_load("the speaker model"):
        raise answered(hub.RepositoryNotFoundError, 404)
