"""Loads models through whisperx and says what can be done here."""

from __future__ import annotations

import ctypes
import gc
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import ctranslate2
import faster_whisper
import torch
from faster_whisper.tokenizer import _LANGUAGE_CODES
from huggingface_hub import get_token, try_to_load_from_cache
from whisperx import alignment
from whisperx.alignment import DEFAULT_ALIGN_MODELS_HF, DEFAULT_ALIGN_MODELS_TORCH, load_align_model
from whisperx.asr import load_model
from whisperx.diarize import DiarizationPipeline

from whisperx_server.stages import (
    DiarizationUnavailableError,
    LanguageNotAlignableError,
    ModelNotFoundError,
    StageDescription,
    Stages,
)
from whisperx_server.whisperx_stages.aligner import WhisperxAligner
from whisperx_server.whisperx_stages.diarizer import WhisperxDiarizer
from whisperx_server.whisperx_stages.environment import load_sentence_splitter, no_output, silence_loggers
from whisperx_server.whisperx_stages.failures import at_load
from whisperx_server.whisperx_stages.model_memory import memory_need_mb
from whisperx_server.whisperx_stages.speech import GivenSpeech, SpeechFinder
from whisperx_server.whisperx_stages.transcriber import WhisperxTranscriber

if TYPE_CHECKING:
    from whisperx_server.stages import Aligner, Diarizer, StageSettings, Transcriber, TranscriberSpec, Watch

_PACKAGES: Final = ("whisperx", "faster-whisper", "ctranslate2", "pyannote.audio", "torch", "transformers")

# Others of pyannote's pipelines send the audio to a service.
_DIARIZATION_MODELS: Final = ("pyannote/speaker-diarization-community-1", "pyannote/speaker-diarization-3.1")


class WhisperxStages(Stages):
    """The whisperx library on one device."""

    def __init__(self, settings: StageSettings) -> None:
        """Chooses the device; loads no model."""
        self._settings = settings
        self._device: Literal["cuda", "cpu"] = _device(settings)
        self._torch_device = f"cuda:{settings.device_index}" if self._device == "cuda" else "cpu"
        self._finder: SpeechFinder | None = None
        if self._device == "cpu":
            torch.set_num_threads(settings.threads)
        silence_loggers()
        alignment.nltk_load = load_sentence_splitter

    def describe(self) -> StageDescription:
        """What can be done here."""
        return StageDescription(
            device=self._device,
            models=sorted({*faster_whisper.available_models(), *self._settings.models}),
            languages=sorted(_LANGUAGE_CODES),
            align_languages=sorted(
                {*DEFAULT_ALIGN_MODELS_TORCH, *DEFAULT_ALIGN_MODELS_HF, *self._settings.align_models}
            ),
            default_compute_type=self._compute_type("default"),
            compute_types=sorted(self._supported()),
            diarization_unavailable=self._diarization_unavailable(),
            versions={name: version(name) for name in _PACKAGES},
        )

    def load_transcriber(self, spec: TranscriberSpec, watch: Watch) -> Transcriber:
        """Loads a speech model, by a name of the library or of the settings."""
        source = self._settings.models.get(spec.model, spec.model)
        if source == spec.model and source not in faster_whisper.available_models() and "/" not in source:
            raise ModelNotFoundError(f"There is no model {spec.model}.")
        watch.detail("loading the speech model")
        given = GivenSpeech()
        with at_load(f"model {spec.model}", asked_for=spec.model not in self._settings.models), no_output():
            pipeline = load_model(
                source,
                self._device,
                device_index=self._settings.device_index,
                compute_type=self._compute_type(spec.compute_type),
                # A language given here would be kept for all calls.
                language=None,
                vad_model=given,
                threads=self._settings.threads,
                use_auth_token=self._settings.hf_token,
            )
            watch.check()
            self._finder = self._finder or SpeechFinder(self._torch_device)
        return WhisperxTranscriber(pipeline, given, self._finder)

    def load_aligner(self, language: str, watch: Watch) -> Aligner:
        """Loads the alignment model of a language."""
        own = self._settings.align_models.get(language)
        if own is None and language not in {*DEFAULT_ALIGN_MODELS_TORCH, *DEFAULT_ALIGN_MODELS_HF}:
            raise LanguageNotAlignableError(f"There is no alignment model for {language}.")
        watch.detail("loading the alignment model")
        with at_load(f"the alignment model of {language}"), no_output():
            model, metadata = load_align_model(language, self._torch_device, model_name=own)
            model.eval()
        return WhisperxAligner(model, metadata, self._torch_device)

    def load_diarizer(self, watch: Watch) -> Diarizer:
        """Loads the model that tells speakers apart."""
        unavailable = self._diarization_unavailable()
        if unavailable is not None:
            raise DiarizationUnavailableError(unavailable)
        watch.detail("loading the speaker model")
        with at_load("the speaker model"), no_output():
            wrapper = DiarizationPipeline(
                self._settings.diarization_model, token=self._settings.hf_token, device=self._torch_device
            )
        return WhisperxDiarizer(wrapper.model)

    def free_memory(self) -> None:
        """Collects first: memory that is still referred to, if only by a cycle, cannot be given back."""
        gc.collect()
        if self._device == "cuda":
            torch.cuda.empty_cache()
        _trim_heap()

    def free_memory_mb(self) -> int | None:
        """Free memory of the GPU as the driver sees it: torch does not know what CTranslate2 holds."""
        if self._device != "cuda":
            return None
        free, _ = torch.cuda.mem_get_info(self._settings.device_index)
        return int(free) // 2**20

    def memory_need_mb(self, spec: TranscriberSpec) -> int | None:
        """What loading this model takes about, beam search included."""
        return memory_need_mb(spec.model, self._compute_type(spec.compute_type)) if self._device == "cuda" else None

    def _compute_type(self, wanted: str) -> str:
        if wanted != "default":
            return wanted
        if self._device == "cpu":
            return "int8"
        # GPUs before the RTX generation have no fast 16-bit arithmetic and CTranslate2 refuses it there.
        return "float16" if "float16" in self._supported() else "float32"

    def _supported(self) -> set[str]:
        """What CTranslate2 computes in on this device."""
        index = self._settings.device_index if self._device == "cuda" else 0
        return set(ctranslate2.get_supported_compute_types(self._device, index))

    def _diarization_unavailable(self) -> str | None:
        model = self._settings.diarization_model
        if Path(model).is_dir():
            return None
        if model not in _DIARIZATION_MODELS:
            return f"DIARIZATION_MODEL must be a folder or one of {', '.join(_DIARIZATION_MODELS)}."
        if self._settings.hf_token or get_token() or isinstance(try_to_load_from_cache(model, "config.yaml"), str):
            return None
        return "HF_TOKEN is not set; the speaker model is only given to those who have accepted its terms."


def _device(settings: StageSettings) -> Literal["cuda", "cpu"]:
    if settings.device != "auto":
        return settings.device
    return "cuda" if torch.cuda.is_available() and ctranslate2.get_cuda_device_count() > 0 else "cpu"


def _trim_heap() -> None:
    """Gives freed pages of the C heap back to the system, where the C library can (glibc)."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return
    trim(0)
