"""The server's settings, from the environment alone."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Literal, cast

from whisperx_server.stage_sets import STAGE_SETS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

COMPUTE_TYPES = (
    "default",
    "float32",
    "float16",
    "bfloat16",
    "int8",
    "int8_float32",
    "int8_float16",
    "int8_bfloat16",
)


class SettingsError(Exception):
    """A variable has a value that cannot be meant. Names it and what it must be, never the value."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator chooses. Each field's variable is its name in capitals; times are seconds."""

    host: str = "127.0.0.1"
    port: int = 9000
    api_key: str | None = field(default=None, repr=False)
    """Unset: no key is asked for."""
    hf_token: str | None = field(default=None, repr=False)
    stages: str = "whisperx"
    """Which speech library: `whisperx`, or `scripted` for tests without models."""
    device: Literal["auto", "cuda", "cpu"] = "auto"
    device_index: int = 0
    cpu_threads: int = 4
    compute_type: str = "default"
    default_model: str = "large-v3-turbo"
    own_models: Mapping[str, str] = field(default_factory=dict)
    """Speech models besides the library's: names for requests, each with a folder or a repository."""
    align_models: Mapping[str, str] = field(default_factory=dict)
    """Alignment models by language, each a folder or a repository, instead of the library's or where it has none."""
    diarization_model: str = "pyannote/speaker-diarization-community-1"
    """Or a folder with that model, for machines without a way to its source."""
    models_allowed: tuple[str, ...] = ()
    """What requests may ask for; empty: every model that the library knows by name."""
    preload: tuple[str, ...] = ()
    """Loaded at the start; the server is ready only then."""
    batch_size: int = 8
    max_batch_size: int = 32
    queue_capacity: int = 8
    """Requests that may wait besides the one that runs."""
    max_upload_mb: int = 2048
    max_audio_s: int = 4 * 3600
    job_timeout_s: float = 3600
    """Longest time at work, counted from the job's turn."""
    upload_idle_s: float = 30
    upload_timeout_s: float = 1800
    url_timeout_s: float = 300
    url_allowed_hosts: tuple[str, ...] = ()
    """Hosts (`name` or `name:port`) that may be on private networks, such as an object store."""
    ffmpeg_path: str = "ffmpeg"
    ffmpeg_timeout_s: float = 300
    model_idle_s: float = 900
    """Models that nobody used for that long are unloaded; 0 keeps them."""
    model_load_timeout_s: float = 1800
    worker_start_timeout_s: float = 180
    cancel_grace_s: float = 15
    """A worker that does not stop within it is killed."""
    drain_grace_s: float = 120
    """What runs at SIGTERM may finish within it."""
    heartbeat_s: float = 10
    send_timeout_s: float = 60
    """A reader that takes nothing for that long is taken for gone."""
    spool_dir: Path = field(default_factory=lambda: Path(gettempdir()))
    log_level: Literal["debug", "info", "warning", "error"] = "info"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Reads the settings; a variable that is empty counts as unset.

    Raises:
        SettingsError: a value cannot be meant.
    """
    values = {
        name: read(name.upper(), environment[name.upper()])
        for name, read in _READERS.items()
        if environment.get(name.upper(), "") != ""
    }
    settings = Settings(**values)  # type: ignore[arg-type] # the readers give what the fields take
    _check_together(settings)
    return settings


def _check_together(settings: Settings) -> None:
    if settings.batch_size > settings.max_batch_size:
        raise SettingsError("BATCH_SIZE must not be above MAX_BATCH_SIZE")
    if settings.models_allowed and settings.default_model not in settings.models_allowed:
        raise SettingsError("DEFAULT_MODEL must be one of MODELS_ALLOWED")
    if settings.models_allowed and not set(settings.preload) <= set(settings.models_allowed):
        raise SettingsError("PRELOAD must name models of MODELS_ALLOWED")


def _text(_name: str, value: str) -> str:
    return value


def _path(_name: str, value: str) -> Path:
    return Path(value)


def _list(_name: str, value: str) -> tuple[str, ...]:
    return tuple(part for part in (part.strip() for part in value.split(",")) if part)


def _pairs(name: str, value: str) -> Mapping[str, str]:
    pairs = [tuple(part.strip() for part in pair.partition("=")) for pair in _list(name, value)]
    if not all(key and source for key, _, source in pairs):
        raise SettingsError(f"{name} must be pairs like name=folder, with commas between them")
    return {key: source for key, _, source in pairs}


def _hosts(name: str, value: str) -> tuple[str, ...]:
    return tuple(host.lower() for host in _list(name, value))


def _integer(low: int, high: int) -> Callable[[str, str], int]:
    def read(name: str, value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise SettingsError(f"{name} must be a whole number from {low} to {high}")
        return number

    return read


def _seconds(low: float, high: float) -> Callable[[str, str], float]:
    def read(name: str, value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise SettingsError(f"{name} must be a number of seconds from {low:g} to {high:g}")
        return number

    return read


def _choice(choices: Sequence[str]) -> Callable[[str, str], str]:
    def read(name: str, value: str) -> str:
        if value.lower() not in choices:
            raise SettingsError(f"{name} must be one of {', '.join(choices)}")
        return value.lower()

    return read


_DAY = 86_400

_READERS = cast(
    "Mapping[str, Callable[[str, str], object]]",
    {
        "host": _text,
        "port": _integer(0, 65_535),
        "api_key": _text,
        "hf_token": _text,
        "stages": _choice(tuple(STAGE_SETS)),
        "device": _choice(("auto", "cuda", "cpu")),
        "device_index": _integer(0, 63),
        "cpu_threads": _integer(1, 256),
        "compute_type": _choice(COMPUTE_TYPES),
        "default_model": _text,
        "own_models": _pairs,
        "align_models": _pairs,
        "diarization_model": _text,
        "models_allowed": _list,
        "preload": _list,
        "batch_size": _integer(1, 256),
        "max_batch_size": _integer(1, 256),
        "queue_capacity": _integer(0, 1000),
        "max_upload_mb": _integer(1, 1_000_000),
        "max_audio_s": _integer(1, 7 * _DAY),
        "job_timeout_s": _seconds(0.1, 7 * _DAY),
        "upload_idle_s": _seconds(0.1, _DAY),
        "upload_timeout_s": _seconds(0.1, _DAY),
        "url_timeout_s": _seconds(0.1, _DAY),
        "url_allowed_hosts": _hosts,
        "ffmpeg_path": _text,
        "ffmpeg_timeout_s": _seconds(0.1, _DAY),
        "model_idle_s": _seconds(0, 30 * _DAY),
        "model_load_timeout_s": _seconds(0.1, _DAY),
        "worker_start_timeout_s": _seconds(0.1, _DAY),
        "cancel_grace_s": _seconds(0, 3600),
        "drain_grace_s": _seconds(0, _DAY),
        "heartbeat_s": _seconds(0.05, 3600),
        "send_timeout_s": _seconds(0.1, 3600),
        "spool_dir": _path,
        "log_level": _choice(("debug", "info", "warning", "error")),
    },
)

if set(_READERS) != {each.name for each in fields(Settings)}:
    raise TypeError("every setting needs a reader")
