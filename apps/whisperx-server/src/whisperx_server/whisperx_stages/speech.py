"""Where in the audio is speech: pyannote's detection, whose weights come with whisperx."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from whisperx.vads import Pyannote, Vad

from whisperx_server.stages import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from whisperx_server.stages import Samples, TranscribeOptions, Watch

# whisperx's own thresholds.
_ONSET: Final = 0.5
_OFFSET: Final = 0.363


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch with speech in it, no longer than what the speech model hears at once. Seconds."""

    start: float
    end: float


class SpeechFinder:
    """Finds the stretches with speech. One for all speech models: it is small and depends on none of them."""

    def __init__(self, device: str) -> None:
        """Loads the weights."""
        self._detection = Pyannote(torch.device(device), token=None, vad_onset=_ONSET, vad_offset=_OFFSET)

    def find(self, samples: Samples, options: TranscribeOptions, watch: Watch) -> list[Stretch]:
        """Stretches in time order, within the audio. Reports 0 to 100."""
        if samples.size == 0:
            return []

        def report(completed: int, total: int) -> None:
            watch.progress(100 * min(completed / total, 1.0))

        # Asked directly because the detection's own call has no way to report, and none to be stopped: an hour of
        # audio would not notice a cancel for seconds on a GPU and for minutes on a CPU.
        inference = self._detection.vad_pipeline._segmentation  # noqa: SLF001
        audio = {"waveform": torch.from_numpy(samples).unsqueeze(0), "sample_rate": SAMPLE_RATE_HZ}
        scores = inference(audio, hook=report)
        onset = _ONSET if options.vad_onset is None else options.vad_onset
        offset = min(_OFFSET, onset) if options.vad_offset is None else options.vad_offset
        found = Pyannote.merge_chunks(scores, options.chunk_size_s, onset=onset, offset=offset)
        return within(found, samples.size / SAMPLE_RATE_HZ)


def within(found: Sequence[Mapping[str, float]], duration_s: float) -> list[Stretch]:
    """Stretches cut to the audio: the detection fills up the last window with silence and may see past the end."""
    cut = [Stretch(max(0.0, float(each["start"])), min(duration_s, float(each["end"]))) for each in found]
    return [stretch for stretch in cut if int(stretch.end * SAMPLE_RATE_HZ) > int(stretch.start * SAMPLE_RATE_HZ)]


class GivenSpeech(Vad):  # type: ignore[misc] # whisperx has no types
    """Stands where a whisperx pipeline has its detection and hands it the stretches of one batch.

    So each call of the pipeline is one batch: between two of them a job can be cancelled, progress comes evenly, and
    the detection does not run again.
    """

    def __init__(self) -> None:
        """Begins with nothing to say."""
        super().__init__(_ONSET)
        self.stretches: Sequence[Stretch] = ()

    def __call__(self, _audio: object, **_options: object) -> Sequence[Stretch]:
        """The stretches, whatever the audio."""
        return self.stretches

    @staticmethod
    def preprocess_audio(audio: Samples) -> Samples:
        """The audio as it is: nothing is computed from it here."""
        return audio

    @staticmethod
    def merge_chunks(
        segments: Sequence[Stretch],
        chunk_size: int,  # noqa: ARG004 the pipeline's signature
        onset: float,  # noqa: ARG004
        offset: float | None,  # noqa: ARG004
    ) -> list[dict[str, float]]:
        """The stretches in the pipeline's form; they are merged already."""
        return [{"start": stretch.start, "end": stretch.end} for stretch in segments]
