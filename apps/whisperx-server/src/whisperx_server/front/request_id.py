"""The id by which a client, its cancel and the log know a request."""

from __future__ import annotations

import re
import uuid
from typing import Final

from whisperx_server.errors import Code, ServiceError

_PATTERN: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")


def new_request_id() -> str:
    """An id for who brings none."""
    return str(uuid.uuid4())


def checked_request_id(given: str) -> str:
    """The client's id.

    Raises:
        ServiceError: `INVALID_REQUEST`, it is not of the form that ids have.
    """
    if not _PATTERN.fullmatch(given):
        message = "X-Request-Id must be 1 to 128 letters, digits, dots, underscores or hyphens."
        raise ServiceError(Code.INVALID_REQUEST, message)
    return given
