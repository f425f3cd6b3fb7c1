"""Arithmetic that a request asks for."""

from __future__ import annotations

import pytest

from whisperx_server.errors import Code, ServiceError
from whisperx_server.front.catalogue import Catalogue
from whisperx_server.options import JobOptions
from whisperx_server.protocol import Description
from whisperx_server.settings import Settings


def judge(compute_type: str | None, known: list[str]) -> None:
    description = Description(
        device="cpu",
        models=["tiny"],
        languages=["en"],
        align_languages=["en"],
        default_compute_type="int8",
        compute_types=known,
        diarization_unavailable=None,
        versions={},
    )
    Catalogue(Settings(), description).judge(JobOptions.model_validate({"model": "tiny", "compute_type": compute_type}))


@pytest.mark.parametrize("compute_type", [None, "default", "int8"])
def test_takes_what_the_device_can(compute_type: str | None) -> None:
    judge(compute_type, ["float32", "int8"])


def test_refuses_what_the_device_cannot_and_says_what_it_can() -> None:
    with pytest.raises(ServiceError, match="float32, int8") as caught:
        judge("float16", ["float32", "int8"])
    assert caught.value.code == Code.INVALID_REQUEST


def test_takes_everything_where_the_library_cannot_tell() -> None:
    judge("float16", [])
