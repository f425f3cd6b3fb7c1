"""Models made once for all tests, and the stages on them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from recording_watch import Watch

from whisperx_server.stages import StageSettings, TranscriberSpec
from whisperx_server.whisperx_stages import create_stages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whisperx_server.stages import Aligner, Diarizer, Samples, Stages, Transcriber

SAMPLE = Path(__file__).resolve().parents[3] / "samples" / "clinic-dialogue.opus"


@pytest.fixture(scope="session", autouse=True)
def no_network() -> None:
    """Nothing here may be fetched, and no token of the developer's may be used."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.pop("HF_TOKEN", None)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one model of each kind."""
    import tiny_models
    import whisperx

    folder = tmp_path_factory.mktemp("models")
    tiny_models.make_whisper(folder / "whisper")
    tiny_models.make_whisper(folder / "few-languages", languages=("en", "de"))
    tiny_models.make_whisper(folder / "english", languages=())
    tiny_models.make_aligner(folder / "align")
    segmentation = Path(whisperx.__file__).parent / "assets" / "pytorch_model.bin"
    tiny_models.make_diarization(folder / "diarization", segmentation)
    return folder


@pytest.fixture(scope="session")
def settings(models: Path) -> StageSettings:
    """Settings in which the models have names."""
    return StageSettings(
        device="cpu",
        threads=1,
        models={name: str(models / name) for name in ("whisper", "few-languages", "english")},
        align_models={"en": str(models / "align"), "xx": str(models / "nothing-here")},
        diarization_model=str(models / "diarization"),
    )


@pytest.fixture(scope="session")
def stages(settings: StageSettings) -> Stages:
    """The stages under test."""
    return create_stages(settings)


@pytest.fixture(scope="session")
def transcriber(stages: Stages) -> Transcriber:
    """One transcriber for all tests: what one leaves behind the next one sees."""
    return stages.load_transcriber(TranscriberSpec("whisper", "float32"), Watch())


@pytest.fixture
def fresh_transcriber(stages: Stages) -> Iterator[Transcriber]:
    """A transcriber that nobody has used."""
    transcriber = stages.load_transcriber(TranscriberSpec("whisper", "float32"), Watch())
    yield transcriber
    transcriber.close()


@pytest.fixture(scope="session")
def aligner(stages: Stages) -> Aligner:
    """An aligner for English."""
    return stages.load_aligner("en", Watch())


@pytest.fixture(scope="session")
def diarizer(stages: Stages) -> Diarizer:
    """A diarizer."""
    return stages.load_diarizer(Watch())


@pytest.fixture(scope="session")
def speech() -> Samples:
    """Fourteen seconds of two people talking."""
    import whisperx

    return whisperx.load_audio(str(SAMPLE))[: 14 * 16_000].copy()
