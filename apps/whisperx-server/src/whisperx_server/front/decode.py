"""Any audio or video file as samples: signed 16-bit, mono, 16 kHz, by ffmpeg behind a fence."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from whisperx_server.errors import Code, ServiceError
from whisperx_server.front.file_sink import FileSink
from whisperx_server.front.media_type import RawPcm
from whisperx_server.stages import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from pathlib import Path

    from whisperx_server.front.media_type import MediaFile
    from whisperx_server.settings import Settings

logger = logging.getLogger(__name__)

BYTES_PER_SECOND: Final = 2 * SAMPLE_RATE_HZ
CHUNK_BYTES: Final = 256 * 1024
STDERR_BYTES: Final = 4096

DEMUXERS: Final = (
    "aac ac3 aiff amr asf au avi caf flac flv matroska mov mp3 mpeg mpegts ogg w64 wav wv".split()  # noqa: SIM905
)
"""Containers of everyday files. Above all no playlists, which name other files and addresses."""

FENCE: Final = """ulimit -t "$1" && ulimit -f 0 && ulimit -c 0 && ulimit -n 64 || exit 126
ulimit -v "$2" 2>/dev/null || :
shift 2
exec "$@"
"""
"""Limits that hold for the program: processor time, no files written, no core dump, few descriptors, bounded memory."""

ADDRESS_SPACE_KIB: Final = 2 * 1024 * 1024
MAX_ALLOCATION_BYTES: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Decoded:
    """What came out."""

    duration_s: float
    damaged: bool
    """Parts of the file could not be read."""


async def decode(source: Path, kind: RawPcm | MediaFile, target: Path, settings: Settings) -> Decoded:
    """Writes the first audio track of the file as samples.

    Raises:
        ServiceError: `AUDIO_DECODE_FAILED`, `AUDIO_EMPTY`, `AUDIO_TOO_LONG`, `TIMEOUT`, `INTERNAL` without ffmpeg.
    """
    process = await _start(source, kind, settings)
    try:
        async with asyncio.timeout(settings.ffmpeg_timeout_s):
            complaints = asyncio.create_task(_read_complaints(process))
            try:
                size = await _save(process, target, settings)
                code = await process.wait()
            finally:
                complaints.cancel()
                await asyncio.gather(complaints, return_exceptions=True)
    except TimeoutError:
        message = "Decoding took too long. The file may be damaged."
        raise ServiceError(Code.TIMEOUT, message, phase="decoding") from None
    finally:
        await _end(process)
    if size < 2:
        _refuse(code)
    return Decoded(size / BYTES_PER_SECOND, damaged=code != 0)


async def _start(source: Path, kind: RawPcm | MediaFile, settings: Settings) -> Process:
    raw = ["-f", kind.encoding, "-ar", str(kind.rate), "-ac", str(kind.channels)] if isinstance(kind, RawPcm) else []
    known = [] if raw else ["-format_whitelist", ",".join(DEMUXERS)]
    arguments = [
        *("-nostdin", "-hide_banner", "-v", "error", "-threads", "1", "-max_alloc", str(MAX_ALLOCATION_BYTES)),
        *("-protocol_whitelist", "file", *known, *raw, "-vn", "-sn", "-dn", "-i", f"file:{source}"),
        *("-map", "0:a:0", "-filter_threads", "1", "-af", "aresample=async=1:first_pts=0"),
        *("-ac", "1", "-ar", str(SAMPLE_RATE_HZ), "-c:a", "pcm_s16le", "-f", "s16le", "pipe:1"),
    ]
    fence = ["-c", FENCE, "fence", str(max(1, round(settings.ffmpeg_timeout_s))), str(ADDRESS_SPACE_KIB)]
    return await asyncio.create_subprocess_exec(
        "/bin/sh",
        *fence,
        settings.ffmpeg_path,
        *arguments,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        cwd="/",
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
        start_new_session=True,
        limit=CHUNK_BYTES,
    )


async def _save(process: Process, target: Path, settings: Settings) -> int:
    if process.stdout is None:
        raise TypeError("standard output is a pipe")
    max_bytes = settings.max_audio_s * BYTES_PER_SECOND
    async with FileSink(target, max_bytes + CHUNK_BYTES) as sink:
        while chunk := await process.stdout.read(CHUNK_BYTES):
            sink.take(chunk)
            refuse_too_long(sink.size, settings)
            await sink.drain()
    return sink.size


def refuse_too_long(pcm_bytes: int, settings: Settings) -> None:
    """Refuses more audio than is taken.

    Raises:
        ServiceError: `AUDIO_TOO_LONG`
    """
    if pcm_bytes > settings.max_audio_s * BYTES_PER_SECOND:
        message = f"The audio is longer than the {settings.max_audio_s} seconds that are taken."
        raise ServiceError(Code.AUDIO_TOO_LONG, message)


async def _read_complaints(process: Process) -> None:
    """Keeps the pipe free; what ffmpeg says is of use at level debug alone, for it may quote the file."""
    if process.stderr is None:
        return
    kept = b""
    while chunk := await process.stderr.read(STDERR_BYTES):
        kept = (kept + chunk)[:STDERR_BYTES]
    if kept:
        logger.debug("ffmpeg: %s", kept.decode("utf-8", "replace"))


def _refuse(code: int) -> None:
    """Nothing came out: why?"""
    if code in (126, 127):
        logger.error("ffmpeg cannot be run")
        raise ServiceError(Code.INTERNAL, "The server cannot decode audio: ffmpeg is missing.", phase="decoding")
    if code == 0:
        raise ServiceError(Code.AUDIO_EMPTY, "The audio track is empty.", phase="decoding")
    message = "The file is no audio or video that can be decoded, or has no audio track."
    raise ServiceError(Code.AUDIO_DECODE_FAILED, message, phase="decoding")


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
