"""A real server process on a free port, as an operator would start it, with the scripted stages."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import httpx
import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from httpx import Response

SOURCE: Final = Path(__file__).resolve().parents[1] / "src"
DEADLINE_S: Final = 30.0

Event = dict[str, Any]


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Waits until something is so."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f"not in time: {what}"
        time.sleep(0.01)


@dataclass
class Server:
    """The process, its log and a client of it."""

    spool: Path
    environment: dict[str, str] = field(default_factory=dict)
    stages: str = "scripted"
    wait_ready: bool = True
    log: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "PYTHONPATH": str(SOURCE),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SPOOL_DIR": str(self.spool),
            **self.environment,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "whisperx_server", "--stages", self.stages, "--port", "0"],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        eventually(lambda: self._address() is not None or self.process.poll() is not None, "the server listens")
        self.client = httpx.Client(base_url=self._address() or "", timeout=DEADLINE_S)
        if self.wait_ready:
            eventually(lambda: self.client.get("/ready").status_code == 200, "the server is ready")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        worker = self.worker()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(DEADLINE_S)
        finally:
            self.process.kill()
            self.process.wait()
            self._reader.join()
            if self.process.stderr is not None:
                self.process.stderr.close()
        if worker is not None:
            eventually(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, "the worker is gone")

    def reconnect(self) -> None:
        """Closes the connections that the client keeps for later."""
        self.client.close()
        self.client = httpx.Client(base_url=self.url, timeout=DEADLINE_S)

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self.client.base_url).rstrip("/")

    def logged(self) -> str:
        """The log so far."""
        return "".join(self.log)

    def worker(self) -> psutil.Process | None:
        """The worker process now."""
        try:
            children = psutil.Process(self.process.pid).children()
            workers = [child for child in children if "whisperx_server.worker" in child.cmdline()]
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            return None
        return workers[0] if workers else None

    def health(self) -> dict[str, Any]:
        """What it says of itself."""
        answer = self.client.get("/health")
        assert answer.status_code == 200
        body: dict[str, Any] = answer.json()
        return body

    def post(self, audio: bytes, options: dict[str, Any] | None = None, **headers: str) -> Response:
        """Sends samples and reads the whole answer."""
        return self.client.post(
            "/v1/transcribe",
            params={"options": json.dumps(options or {})},
            content=audio,
            headers={"content-type": "audio/pcm", **{name.replace("_", "-"): value for name, value in headers.items()}},
        )

    def events(self, audio: bytes, options: dict[str, Any] | None = None, **headers: str) -> list[Event]:
        """Sends samples and reads the events."""
        answer = self.post(audio, options, **headers)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    def result(self, audio: bytes, options: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result of a job that succeeds."""
        return result_of(self.events(audio, options))

    def error(self, audio: bytes, options: dict[str, Any] | None = None) -> dict[str, Any]:
        """The error of a job that fails."""
        return error_of(self.events(audio, options))

    def open(self, audio: bytes, options: dict[str, Any] | None = None, **headers: str) -> OpenJob:
        """Sends samples and gives the events one by one."""
        return OpenJob(self, audio, options or {}, headers)

    def metric(self, name: str) -> float:
        """A value of /metrics, by name with labels; 0 where it is not there yet."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.client.get("/metrics").text, re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    def spooled(self) -> list[Path]:
        """What lies in the spool beside the server's own folder and lock."""
        return [path for path in self.spool.glob("whisperx-server-*/*") if path.name != "lock"]

    def _read_log(self) -> None:
        if self.process.stderr is not None:
            self.log.extend(iter(self.process.stderr.readline, ""))

    def _address(self) -> str | None:
        for line in list(self.log):
            found = re.search(r"listening on (http://\S+?)\"", line)
            if found:
                return found.group(1)
        return None


class OpenJob:
    """A request whose answer is being read. Leaving the block closes the connection."""

    def __init__(self, server: Server, audio: bytes, options: dict[str, Any], headers: dict[str, str]) -> None:
        self._client = httpx.Client(base_url=server.url, timeout=DEADLINE_S)
        self._stream = self._client.stream(
            "POST",
            "/v1/transcribe",
            params={"options": json.dumps(options)},
            content=audio,
            headers={"content-type": "audio/pcm", **{name.replace("_", "-"): value for name, value in headers.items()}},
        )

    def __enter__(self) -> Self:
        self.answer = self._stream.__enter__()
        self._lines: Iterator[str] = self.answer.iter_lines()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.__exit__(kind, error, trace)
        self._client.close()

    def until(self, kind: str, **fields: object) -> Event:
        """Reads on to an event of that type with these values."""
        for line in self._lines:
            event: Event = json.loads(line)
            if event["type"] == kind and all(event.get(name) == value for name, value in fields.items()):
                return event
        raise AssertionError(f"the answer ended without {kind}")

    def rest(self) -> list[Event]:
        """All further events."""
        return [json.loads(line) for line in self._lines]


class StartServer(Protocol):
    """Starts a server with settings as keywords."""

    def __call__(self, *, stages: str = "scripted", wait_ready: bool = True, **settings: str) -> Server: ...


def result_of(events: list[Event]) -> dict[str, Any]:
    """The result that the events end with."""
    assert events[-1]["type"] == "result", events[-1]
    result: dict[str, Any] = events[-1]["result"]
    return result


def error_of(events: list[Event]) -> dict[str, Any]:
    """The error that the events end with."""
    assert events[-1]["type"] == "error", events[-1]
    error: dict[str, Any] = events[-1]["error"]
    return error


def script(**script: object) -> dict[str, Any]:
    """Options that make the scripted stages do something."""
    return {"initial_prompt": f"script:{json.dumps(script)}"}
