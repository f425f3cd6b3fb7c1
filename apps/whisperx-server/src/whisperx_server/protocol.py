"""What the front process and the worker process say to each other: length-prefixed JSON over a socket pair.

Four bytes of length (big endian), then that many bytes of one JSON object. Both ends are ours and are started together;
the types are checked on receipt all the same, so that a mistake shows where it is made.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from whisperx_server.errors import Code
from whisperx_server.options import JobOptions

LENGTH_BYTES: Final = 4
MAX_FRAME_BYTES: Final = 256 * 1024 * 1024
"""A day of speech with a time for every character stays below."""

Phase = Literal["queued", "decoding", "loading", "transcribing", "aligning", "diarizing", "finalizing"]


class Message(BaseModel):
    """Either direction."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Start(Message):
    """The first command: what the worker is to be."""

    do: Literal["start"] = "start"
    stages: str
    device: Literal["auto", "cuda", "cpu"]
    device_index: int
    threads: int
    hf_token: str | None = Field(repr=False)
    own_models: dict[str, str]
    align_models: dict[str, str]
    diarization_model: str
    compute_type: str
    batch_size: int
    max_batch_size: int
    model_idle_s: float


class Transcribe(Message):
    """One job. The audio is a file of signed 16-bit samples, mono, 16 kHz."""

    do: Literal["transcribe"] = "transcribe"
    id: int
    pcm_path: str
    model: str
    options: JobOptions


class Load(Message):
    """Load a speech model and keep it."""

    do: Literal["load"] = "load"
    id: int
    model: str


class Unload(Message):
    """Drop a speech model in every arithmetic."""

    do: Literal["unload"] = "unload"
    id: int
    model: str


class Cancel(Message):
    """Stop that command at the next chance."""

    do: Literal["cancel"] = "cancel"
    id: int


Command = Start | Transcribe | Load | Unload | Cancel
Work = Transcribe | Load | Unload


class Description(Message):
    """`StageDescription`, as it travels."""

    device: Literal["cuda", "cpu"]
    models: list[str]
    languages: list[str]
    align_languages: list[str]
    default_compute_type: str
    compute_types: list[str] = []
    diarization_unavailable: str | None
    versions: dict[str, str]


class Ready(Message):
    """The worker takes commands."""

    say: Literal["ready"] = "ready"
    description: Description


class Progress(Message):
    """How far a command is."""

    say: Literal["progress"] = "progress"
    id: int
    phase: Phase
    percent: float | None
    overall: float
    detail: str | None = None


class Language(Message):
    """The language that the transcript is in, as soon as it is known."""

    say: Literal["language"] = "language"
    id: int
    code: str
    probability: float | None


class Warn(Message):
    """Something was done differently from what was asked."""

    say: Literal["warning"] = "warning"
    id: int
    code: str
    message: str


class HeldModel(Message):
    """A speech model in memory."""

    model: str
    compute_type: str


class Holds(Message):
    """What is in memory, sent on every change."""

    say: Literal["holds"] = "holds"
    models: list[HeldModel] = []
    align: list[str] = []
    diarization: bool = False


class Spent(Message):
    """Nothing is held any more and nothing is asked for: a new process would use less memory."""

    say: Literal["spent"] = "spent"


class Done(Message):
    """A command's end: the result's body, and the time in each stage."""

    say: Literal["done"] = "done"
    id: int
    result: dict[str, JsonValue] = {}
    timings_ms: dict[str, int] = {}


class Failed(Message):
    """A command's other end."""

    say: Literal["failed"] = "failed"
    id: int
    code: Code
    message: str
    phase: Phase | None = None
    fatal: bool = False
    """This process ends itself now."""


Report = Ready | Progress | Language | Warn | Holds | Spent | Done | Failed

_commands: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="do")])
_reports: TypeAdapter[Report] = TypeAdapter(Annotated[Report, Field(discriminator="say")])


def parse_command(payload: bytes) -> Command:
    """Reads what the front says."""
    return _commands.validate_json(payload)


def parse_report(payload: bytes) -> Report:
    """Reads what the worker says."""
    return _reports.validate_json(payload)


def frame(message: Message) -> bytes:
    """A message as it travels.

    Raises:
        ValueError: it is too long.
    """
    payload = message.model_dump_json().encode()
    if len(payload) > MAX_FRAME_BYTES:
        raise ValueError(f"a message of {len(payload)} bytes is too long")
    return len(payload).to_bytes(LENGTH_BYTES, "big") + payload
