"""A form as a stream: options first, then the file, never whole in memory."""

from __future__ import annotations

from email.message import Message
from typing import TYPE_CHECKING, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from whisperx_server.errors import Code, ServiceError
from whisperx_server.options import MAX_OPTIONS_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PARTS: Final = 16


class FormReader:
    """Takes the body piece by piece, gives the file's bytes on and keeps the options."""

    def __init__(self, boundary: bytes, on_options: Callable[[bytes], None], on_file: Callable[[bytes], None]) -> None:
        """Makes a reader; `on_options` is called once with the whole text, as soon as it is there.

        Raises:
            ServiceError: `INVALID_REQUEST`, for a boundary that cannot be.
        """
        self._on_options = on_options
        self._on_file = on_file
        self._parts = 0
        self._name = ""
        self._headers = Message()
        self._header_name = b""
        self._header_value = b""
        self._options: bytearray | None = None
        self.has_file = False
        self.is_complete = False
        try:
            self._parser = MultipartParser(
                boundary or b"-",
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value_data,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
                max_header_count=8,
                max_header_size=4096,
            )
        except FormParserError as error:
            raise _invalid() from error

    def write(self, data: bytes) -> None:
        """Reads the next piece.

        Raises:
            ServiceError: `INVALID_REQUEST` for what is no form, or what the callbacks raise.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _invalid() from error

    def finish(self) -> None:
        """The body has ended.

        Raises:
            ServiceError: `INVALID_REQUEST`, when it is not complete or has no file.
        """
        if not self.is_complete:
            raise _invalid()
        if not self.has_file:
            raise ServiceError(Code.INVALID_REQUEST, "The form has no part named file.")

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise _invalid()
        self._name = ""
        self._headers = Message()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header_value_data(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        name, value = self._header_name.decode("latin-1").lower(), self._header_value.decode("utf-8", "replace")
        if name == "content-disposition":
            self._headers[name] = value
        self._header_name = self._header_value = b""

    def _end_headers(self) -> None:
        name = self._headers.get_param("name", header="content-disposition")
        self._name = name if isinstance(name, str) else ""
        if self._name == "file":
            if self.has_file:
                raise ServiceError(Code.INVALID_REQUEST, "The form has more than one part named file.")
            self.has_file = True
        elif self._name == "options":
            if self._options is not None:
                raise ServiceError(Code.INVALID_REQUEST, "The form has more than one part named options.")
            self._options = bytearray()
        else:
            raise ServiceError(Code.INVALID_REQUEST, "The form may have the parts options and file, and no others.")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._name == "file":
            self._on_file(data[start:end])
        elif self._options is not None:
            self._options += data[start:end]
            if len(self._options) > MAX_OPTIONS_BYTES:
                raise ServiceError(Code.INVALID_REQUEST, "The part options is too long.")

    def _end_part(self) -> None:
        if self._name == "options" and self._options is not None:
            self._on_options(bytes(self._options))

    def _end(self) -> None:
        self.is_complete = True


def _invalid() -> ServiceError:
    return ServiceError(Code.INVALID_REQUEST, "The body is not a complete multipart form.")
