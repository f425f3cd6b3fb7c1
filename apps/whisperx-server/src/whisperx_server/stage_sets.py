"""Which speech library a worker uses, by name. Imported lazily: the real one takes seconds and gigabytes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from whisperx_server.stages import Stages, StageSettings

STAGE_SETS: Final = {
    "whisperx": "whisperx_server.whisperx_stages",
    "scripted": "whisperx_server.scripted_stages",
}
"""Each module has `create_stages(settings) -> Stages`."""


def create_stages(name: str, settings: StageSettings) -> Stages:
    """Makes the stages of that name, in the worker process."""
    create: Callable[[StageSettings], Stages] = import_module(STAGE_SETS[name]).create_stages
    return create(settings)
