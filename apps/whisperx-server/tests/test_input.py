from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from speech import speech, wav

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_server import Server, StartServer

PCM = speech("alpha bravo", "papa")
TEXT = "alpha bravo papa"


def send(server: Server, body: bytes | Iterator[bytes], content_type: str, options: str | None = None) -> Any:
    return server.client.post(
        "/v1/transcribe",
        params={} if options is None else {"options": options},
        content=body,
        headers={"content-type": content_type, "accept": "application/json"},
    )


def test_a_form_with_options_and_file(server: Server) -> None:
    answer = server.client.post(
        "/v1/transcribe",
        files={"options": (None, json.dumps({"model": "base"})), "file": ("speech.wav", wav(PCM))},
        headers={"accept": "application/json"},
    )
    assert answer.json()["text"] == TEXT
    assert answer.json()["model"] == "base"


def test_a_form_needs_no_options(server: Server) -> None:
    answer = server.client.post("/v1/transcribe", files={"file": wav(PCM)}, headers={"accept": "application/json"})
    assert answer.json()["text"] == TEXT


@pytest.mark.parametrize("content_type", ["audio/wav", "video/mp4", "application/octet-stream"])
def test_a_file_as_the_body(server: Server, content_type: str) -> None:
    assert send(server, wav(PCM), content_type).json()["text"] == TEXT


def test_a_body_of_unknown_length(server: Server) -> None:
    pieces = (wav(PCM)[start : start + 1000] for start in range(0, len(wav(PCM)), 1000))
    assert send(server, pieces, "audio/wav").json()["text"] == TEXT


@pytest.mark.parametrize("content_type", ["audio/pcm", "audio/pcm;rate=16000;channels=1;encoding=s16le"])
def test_samples_as_models_take_them(server: Server, content_type: str) -> None:
    assert send(server, PCM, content_type).json()["text"] == TEXT


def test_samples_of_another_kind_are_converted(server: Server) -> None:
    # Resampling rounds the corners of tones and so blurs which word they are, apart from the quietest and loudest.
    stereo = np.repeat(np.frombuffer(speech("alpha papa"), "<i2"), 6)
    answer = send(server, stereo.tobytes(), "audio/pcm;rate=48000;channels=2")
    assert answer.json()["text"] == "alpha papa"
    floats = (np.frombuffer(PCM, "<i2") / 32_768).astype("<f4")
    assert send(server, floats.tobytes(), "audio/pcm;encoding=f32le").json()["text"] == TEXT


def test_half_a_sample_at_the_end_is_left_out(server: Server) -> None:
    answer = send(server, PCM + b"\x01", "audio/pcm")
    assert answer.json()["text"] == TEXT
    assert answer.json()["duration_s"] == round(len(PCM) / 32_000, 3)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ('{"modle":"base"}', "modle"),
        ('{"beam_size":0}', "beam_size"),
        ('{"align":"yes"}', "align"),
        ('{"min_speakers":3,"max_speakers":2}', "min_speakers must not be above max_speakers"),
        ('{"vad":{"onset":2}}', "vad.onset"),
        ("[]", "options are not valid"),
        ("{", "options are not valid"),
    ],
)
def test_options_that_cannot_be_are_refused_by_name(server: Server, options: str, part: str) -> None:
    answer = send(server, PCM, "audio/pcm", options)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "INVALID_REQUEST"
    assert part in answer.text


def test_what_cannot_be_served_is_refused_before_work(server: Server) -> None:
    assert send(server, PCM, "audio/pcm", '{"language":"xx"}').json()["error"]["code"] == "LANGUAGE_UNSUPPORTED"
    english_only = '{"language":"de","model":"medium.en"}'
    assert send(server, PCM, "audio/pcm", english_only).json()["error"]["code"] == "LANGUAGE_UNSUPPORTED"
    unaligned = '{"language":"th","on_align_error":"fail"}'
    assert send(server, PCM, "audio/pcm", unaligned).json()["error"]["code"] == "LANGUAGE_UNSUPPORTED"
    assert send(server, PCM, "audio/pcm", '{"task":"translate"}').status_code == 422
    missing = send(server, PCM, "audio/pcm", '{"model":"gigantic"}')
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "MODEL_NOT_FOUND"
    assert "large-v3-turbo" in missing.json()["error"]["message"]


def test_bad_options_are_told_before_the_file_is_read(server: Server) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="options"\r\n\r\n{"no":1}\r\n--x\r\n'
    head += b'Content-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    with socket.create_connection((server.client.base_url.host, server.client.base_url.port or 0), 10) as connection:
        connection.sendall(
            b"POST /v1/transcribe HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n" + head
        )
        # The rest of the body is never sent.
        assert b" 422 " in connection.recv(4096)


