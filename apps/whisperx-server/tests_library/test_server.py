"""The whole server on the real library: from audio over HTTP to the result."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from running_server import Server, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from whisperx_server.stages import Samples


def wait_until_ready(server: Server) -> None:
    end = time.monotonic() + 300
    while server.client.get("/ready").status_code != 200:
        assert time.monotonic() < end, server.logged()
        time.sleep(0.2)


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {
        "OWN_MODELS": f"own={models / 'whisper'}, english={models / 'english'}, gone={models / 'nothing-here'}",
        "ALIGN_MODELS": f"en={models / 'align'}",
        "DIARIZATION_MODEL": str(models / "diarization"),
        "DEFAULT_MODEL": "own",
        "CPU_THREADS": "1",
        "DEVICE": "cpu",
        "HF_HUB_OFFLINE": "1",
    }
    with Server(tmp_path_factory.mktemp("spool"), settings, stages="whisperx", wait_ready=False) as server:
        # The library alone takes a while to import.
        wait_until_ready(server)
        yield server


@pytest.fixture(scope="module")
def audio(speech: Samples) -> bytes:
    return (speech * 32_767).astype("<i2").tobytes()


def test_says_what_it_is_made_of(server: Server) -> None:
    listed = server.client.get("/v1/models").json()
    assert {"own", "english", "gone", "large-v3", "tiny"} <= {model["id"] for model in listed["data"]}
    assert len(listed["languages"]["transcribe"]) == 100
    assert len(listed["languages"]["align"]) == 41
    assert server.health()["diarization_available"] is True


def test_answers_with_words_and_speakers(server: Server, audio: bytes) -> None:
    options = {
        "language": "en",
        "chunk_size": 5,
        "batch_size": 1,
        "diarize": True,
        "max_speakers": 2,
        "speaker_embeddings": True,
        "hotwords": "rivers, hills",
        "vad": {"onset": 0.4, "offset": 0.3},
    }
    events = server.events(audio, options)
    phases = [event["phase"] for event in events if event["type"] == "progress"]
    assert list(dict.fromkeys(phases))[-4:] == ["transcribing", "aligning", "diarizing", "finalizing"]
    overall = [event["overall"] for event in events if event["type"] == "progress"]
    assert overall == sorted(overall)
    assert [event for event in events if event["type"] == "error"] == []
    result = events[-1]["result"]
    # JSON as it was sent knows neither NaN nor infinity.
    json.dumps(result, allow_nan=False)
    assert result["segments"]
    assert result["text"] == " ".join(segment["text"] for segment in result["segments"])
    for segment in result["segments"]:
        assert " ".join(word["word"] for word in segment["words"]) == segment["text"]
        assert all(segment["start"] <= word["start"] <= word["end"] <= segment["end"] for word in segment["words"])
    assert any(segment["aligned"] for segment in result["segments"])
    assert {turn["speaker"] for turn in result["diarization"]} == {each["label"] for each in result["speakers"]}
    assert 1 <= len(result["speakers"]) <= 2
    assert result["versions"]["whisperx"] == "3.8.6"


def test_detects_the_language_and_aligns_what_it_can(server: Server, audio: bytes) -> None:
    events = server.events(audio, {"chunk_size": 5})
    (language,) = [event for event in events if event["type"] == "language"]
    assert 0 < language["probability"] <= 1
    result = events[-1]["result"]
    assert result["language"] == language["code"]
    # A model that has learned nothing is never sure.
    assert "LOW_LANGUAGE_CONFIDENCE" in {event["code"] for event in events if event["type"] == "warning"}
    assert all("words" in segment for segment in result["segments"])


def test_gives_no_segments_for_silence(server: Server) -> None:
    result = server.result(np.zeros(3 * 16_000, dtype="<i2").tobytes(), {"language": "en", "diarize": True})
    assert result["segments"] == []
    assert result["text"] == ""


def test_refuses_a_language_that_the_model_does_not_know(server: Server, audio: bytes) -> None:
    assert server.error(audio, {"model": "english", "language": "de"})["code"] == "LANGUAGE_UNSUPPORTED"


def test_refuses_arithmetic_that_the_device_cannot_do(server: Server, audio: bytes) -> None:
    answer = server.post(audio, {"compute_type": "float16"})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "INVALID_REQUEST"
    assert "int8" in answer.json()["error"]["message"]
    assert server.result(audio, {"compute_type": "int8", "language": "en"})["compute_type"] == "int8"


def test_fails_where_a_model_of_the_operator_is_missing(server: Server, audio: bytes) -> None:
    error = server.error(audio, {"model": "gone"})
    assert error["code"] == "MODEL_LOAD_FAILED"
    assert "nothing-here" not in json.dumps(error)


def test_unloads_models(server: Server) -> None:
    loaded = server.client.post("/v1/models/own/load")
    assert loaded.status_code == 200, loaded.text
    assert "own" in server.health()["models"]["loaded"]
    assert server.client.delete("/v1/models/own").status_code == 200
    assert "own" not in server.health()["models"]["loaded"]


def test_stops_a_job_whose_client_has_left_and_keeps_the_worker(server: Server, audio: bytes) -> None:
    worker = server.worker()
    with server.open(audio * 8, {"language": "en", "chunk_size": 2, "batch_size": 1}) as job:
        job.until("progress", phase="transcribing")
    eventually(lambda: server.health()["queue"]["running"] == 0, "the job has stopped")
    assert server.worker() == worker
    assert server.result(audio, {"language": "en"})["segments"]


def test_logs_no_text(server: Server) -> None:
    assert "rivers" not in server.logged()
