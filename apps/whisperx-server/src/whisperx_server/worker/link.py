"""The worker's end of the socket to the front process."""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING

from whisperx_server.protocol import LENGTH_BYTES, Cancel, Command, Message, Start, frame, parse_command

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from whisperx_server.protocol import Work


class Link:
    """Reads commands on a thread of its own, so that a cancel arrives while the main thread works.

    The front's death ends this process at once, whatever it does: nobody would read its results.
    """

    def __init__(self, connection: socket.socket, on_front_gone: Callable[[], None] = lambda: os._exit(0)) -> None:
        self._connection = connection
        self._on_front_gone = on_front_gone
        self._work: queue.Queue[Work] = queue.Queue()
        # One command runs at a time, so the last cancel is the only one that can matter.
        self._cancelled_id: int | None = None
        self._sending = threading.Lock()

    def receive_start(self) -> Start:
        """The first command; everything else comes through `next_work` from then on."""
        command = self._receive()
        if not isinstance(command, Start):
            raise TypeError("the first command must be start")
        threading.Thread(target=self._read, name="commands", daemon=True).start()
        return command

    def next_work(self, timeout_s: float | None) -> Work | None:
        """The next command, or None when none came in that time."""
        try:
            return self._work.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def is_cancelled(self, command_id: int) -> bool:
        """Whether the front wants no more of that command."""
        return command_id == self._cancelled_id

    def send(self, message: Message) -> None:
        """Tells the front."""
        data = frame(message)
        with self._sending:
            self._connection.sendall(data)

    def _read(self) -> None:
        try:
            while True:
                command = self._receive()
                if isinstance(command, Cancel):
                    self._cancelled_id = command.id
                elif not isinstance(command, Start):
                    self._work.put(command)
        except (EOFError, OSError):
            self._on_front_gone()

    def _receive(self) -> Command:
        length = int.from_bytes(self._receive_exactly(LENGTH_BYTES), "big")
        return parse_command(self._receive_exactly(length))

    def _receive_exactly(self, count: int) -> bytes:
        parts: list[bytes] = []
        while count > 0:
            part = self._connection.recv(min(count, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            count -= len(part)
        return b"".join(parts)
