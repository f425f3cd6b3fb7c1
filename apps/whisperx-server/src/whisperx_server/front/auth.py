"""Who may call: whoever knows the key, where there is one."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from whisperx_server.errors import Code, ServiceError
from whisperx_server.front.request_id import new_request_id
from whisperx_server.front.responses import ErrorResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

OPEN_PATHS: Final = frozenset({"/health", "/ready"})


class KeyGuard:
    """Lets probes through, and who brings the key."""

    def __init__(self, app: ASGIApp, api_key: str | None) -> None:
        self._app = app
        self._key = None if api_key is None else api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or self._key is None or scope["path"] in OPEN_PATHS or self._is_known(scope):
            await self._app(scope, receive, send)
            return
        error = ServiceError(Code.UNAUTHORIZED, "Send the server's key as Authorization: Bearer.")
        await ErrorResponse(error, new_request_id())(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(given) != 1 or self._key is None:
            return False
        scheme, _, key = given[0].partition(b" ")
        # In constant time: how long a comparison takes would tell the key letter by letter.
        return scheme.lower() == b"bearer" and hmac.compare_digest(key.strip(), self._key)
