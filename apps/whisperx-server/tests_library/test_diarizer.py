"""Telling speakers apart with the real pipeline."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from recording_watch import Watch

from whisperx_server.stages import (
    CancelledError,
    DiarizationUnavailableError,
    DiarizeOptions,
    ModelLoadError,
    OutOfMemoryError,
    StageSettings,
)
from whisperx_server.whisperx_stages import create_stages

if TYPE_CHECKING:
    from pathlib import Path

    from whisperx_server.stages import Diarizer, Samples


@pytest.fixture(scope="module")
def short_speech(speech: Samples) -> Samples:
    return speech[: 8 * 16_000]


def test_gives_turns_of_speakers_within_the_audio(diarizer: Diarizer, short_speech: Samples) -> None:
    watch = Watch()
    found = diarizer.diarize(short_speech, DiarizeOptions(), watch)
    assert found.turns
    assert all(0 <= turn.start < turn.end <= 8 for turn in found.turns)
    assert all(turn.speaker.startswith("SPEAKER_") for turn in found.turns)
    assert found.exclusive_turns
    in_order = sorted(found.exclusive_turns, key=lambda turn: turn.start)
    assert all(before.end <= after.start + 1e-6 for before, after in itertools.pairwise(in_order))
    assert found.embeddings == {}
    assert watch.values == sorted(watch.values)
    assert watch.values[-1] == 100
    assert len(watch.values) > 3


@pytest.mark.parametrize(
    ("bounds", "low", "high"),
    [
        (DiarizeOptions(num_speakers=2), 2, 2),
        (DiarizeOptions(max_speakers=1), 1, 1),
        (DiarizeOptions(min_speakers=2, max_speakers=3), 2, 3),
    ],
)
def test_keeps_to_the_bounds(
    diarizer: Diarizer, short_speech: Samples, bounds: DiarizeOptions, low: int, high: int
) -> None:
    found = diarizer.diarize(short_speech, replace(bounds, embeddings=True), Watch())
    assert low <= len({turn.speaker for turn in found.turns}) <= high
    assert set(found.embeddings) <= {turn.speaker for turn in found.turns}
    assert all(len(voice) == 256 and np.isfinite(voice).all() for voice in found.embeddings.values())


@pytest.mark.parametrize("seconds", [0, 0.05, 0.3, 3])
def test_finds_nobody_in_silence(diarizer: Diarizer, seconds: float) -> None:
    silence = np.zeros(int(seconds * 16_000), dtype=np.float32)
    assert list(diarizer.diarize(silence, DiarizeOptions(embeddings=True), Watch()).turns) == []


@pytest.mark.parametrize("seconds", [0.11, 0.5, 1.2])
def test_takes_very_short_audio(diarizer: Diarizer, speech: Samples, seconds: float) -> None:
    said = speech[32_000 : 32_000 + int(seconds * 16_000)]
    assert all(turn.end <= seconds for turn in diarizer.diarize(said, DiarizeOptions(num_speakers=3), Watch()).turns)


@pytest.mark.parametrize("percent", [1, 45])
def test_stops_in_every_step(diarizer: Diarizer, short_speech: Samples, percent: float) -> None:
    watch = Watch(cancel_at=percent)
    with pytest.raises(CancelledError):
        diarizer.diarize(short_speech, DiarizeOptions(), watch)
    assert watch.values[-1] < 95


def test_says_that_memory_ran_out(diarizer: Diarizer, short_speech: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> object:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(type(diarizer._pipeline), "get_embeddings", failing)
    with pytest.raises(OutOfMemoryError):
        diarizer.diarize(short_speech, DiarizeOptions(), Watch())


def test_is_not_offered_without_a_token_or_a_folder() -> None:
    stages = create_stages(StageSettings(device="cpu"))
    assert "HF_TOKEN" in (stages.describe().diarization_unavailable or "")
    with pytest.raises(DiarizationUnavailableError, match="HF_TOKEN"):
        stages.load_diarizer(Watch())


def test_is_not_offered_by_a_service_that_takes_the_audio_away() -> None:
    settings = StageSettings(
        device="cpu", hf_token="hf_x", diarization_model="pyannote/speaker-diarization-precision-2"
    )
    assert "DIARIZATION_MODEL" in (create_stages(settings).describe().diarization_unavailable or "")


def test_says_that_the_model_could_not_be_fetched() -> None:
    stages = create_stages(StageSettings(device="cpu", hf_token="hf_x"))
    assert stages.describe().diarization_unavailable is None
    with pytest.raises(ModelLoadError, match="could not be fetched"):
        stages.load_diarizer(Watch())


def test_does_not_tell_where_the_model_lies(tmp_path: Path) -> None:
    stages = create_stages(StageSettings(device="cpu", diarization_model=str(tmp_path)))
    with pytest.raises(ModelLoadError) as caught:
        stages.load_diarizer(Watch())
    assert str(tmp_path) not in str(caught.value)
