"""Memory that models held comes back."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import psutil
from recording_watch import Watch, options

from whisperx_server.stages import DiarizeOptions, RawSegment, TranscriberSpec

if TYPE_CHECKING:
    from whisperx_server.stages import Samples, Stages


def test_nothing_refers_to_a_closed_model(stages: Stages, speech: Samples) -> None:
    transcriber = stages.load_transcriber(TranscriberSpec("whisper", "float32"), Watch())
    aligner = stages.load_aligner("en", Watch())
    diarizer = stages.load_diarizer(Watch())
    transcriber.transcribe(speech, options(), Watch())
    aligner.align(speech, [RawSegment(1, 3, "we speak")], Watch(), with_chars=False)
    diarizer.diarize(speech[: 3 * 16_000], DiarizeOptions(), Watch())
    held = [
        weakref.ref(transcriber._pipeline),
        weakref.ref(transcriber._pipeline.model),
        weakref.ref(aligner._model),
        weakref.ref(diarizer._pipeline),
    ]
    for model in (transcriber, aligner, diarizer):
        model.close()
    stages.free_memory()
    assert [reference() for reference in held] == [None] * len(held)


def test_loading_and_unloading_leaves_memory_where_it_was(stages: Stages, speech: Samples) -> None:
    def round_trip() -> int:
        transcriber = stages.load_transcriber(TranscriberSpec("whisper", "float32"), Watch())
        transcriber.transcribe(speech[: 5 * 16_000], options(), Watch())
        transcriber.close()
        stages.free_memory()
        gc.collect()
        return int(psutil.Process().memory_info().rss)

    for _ in range(3):
        before = round_trip()
    for _ in range(10):
        after = round_trip()
    assert after - before < 30 * 2**20
