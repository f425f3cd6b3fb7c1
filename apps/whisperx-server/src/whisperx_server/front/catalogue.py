"""Which models and languages there are, and what is refused before any work is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from whisperx_server.errors import Code, ServiceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whisperx_server.options import JobOptions
    from whisperx_server.protocol import Description, Holds
    from whisperx_server.settings import Settings


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What this server offers: what the library can do, within what the operator allows."""

    settings: Settings
    description: Description

    @property
    def models(self) -> Sequence[str]:
        """The names that a request may use."""
        settings = self.settings
        offered = settings.models_allowed or (*self.description.models, settings.default_model, *settings.preload)
        return list(dict.fromkeys(offered))

    @property
    def compute_type(self) -> str:
        """The arithmetic where a request asks for none."""
        configured = self.settings.compute_type
        return self.description.default_compute_type if configured == "default" else configured

    def model_named(self, name: str | None) -> str:
        """The model of a request.

        Raises:
            ServiceError: `MODEL_NOT_FOUND`, naming those that there are.
        """
        model = name or self.settings.default_model
        if model not in self.models:
            message = f"There is no such model here. There are: {', '.join(self.models)}."
            raise ServiceError(Code.MODEL_NOT_FOUND, message)
        return model

    def judge(self, options: JobOptions) -> None:
        """Refuses what cannot be done as asked.

        Raises:
            ServiceError: `MODEL_NOT_FOUND`, `LANGUAGE_UNSUPPORTED`, `INVALID_REQUEST`, `DIARIZATION_UNAVAILABLE`.
        """
        model = self.model_named(options.model)
        language = None if options.language is None else options.language.lower()
        if language is not None:
            self._judge_language(language, model, options)
        self._judge_compute_type(options.compute_type)
        if options.task == "translate" and not translates(model):
            raise ServiceError(Code.INVALID_REQUEST, "This model cannot translate. Ask for another one.")
        reason = self.description.diarization_unavailable
        if options.diarize and options.on_diarize_error == "fail" and reason is not None:
            raise ServiceError(Code.DIARIZATION_UNAVAILABLE, f"Speakers cannot be told apart: {reason}")

    def _judge_language(self, language: str, model: str, options: JobOptions) -> None:
        if language not in self.description.languages:
            raise ServiceError(Code.LANGUAGE_UNSUPPORTED, "No model here knows this language.")
        if model.endswith(".en") and language != "en":
            raise ServiceError(Code.LANGUAGE_UNSUPPORTED, "This model knows English only.")
        aligns = options.align and options.task == "transcribe" and options.on_align_error == "fail"
        if aligns and language not in self.description.align_languages:
            raise ServiceError(Code.LANGUAGE_UNSUPPORTED, "There is no alignment model for this language.")

    def _judge_compute_type(self, compute_type: str | None) -> None:
        known = self.description.compute_types
        if compute_type not in (None, "default", *known) and known:
            message = f"This device does not compute in that type. It does in: {', '.join(known)}."
            raise ServiceError(Code.INVALID_REQUEST, message)

    def listing(self, holds: Holds) -> dict[str, object]:
        """The answer to a client that asks for models."""
        loaded = {held.model: held.compute_type for held in holds.models}
        data = [
            {
                "id": model,
                "object": "model",
                "owned_by": "whisperx",
                "loaded": model in loaded,
                "default": model == self.settings.default_model,
                "compute_type": loaded.get(model, self.compute_type),
                "task_translate": translates(model),
            }
            for model in self.models
        ]
        languages = {"transcribe": self.description.languages, "align": self.description.align_languages}
        return {"object": "list", "data": data, "languages": languages}


def translates(model: str) -> bool:
    """Whether a model was trained to translate; the small and fast descendants were not."""
    return not model.endswith(".en") and "turbo" not in model and "distil" not in model
