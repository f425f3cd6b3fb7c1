"""What a request may ask for."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from whisperx_server.errors import Code, ServiceError

MAX_OPTIONS_BYTES: Final = 64 * 1024

_Speakers = Annotated[int, Field(ge=1, le=64)]
_Ratio = Annotated[float, Field(gt=0, lt=1)]


class VadOptions(BaseModel):
    """When speech begins and ends for the voice activity detection."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    onset: _Ratio | None = None
    offset: _Ratio | None = None


class JobOptions(BaseModel):
    """One request's wishes. Unknown fields are refused: a wish that nobody reads would be dropped in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    model: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    compute_type: (
        Literal["default", "float32", "float16", "bfloat16", "int8", "int8_float32", "int8_float16", "int8_bfloat16"]
        | None
    ) = None
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}$")] | None = None
    task: Literal["transcribe", "translate"] = "transcribe"
    align: bool = True
    diarize: bool = False
    num_speakers: _Speakers | None = None
    min_speakers: _Speakers | None = None
    max_speakers: _Speakers | None = None
    exclusive: bool = True
    fill_nearest: bool = False
    split_by_speaker: bool = False
    initial_prompt: Annotated[str, Field(max_length=4000)] | None = None
    hotwords: Annotated[str, Field(max_length=4000)] | None = None
    suppress_numerals: bool = False
    beam_size: Annotated[int, Field(ge=1, le=20)] = 5
    batch_size: Annotated[int, Field(ge=1, le=1024)] | None = None
    chunk_size: Annotated[int, Field(ge=1, le=30)] = 30
    vad: VadOptions = VadOptions()
    char_alignments: bool = False
    speaker_embeddings: bool = False
    on_align_error: Literal["degrade", "fail"] = "degrade"
    on_diarize_error: Literal["degrade", "fail"] = "degrade"
    timeout_s: Annotated[float, Field(gt=0, le=7 * 86_400)] | None = None

    @model_validator(mode="after")
    def _bounds_fit(self) -> Self:
        low, high, exact = self.min_speakers, self.max_speakers, self.num_speakers
        if low is not None and high is not None and low > high:
            raise ValueError("min_speakers must not be above max_speakers")
        if exact is not None and not (low or exact) <= exact <= (high or exact):
            raise ValueError("num_speakers must lie between min_speakers and max_speakers")
        return self


def parse_options(text: str | bytes | None) -> JobOptions:
    """Reads options from JSON; nothing or an empty text means all defaults.

    Raises:
        ServiceError: `INVALID_REQUEST`, naming the fields and never repeating their values.
    """
    if not text:
        return JobOptions()
    if len(text) > MAX_OPTIONS_BYTES:
        raise ServiceError(Code.INVALID_REQUEST, f"The options must not be longer than {MAX_OPTIONS_BYTES} bytes.")
    try:
        return JobOptions.model_validate_json(text)
    except ValidationError as error:
        raise invalid_fields(error, "The options are not valid.") from error


def invalid_fields(error: ValidationError, message: str) -> ServiceError:
    """Names what is wrong with each field, without the input."""
    details = [
        {"field": ".".join(str(part) for part in each["loc"]), "message": each["msg"]}
        for each in error.errors(include_url=False, include_context=False, include_input=False)[:20]
    ]
    return ServiceError(Code.INVALID_REQUEST, message, details=details)
