"""The stages on the whisperx library. Only the worker process imports this: it takes seconds and gigabytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whisperx_server.stages import Stages, StageSettings


def create_stages(settings: StageSettings) -> Stages:
    """Makes the process fit for the library, then imports it."""
    from whisperx_server.whisperx_stages.environment import prepare_environment  # noqa: PLC0415

    prepare_environment()
    # After the environment: the libraries read it while they are imported.
    from whisperx_server.whisperx_stages.library import WhisperxStages  # noqa: PLC0415

    return WhisperxStages(settings)
