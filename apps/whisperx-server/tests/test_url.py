from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from running_server import Server
from speech import speech, wav
from whisperx_server.front.addresses import is_open

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_server import StartServer

SPEECH = wav(speech("alpha bravo"))


class MediaServer(ThreadingHTTPServer):
    """Serves speech, and what a server should not be led to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Media)
        self.leave = threading.Event()


class Media(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: MediaServer

    def do_GET(self) -> None:
        match self.path:
            case "/speech.wav?key=secret":
                self.answer(200, SPEECH)
            case "/moved":
                self.answer(302, b"", location="/speech.wav?key=secret")
            case "/round":
                self.answer(302, b"", location="/round")
            case "/inside":
                inside = f"http://127.0.0.2:{self.server.server_port}/speech.wav?key=secret"
                self.answer(302, b"", location=inside)
            case "/to-file":
                self.answer(302, b"", location="file:///etc/hostname")
            case "/large":
                self.answer(200, bytes(3 << 20))
            case "/empty":
                self.answer(200, b"")
            case "/slow":
                self.send_response(200)
                self.send_header("content-length", "100")
                self.end_headers()
                self.wfile.write(b"RIFF")
                self.server.leave.wait(30)
            case _:
                self.answer(404, b"")

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def media() -> Iterator[MediaServer]:
    with MediaServer() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.leave.set()
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def fetching(media: MediaServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {
        "URL_ALLOWED_HOSTS": f"127.0.0.1:{media.server_port}",
        "URL_TIMEOUT_S": "1",
        "MAX_UPLOAD_MB": "2",
    }
    with Server(tmp_path_factory.mktemp("spool"), settings) as server:
        yield server


def transcribe(server: Server, url: str, **options: object) -> Any:
    return server.client.post(
        "/v1/transcribe", json={"url": url, "options": options}, headers={"accept": "application/json"}
    )


def at(media: MediaServer, path: str) -> str:
    return f"http://127.0.0.1:{media.server_port}{path}"


@pytest.mark.parametrize("path", ["/speech.wav?key=secret", "/moved"])
def test_audio_is_fetched_from_a_host_that_the_operator_named(fetching: Server, media: MediaServer, path: str) -> None:
    answer = transcribe(fetching, at(media, path), model="base")
    assert answer.json()["text"] == "alpha bravo"
    assert answer.json()["model"] == "base"
    assert "secret" not in fetching.logged()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/missing", "URL_FETCH_FAILED"),
        ("/round", "URL_FETCH_FAILED"),
        ("/slow", "URL_FETCH_FAILED"),
        ("/inside", "URL_NOT_ALLOWED"),
        ("/to-file", "URL_NOT_ALLOWED"),
        ("/large", "PAYLOAD_TOO_LARGE"),
        ("/empty", "AUDIO_EMPTY"),
    ],
)
def test_what_cannot_or_must_not_be_fetched_is_refused(
    fetching: Server, media: MediaServer, path: str, code: str
) -> None:
    answer = transcribe(fetching, at(media, path))
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://localhost/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0.0.0.0/",
        "ftp://example.com/a.wav",
        "file:///etc/hostname",
        "http://user:s3cret@203.0.113.1/",
        "http://203.0.113.1:99999/",
        "http:///a.wav",
        "http://exa mple.com/",
        "no url",
    ],
)
def test_private_and_strange_addresses_are_refused_at_once(server: Server, url: str) -> None:
    answer = transcribe(server, url)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "URL_NOT_ALLOWED"
    assert "s3cret" not in answer.text


@pytest.mark.parametrize("body", ["{}", '{"url":""}', '{"url":1}', '{"url":"http://a/","more":1}', "[", ""])
def test_json_that_cannot_be_is_refused(server: Server, body: str) -> None:
    answer = server.client.post("/v1/transcribe", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "INVALID_REQUEST"


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"])
def test_the_open_internet_is_open(address: str) -> None:
    assert is_open(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "198.18.0.1", "240.0.0.1"),
        *("::", "::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.1"),
        *("2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b:1::1", "::127.0.0.1", "nonsense"),
    ],
)
def test_everything_else_is_closed_also_in_disguise(address: str) -> None:
    assert not is_open(address)


def test_a_fetch_that_is_cancelled_leaves_nothing(media: MediaServer, start: StartServer) -> None:
    server = start(URL_ALLOWED_HOSTS="127.0.0.1")
    answer = transcribe(server, at(media, "/slow"), timeout_s=0.3)
    assert answer.json()["error"]["code"] == "TIMEOUT"
    assert server.spooled() == []
