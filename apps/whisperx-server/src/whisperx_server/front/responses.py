"""Answers: errors in one shape, and the events of a job in the form that the client asked for."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final, Literal

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from whisperx_server.errors import TREATMENTS, Code, ServiceError
from whisperx_server.front.body_watch import body_is_done

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from starlette.types import Receive, Scope, Send

    from whisperx_server.front.job import Job
    from whisperx_server.front.outbox import Event

LINGER_S: Final = 5.0
"""A client that still sends gets that long to notice the refusal."""

PIECE_BYTES: Final = 64 * 1024

Form = Literal["application/x-ndjson", "text/event-stream", "application/json"]


def form_of(accept: str) -> Form:
    """The first form of the Accept header that is offered; the default where anything goes.

    Raises:
        ServiceError: `INVALID_REQUEST`, none of them is.
    """
    offered: dict[str, Form] = {
        "application/x-ndjson": "application/x-ndjson",
        "text/event-stream": "text/event-stream",
        "application/json": "application/json",
        "*/*": "application/x-ndjson",
        "application/*": "application/x-ndjson",
        "text/*": "text/event-stream",
    }
    for part in (accept or "*/*").split(","):
        form = offered.get(part.partition(";")[0].strip().lower())
        if form is not None:
            return form
    message = "Accept one of application/x-ndjson, text/event-stream, application/json."
    raise ServiceError(Code.INVALID_REQUEST, message)


class ErrorResponse(Response):
    """A refusal. Reads on what the client still sends, a while: a closed connection would hide the answer from it."""

    media_type = "application/json"

    def __init__(self, error: ServiceError, request_id: str) -> None:
        headers = {"x-request-id": request_id, "cache-control": "no-store"}
        if error.treatment.retry_after_s is not None:
            headers["retry-after"] = str(error.treatment.retry_after_s)
        if error.code == Code.UNAUTHORIZED:
            headers["www-authenticate"] = "Bearer"
        body = _dumps({"error": error.body(request_id)})
        super().__init__(body, error.treatment.status, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See Starlette."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        if not body_is_done(scope):
            await _drain(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class JobResponse(Response):
    """A job's events while they come about. The client's leaving stops the job."""

    def __init__(self, job: Job, form: Form, *, heartbeat_s: float, send_timeout_s: float) -> None:
        super().__init__(media_type=form)
        self._job = job
        self._form = form
        self._heartbeat_s = heartbeat_s
        self._send_timeout_s = send_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 the interface of ASGI
        """See Starlette."""
        gone = asyncio.create_task(_wait_until_gone(receive))
        try:
            await _unless(gone, self._answer(send))
        except (ClientDisconnect, TimeoutError):
            self._job.stop.call(ServiceError(Code.CANCELLED, "The client left."))
        finally:
            # However this ends, nobody reads the events any more.
            self._job.stop.call(ServiceError(Code.CANCELLED, "The answer was broken off."))
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)

    async def _answer(self, send: Send) -> None:
        if self._form == "application/json":
            await self._answer_whole(send)
            return
        await self._start(send, 200, {})
        async for event in self._job.outbox.events(self._heartbeat_s):
            for piece in _pieces(_encode(event, self._form)):
                await self._send(send, piece, more=True)
        await self._send(send, b"", more=False)

    async def _answer_whole(self, send: Send) -> None:
        event = await self._job.outbox.last()
        status, extra = 200, {}
        body: object = event.get("result")
        if event["type"] == "error":
            error = event["error"]
            body = {"error": error}
            treatment = TREATMENTS[Code(error["code"])] if isinstance(error, dict) else TREATMENTS[Code.INTERNAL]
            status = treatment.status
            extra = {} if treatment.retry_after_s is None else {"retry-after": str(treatment.retry_after_s)}
        data = _dumps(body)
        await self._start(send, status, {"content-length": str(len(data)), **extra})
        for piece in _pieces(data):
            await self._send(send, piece, more=True)
        await self._send(send, b"", more=False)

    async def _start(self, send: Send, status: int, extra: dict[str, str]) -> None:
        headers = {
            "content-type": self._form,
            "cache-control": "no-cache",
            # nginx would gather the events and deliver them at the end.
            "x-accel-buffering": "no",
            "x-request-id": self._job.request_id,
            **extra,
        }
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})

    async def _send(self, send: Send, body: bytes, *, more: bool) -> None:
        async with asyncio.timeout(self._send_timeout_s):
            await send({"type": "http.response.body", "body": body, "more_body": more})


def _encode(event: Event, form: Form) -> bytes:
    data = _dumps(event)
    if form == "text/event-stream":
        return b"event: " + str(event["type"]).encode() + b"\ndata: " + data + b"\n\n"
    return data + b"\n"


def _dumps(body: object) -> bytes:
    # Numbers that JSON has no word for would be a fault of ours: better no answer than one that nobody can parse.
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _unless(gone: asyncio.Task[None], work: Coroutine[Any, Any, None]) -> None:
    """Does the work until the client leaves.

    Raises:
        ClientDisconnect: it left.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait([gone, task], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _drain(receive: Receive) -> None:
    try:
        async with asyncio.timeout(LINGER_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
