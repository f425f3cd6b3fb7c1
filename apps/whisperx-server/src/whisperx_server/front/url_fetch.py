"""Audio from an address that a client names. Through this server it must not reach what it cannot reach itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urljoin, urlsplit

import httpcore

from whisperx_server.errors import Code, ServiceError
from whisperx_server.front.addresses import allowed_addresses
from whisperx_server.front.file_sink import FileSink

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable
    from pathlib import Path

    from whisperx_server.settings import Settings

MAX_REDIRECTS: Final = 5
RESOLVE_TIMEOUT_S: Final = 10.0
CONNECT_TIMEOUT_S: Final = 10.0
READ_TIMEOUT_S: Final = 30.0

_TIMEOUTS: Final = {
    "connect": CONNECT_TIMEOUT_S,
    "read": READ_TIMEOUT_S,
    "write": READ_TIMEOUT_S,
    "pool": CONNECT_TIMEOUT_S,
}


async def check_url(url: str, allowed_hosts: Collection[str]) -> None:
    """Refuses at once what `fetch` would refuse at the first step.

    Raises:
        ServiceError: `URL_NOT_ALLOWED`, or `URL_FETCH_FAILED` when the host is not known.
    """
    parts = _split(url)
    await allowed_addresses(parts.hostname or "", _port(parts), allowed_hosts, RESOLVE_TIMEOUT_S)


async def fetch(url: str, path: Path, settings: Settings) -> None:
    """Writes what is at the address to a new file, following redirects that lead where a first step might lead.

    Raises:
        ServiceError: `URL_NOT_ALLOWED`, `URL_FETCH_FAILED`, `PAYLOAD_TOO_LARGE`, `AUDIO_EMPTY`.
    """
    try:
        async with asyncio.timeout(settings.url_timeout_s):
            size = await _fetch(url, path, settings)
    except TimeoutError:
        raise ServiceError(Code.URL_FETCH_FAILED, "The url did not give its content in time.") from None
    # Also what the client library does not expect of a server, such as a response that is no HTTP.
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError):
        raise ServiceError(Code.URL_FETCH_FAILED, "The url could not be fetched.") from None
    if size == 0:
        raise ServiceError(Code.AUDIO_EMPTY, "There is nothing at the url.")


async def _fetch(url: str, path: Path, settings: Settings) -> int:
    backend = PinnedBackend(settings.url_allowed_hosts)
    async with httpcore.AsyncConnectionPool(network_backend=backend, max_connections=1, retries=0) as pool:
        for _ in range(MAX_REDIRECTS + 1):
            parts = _split(url)
            headers = [("host", parts.netloc), ("accept", "*/*"), ("accept-encoding", "identity")]
            async with pool.stream("GET", url, headers=headers, extensions={"timeout": _TIMEOUTS}) as response:
                location = _header(response, b"location")
                if response.status in (301, 302, 303, 307, 308) and location:
                    url = _next(url, location)
                    continue
                if response.status != 200:
                    message = f"The url answered with status {response.status}."
                    raise ServiceError(Code.URL_FETCH_FAILED, message)
                return await _save(response.aiter_stream(), path, settings.max_upload_mb << 20)
    raise ServiceError(Code.URL_FETCH_FAILED, "The url redirects too often.")


async def _save(body: AsyncIterator[bytes], path: Path, max_bytes: int) -> int:
    async with FileSink(path, max_bytes) as sink:
        async for chunk in body:
            sink.take(chunk)
            await sink.drain()
    return sink.size


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were looked up and judged by itself, so that no second look-up can tell another story.

    The certificate is still checked against the name.
    """

    def __init__(self, allowed_hosts: Collection[str]) -> None:
        self._allowed_hosts = allowed_hosts
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connects to the first address that answers.

        Raises:
            ServiceError: `URL_NOT_ALLOWED`, `URL_FETCH_FAILED`.
        """
        last: Exception = httpcore.ConnectError()
        for address in await allowed_addresses(host, port, self._allowed_hosts, RESOLVE_TIMEOUT_S):
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last

    async def sleep(self, seconds: float) -> None:
        """Part of the interface."""
        await asyncio.sleep(seconds)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port != 0
    except ValueError:
        port_is_fine = False
        parts = SplitResult("", "", "", "", "")
    printable = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine or not printable:
        raise ServiceError(Code.URL_NOT_ALLOWED, "The url must be a valid http or https address.")
    if parts.username is not None or parts.password is not None:
        raise ServiceError(Code.URL_NOT_ALLOWED, "The url must not carry a user name or password.")
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _next(url: str, location: bytes) -> str:
    following = urljoin(url, location.decode("latin-1"))
    if urlsplit(url).scheme == "https" and urlsplit(following).scheme == "http":
        raise ServiceError(Code.URL_NOT_ALLOWED, "The url redirects from https to http.")
    return following


def _header(response: httpcore.Response, name: bytes) -> bytes | None:
    return next((value for key, value in response.headers if key.lower() == name), None)
