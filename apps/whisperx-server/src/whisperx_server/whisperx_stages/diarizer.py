"""Who speaks when, with pyannote's pipeline as whisperx loads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from whisperx_server.stages import SAMPLE_RATE_HZ, Diarization, Diarizer, Turn
from whisperx_server.whisperx_stages.environment import no_output
from whisperx_server.whisperx_stages.failures import at_work
from whisperx_server.whisperx_stages.numbers import finite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyannote.audio.pipelines import SpeakerDiarization
    from pyannote.audio.pipelines.speaker_diarization import DiarizeOutput
    from pyannote.core import Annotation

    from whisperx_server.stages import DiarizeOptions, Samples, Watch

# Where in the whole the steps lie that can be counted. Clustering after them cannot.
_STEPS: Final[Mapping[str, tuple[float, float]]] = {"segmentation": (0.0, 40.0), "embeddings": (40.0, 95.0)}

_BATCH_SIZE: Final = 16
"""Larger ones take gigabytes and save no time."""

# The pipeline's own smallest window; it cannot work on less.
_SHORTEST_S: Final = 0.1


class WhisperxDiarizer(Diarizer):
    """A pyannote pipeline.

    It is called without whisperx's wrapper, which drops the turns in which one speaker speaks at a time: those that
    were made for transcripts.
    """

    def __init__(self, pipeline: SpeakerDiarization) -> None:
        """Args: pipeline is pyannote's, on its device."""
        self._pipeline = pipeline
        for name in ("segmentation_batch_size", "embedding_batch_size"):
            setattr(pipeline, name, _BATCH_SIZE)

    def diarize(self, samples: Samples, options: DiarizeOptions, watch: Watch) -> Diarization:
        """Finds who speaks when."""
        if samples.size < _SHORTEST_S * SAMPLE_RATE_HZ:
            return Diarization(turns=())

        def report(step: str, *_: object, total: int | None = None, completed: int | None = None, **__: object) -> None:
            if not total or completed is None or step not in _STEPS:
                watch.check()
                return
            low, high = _STEPS[step]
            watch.progress(low + (high - low) * min(completed / total, 1.0))

        with at_work(), no_output():
            output = self._pipeline(
                {"waveform": torch.from_numpy(samples).unsqueeze(0), "sample_rate": SAMPLE_RATE_HZ},
                num_speakers=options.num_speakers,
                min_speakers=options.min_speakers,
                max_speakers=options.max_speakers,
                hook=report,
            )
            watch.progress(100)
        duration_s = samples.size / SAMPLE_RATE_HZ
        embeddings = _embeddings(output) if options.embeddings else {}
        exclusive = _turns(output.exclusive_speaker_diarization, duration_s)
        return Diarization(_turns(output.speaker_diarization, duration_s), exclusive, embeddings)

    def close(self) -> None:
        """Drops the weights."""
        del self._pipeline


def _turns(annotation: Annotation, duration_s: float) -> list[Turn]:
    """The turns within the audio: the last window is filled up with silence and may be heard past the end."""
    found = (
        Turn(max(0.0, float(stretch.start)), min(duration_s, float(stretch.end)), str(speaker))
        for stretch, _, speaker in annotation.itertracks(yield_label=True)
    )
    return [turn for turn in found if turn.end > turn.start]


def _embeddings(output: DiarizeOutput) -> dict[str, Sequence[float]]:
    """The voice of each speaker; one who was never heard alone has none."""
    rows = output.speaker_embeddings
    if rows is None:
        return {}
    voices: dict[str, Sequence[float]] = {}
    for speaker, row in zip(output.speaker_diarization.labels(), rows, strict=False):
        values = [number for number in map(finite, row) if number is not None]
        if len(values) == len(row) and any(values):
            voices[str(speaker)] = values
    return voices
