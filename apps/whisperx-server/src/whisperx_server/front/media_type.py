"""What a body is, by its Content-Type."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message
from typing import Literal

from whisperx_server.errors import Code, ServiceError
from whisperx_server.stages import SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class RawPcm:
    """Samples without a header."""

    encoding: Literal["s16le", "f32le"]
    rate: int
    channels: int

    @property
    def is_ready(self) -> bool:
        """Whether models take it as it is."""
        return self == RawPcm("s16le", SAMPLE_RATE_HZ, 1)


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file whose format ffmpeg finds out."""


@dataclass(frozen=True, slots=True)
class Multipart:
    """A form."""

    boundary: bytes


@dataclass(frozen=True, slots=True)
class JsonBody:
    """Where the audio is."""


BodyKind = RawPcm | MediaFile | Multipart | JsonBody


def body_kind(content_type: str) -> BodyKind:
    """Reads the header.

    Raises:
        ServiceError: `UNSUPPORTED_MEDIA_TYPE`, or `INVALID_REQUEST` for parameters that cannot be.
    """
    # The header's grammar is that of mail.
    header = Message()
    header["content-type"] = content_type
    kind = header.get_content_type() if content_type else ""
    if kind == "multipart/form-data":
        return Multipart(_text(header, "boundary").encode("latin-1", "replace"))
    if kind == "application/json":
        return JsonBody()
    if kind in ("audio/pcm", "audio/raw"):
        return _raw_pcm(header)
    if kind == "application/octet-stream" or kind.startswith(("audio/", "video/")):
        return MediaFile()
    message = (
        "Send audio as multipart/form-data, as audio/*, video/* or application/octet-stream, or as application/json "
        "with a url."
    )
    raise ServiceError(Code.UNSUPPORTED_MEDIA_TYPE, message)


def _raw_pcm(header: Message) -> RawPcm:
    encoding = _text(header, "encoding") or "s16le"
    if encoding == "s16le":
        return RawPcm("s16le", _number(header, "rate", SAMPLE_RATE_HZ, 192_000), _number(header, "channels", 1, 32))
    if encoding == "f32le":
        return RawPcm("f32le", _number(header, "rate", SAMPLE_RATE_HZ, 192_000), _number(header, "channels", 1, 32))
    raise ServiceError(Code.INVALID_REQUEST, "The encoding of audio/pcm must be s16le or f32le.")


def _text(header: Message, name: str) -> str:
    value = header.get_param(name)
    return value if isinstance(value, str) else ""


def _number(header: Message, name: str, default: int, high: int) -> int:
    text = _text(header, name) or str(default)
    number = int(text) if text.isdecimal() and len(text) <= 6 else 0
    if not 1 <= number <= high:
        raise ServiceError(Code.INVALID_REQUEST, f"The {name} of audio/pcm must be a whole number from 1 to {high}.")
    return number