@pytest.mark.parametrize(
    "body",
    [
        b"no form at all",
        b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ncut off',
        b'--x\r\nContent-Disposition: form-data; name="options"\r\n\r\n{}\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n{}\r\n--x--\r\n',
        b"--x\r\n" + b"A: b\r\n" * 50 + b"\r\n\r\n--x--\r\n",
    ],
)
def test_forms_that_are_none_are_refused(server: Server, body: bytes) -> None:
    answer = send(server, body, "multipart/form-data; boundary=x")
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "INVALID_REQUEST"


@pytest.mark.parametrize("content_type", ["text/plain", "", "multipart/mixed; boundary=x"])
def test_other_types_are_refused(server: Server, content_type: str) -> None:
    answer = send(server, PCM, content_type)
    assert answer.status_code == 415
    assert answer.json()["error"]["code"] == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.parametrize("parameter", ["rate=0", "rate=1e3", "channels=99", "encoding=mp3"])
def test_samples_that_cannot_be_are_refused(server: Server, parameter: str) -> None:
    assert send(server, PCM, f"audio/pcm;{parameter}").json()["error"]["code"] == "INVALID_REQUEST"


def test_nothing_is_refused(server: Server) -> None:
    assert send(server, b"", "audio/wav").json()["error"]["code"] == "AUDIO_EMPTY"


@pytest.mark.parametrize(
    "body",
    [
        b"this is text" * 100,
        b"#EXTM3U\n#EXTINF:10,\nfile:///etc/hostname\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
        b"RIFF\xff\xff\xff\xffWAVE",
    ],
)
def test_what_cannot_be_decoded_is_refused(server: Server, body: bytes) -> None:
    answer = send(server, body, "application/octet-stream")
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "AUDIO_DECODE_FAILED"
    assert str(server.spool) not in answer.text


def test_too_many_bytes_are_refused_as_soon_as_they_are_announced_or_come(server: Server) -> None:
    announced = send(server, bytes(5 << 20), "audio/wav")
    assert announced.status_code == 413
    assert announced.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"
    counted = send(server, (bytes(1 << 18) for _ in range(20)), "audio/wav")
    assert counted.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"


def test_too_many_seconds_are_refused(server: Server) -> None:
    samples = bytes(61 * 32_000)
    assert send(server, samples, "audio/pcm").json()["error"]["code"] == "AUDIO_TOO_LONG"
    # A small file can hold hours.
    decoded = send(server, wav(bytes(61 * 16_000), rate=8_000), "audio/wav")
    assert decoded.json()["error"]["code"] == "AUDIO_TOO_LONG"


def test_a_damaged_file_gives_what_is_left_and_says_so(server: Server) -> None:
    whole = wav(PCM)
    answer = send(server, whole[:-20_001], "audio/wav")
    assert answer.status_code == 200
    assert answer.json()["text"].startswith("alpha bravo")


def test_a_body_that_stops_arriving_gives_its_place_back(start: StartServer) -> None:
    server = start(UPLOAD_IDLE_S="0.2", QUEUE_CAPACITY="0")
    with socket.create_connection((server.client.base_url.host, server.client.base_url.port or 0), 10) as connection:
        connection.sendall(
            b"POST /v1/transcribe HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\nContent-Type: audio/pcm\r\n\r\n"
        )
        assert b" 504 " in connection.recv(4096)
    assert server.result(PCM)["text"] == TEXT


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nHost:"])
def test_who_sends_no_request_or_half_of_one_is_hung_up_on(start: StartServer, sent: bytes) -> None:
    server = start(UPLOAD_IDLE_S="0.3")
    address = (server.client.base_url.host, server.client.base_url.port or 0)
    with socket.create_connection(address, 20) as fresh:
        fresh.sendall(sent)
        assert fresh.recv(4096) == b""
    with socket.create_connection(address, 20) as used:
        used.sendall(b"GET /ready HTTP/1.1\r\nHost: test\r\n\r\n" + sent)
        assert b" 200 " in used.recv(4096)


@pytest.mark.parametrize("given", ["a b", "x" * 129, "é".encode().decode("latin-1")])
def test_ids_of_another_form_are_refused(server: Server, given: str) -> None:
    answer = server.client.post("/v1/transcribe", content=b"", headers=[(b"x-request-id", given.encode("latin-1"))])
    assert answer.status_code == 422
    assert "X-Request-Id" in answer.json()["error"]["message"]
