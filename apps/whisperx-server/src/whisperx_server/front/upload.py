"""A request's body on its way to disk."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from starlette.requests import ClientDisconnect

from whisperx_server.errors import Code, ServiceError
from whisperx_server.front.file_sink import FileSink
from whisperx_server.front.media_type import BodyKind, JsonBody, MediaFile, Multipart, RawPcm, body_kind
from whisperx_server.front.multipart import FormReader
from whisperx_server.options import JobOptions, invalid_fields, parse_options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from starlette.requests import Request

    from whisperx_server.settings import Settings

MAX_JSON_BYTES: Final = 128 * 1024


class UrlBody(BaseModel):
    """The JSON body."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, Field(min_length=1, max_length=8192)]
    options: dict[str, JsonValue] = {}


@dataclass(frozen=True, slots=True)
class Upload:
    """What a request brought."""

    options: JobOptions
    kind: RawPcm | MediaFile
    path: Path
    """Where the audio is, or will be once it was fetched."""
    url: str | None = None


async def receive_upload(
    request: Request, folder: Path, settings: Settings, judge: Callable[[JobOptions], None]
) -> Upload:
    """Reads the whole body.

    Args:
        request: whose body has not been touched yet.
        folder: the request's own.
        settings: limits.
        judge: refuses options that cannot be served, by raising; called as early as they are known.

    Raises:
        ServiceError: the body is not acceptable, or `judge` raised it.
        ClientDisconnect: the client left before the end.
    """
    kind = body_kind(request.headers.get("content-type", ""))
    try:
        async with asyncio.timeout(settings.upload_timeout_s):
            return await _receive(kind, request, folder, settings, judge)
    except TimeoutError:
        raise ServiceError(Code.TIMEOUT, "The body did not arrive in time.") from None


async def _receive(
    kind: BodyKind, request: Request, folder: Path, settings: Settings, judge: Callable[[JobOptions], None]
) -> Upload:
    body = _chunks(request, settings.upload_idle_s)
    if isinstance(kind, JsonBody):
        return await _receive_json(body, folder, judge)
    path = folder / "upload"
    max_bytes = settings.max_upload_mb << 20
    _refuse_announced(request, max_bytes)
    async with FileSink(path, max_bytes) as sink:
        if isinstance(kind, Multipart):
            options = await _receive_form(kind, body, sink, judge)
            kind = MediaFile()
        else:
            options = _judged(request.query_params.get("options"), judge)
            async for chunk in body:
                sink.take(chunk)
                await sink.drain()
    if sink.size == 0:
        raise ServiceError(Code.AUDIO_EMPTY, "The audio is empty.")
    return Upload(options, kind, path)


async def _receive_form(
    kind: Multipart, body: AsyncIterator[bytes], sink: FileSink, judge: Callable[[JobOptions], None]
) -> JobOptions:
    options: list[JobOptions] = []
    form = FormReader(kind.boundary, lambda text: options.append(_judged(text, judge)), sink.take)
    async for chunk in body:
        form.write(chunk)
        await sink.drain()
    form.finish()
    return options[0] if options else _judged(None, judge)


async def _receive_json(body: AsyncIterator[bytes], folder: Path, judge: Callable[[JobOptions], None]) -> Upload:
    data = bytearray()
    async for chunk in body:
        data += chunk
        if len(data) > MAX_JSON_BYTES:
            raise ServiceError(Code.PAYLOAD_TOO_LARGE, "The JSON body is too long. Send audio in another form.")
    try:
        parsed = UrlBody.model_validate_json(bytes(data))
        options = JobOptions.model_validate(parsed.options)
    except ValidationError as error:
        raise invalid_fields(error, "The body is not valid.") from error
    judge(options)
    return Upload(options, MediaFile(), folder / "upload", parsed.url)


def _judged(text: str | bytes | None, judge: Callable[[JobOptions], None]) -> JobOptions:
    options = parse_options(text)
    judge(options)
    return options


def _refuse_announced(request: Request, max_bytes: int) -> None:
    """Refuses before the first byte what says itself that it is too long. The form around a file is let pass."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes + MAX_JSON_BYTES:
        limit = max_bytes >> 20
        raise ServiceError(Code.PAYLOAD_TOO_LARGE, f"The audio is larger than the {limit} MB that are taken.")


async def _chunks(request: Request, idle_s: float) -> AsyncIterator[bytes]:
    """The body's pieces, each within the idle time.

    Not Starlette's own stream, which leaves the request in a state where nobody can drain what is left of it.
    """
    while True:
        try:
            async with asyncio.timeout(idle_s):
                message = await request.receive()
        except TimeoutError:
            raise ServiceError(Code.TIMEOUT, "The body stopped arriving.") from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return
