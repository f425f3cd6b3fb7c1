"""Knows whether a request's body has been read to its end, so that nobody waits for more of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DONE: Final = "whisperx.body_done"


class BodyWatch:
    """Marks the request's scope when the last piece of its body was taken."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        names = {name for name, _value in scope["headers"]}
        scope[_DONE] = not names & {b"content-length", b"transfer-encoding"}

        async def watched() -> Message:
            message = await receive()
            if not message.get("more_body", False):
                scope[_DONE] = True
            return message

        await self._app(scope, watched, send)


def body_is_done(scope: Scope) -> bool:
    """Whether there is nothing more to read. Waiting for leave to send (`Expect`) is as good as that."""
    expects = any(name == b"expect" for name, _value in scope["headers"])
    return expects or bool(scope.get(_DONE, False))
