from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from running_server import SOURCE, eventually, script
from speech import speech

if TYPE_CHECKING:
    from pathlib import Path

    from running_server import Server, StartServer

PCM = speech("alpha bravo")


def test_health_says_ok_first_and_always(server: Server) -> None:
    with server.open(PCM, script(do={"transcribing": "deaf"}) | {"timeout_s": 0.5}) as job:
        job.until("progress", phase="transcribing")
        answer = server.client.get("/health")
    assert answer.text.startswith('{"status":"ok","service":"whisperx"')
    health = answer.json()
    assert health["queue"]["running"] == 1
    assert health["device"] == "cpu"
    assert health["diarization_available"] is True
    assert "gpus" not in health


def test_models_are_listed_loaded_and_unloaded(server: Server) -> None:
    def listed(name: str) -> dict[str, object]:
        data = server.client.get("/v1/models").json()["data"]
        return next(model for model in data if model["id"] == name)

    assert server.client.post("/v1/models/small/load").json() == {"id": "small", "loaded": True}
    assert listed("small") == {
        "id": "small",
        "object": "model",
        "owned_by": "whisperx",
        "loaded": True,
        "default": False,
        "compute_type": "float16",
        "task_translate": True,
    }
    assert listed("large-v3-turbo")["default"] is True
    assert listed("large-v3-turbo")["task_translate"] is False
    assert server.client.delete("/v1/models/small").json() == {"id": "small", "loaded": False}
    assert listed("small")["loaded"] is False
    # There is nothing to do, which is no mistake.
    assert server.client.delete("/v1/models/small").status_code == 200
    languages = server.client.get("/v1/models").json()["languages"]
    assert languages == {"transcribe": ["en", "de", "fr", "th"], "align": ["en", "de", "fr"]}


def test_only_two_speech_models_are_kept(server: Server) -> None:
    for model in ("tiny", "base", "small"):
        assert server.client.post(f"/v1/models/{model}/load").status_code == 200
    assert server.health()["models"]["loaded"] == ["base", "small"]


def test_a_model_in_use_is_not_unloaded(server: Server) -> None:
    with server.open(PCM, script(do={"transcribing": "hang"}) | {"model": "tiny"}) as job:
        job.until("progress", phase="transcribing")
        answer = server.client.delete("/v1/models/tiny")
        assert answer.status_code == 409
        assert answer.json()["error"]["code"] == "MODEL_BUSY"


def test_unknown_and_broken_models_cannot_be_loaded(server: Server) -> None:
    assert server.client.post("/v1/models/some/repo/load").json()["error"]["code"] == "MODEL_NOT_FOUND"
    assert server.client.post("/v1/models/scripted-gated/load").status_code == 424
    assert server.client.post("/v1/models/scripted-huge/load").json()["error"]["code"] == "GPU_OOM"


def test_the_operator_narrows_the_models_and_preloads(start: StartServer) -> None:
    server = start(MODELS_ALLOWED="base, org/own-model", DEFAULT_MODEL="base", PRELOAD="base")
    assert server.health()["models"]["loaded"] == ["base"]
    assert [model["id"] for model in server.client.get("/v1/models").json()["data"]] == ["base", "org/own-model"]
    assert server.result(PCM, {"model": "org/own-model"})["model"] == "org/own-model"
    assert server.post(PCM, {"model": "tiny"}).status_code == 404


def test_a_preload_that_fails_is_told(start: StartServer) -> None:
    server = start(wait_ready=False, PRELOAD="scripted-broken")
    eventually(lambda: server.health()["degraded"] == ["preload_failed"], "the preload has failed")
    assert server.client.get("/ready").status_code == 503
    assert server.result(PCM)["text"] == "alpha bravo"


def test_metrics_are_prometheus(server: Server) -> None:
    server.result(PCM)
    answer = server.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert server.metric("whisperx_worker_ready") == 1
    assert server.metric('whisperx_jobs_total{outcome="completed"}') >= 1
    assert server.metric("whisperx_audio_seconds_total") > 0
    assert server.metric('whisperx_stage_seconds_count{stage="transcribe"}') >= 1


def test_other_paths_and_methods_are_refused_in_the_same_shape(server: Server) -> None:
    assert server.client.get("/nothing").status_code == 404
    answer = server.client.get("/v1/transcribe")
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "INVALID_REQUEST"


def test_a_key_guards_everything_but_probes(start: StartServer) -> None:
    server = start(API_KEY="s3cret-key", LOG_LEVEL="debug")
    assert server.client.get("/health").status_code == 200
    assert server.client.get("/ready").status_code == 200
    for path in ("/v1/models", "/metrics", "/openapi.json", "/docs"):
        assert server.client.get(path).status_code == 401
    refused = server.post(PCM)
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "UNAUTHORIZED"
    assert refused.headers["www-authenticate"] == "Bearer"
    for given in ("Bearer wrong", "Bearer", "Basic s3cret-key", "s3cret-key", "Bearer é"):
        assert httpx.get(f"{server.url}/v1/models", headers=[(b"authorization", given.encode())]).status_code == 401
    allowed = server.post(PCM, authorization="Bearer s3cret-key")
    assert '"text":"alpha bravo"' in allowed.text
    assert "s3cret-key" not in server.logged()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"PORT": "many"}, "PORT must be a whole number from 0 to 65535"),
        ({"DEVICE": "tpu"}, "DEVICE must be one of auto, cuda, cpu"),
        ({"JOB_TIMEOUT_S": "nan"}, "JOB_TIMEOUT_S must be a number of seconds"),
        ({"BATCH_SIZE": "64"}, "BATCH_SIZE must not be above MAX_BATCH_SIZE"),
        ({"MODELS_ALLOWED": "base"}, "DEFAULT_MODEL must be one of MODELS_ALLOWED"),
        ({"SPOOL_DIR": "/nowhere/at/all"}, "cannot begin"),
    ],
)
def test_settings_that_cannot_be_meant_stop_the_start(tmp_path: Path, settings: dict[str, str], complaint: str) -> None:
    environment = {"PYTHONPATH": str(SOURCE), "SPOOL_DIR": str(tmp_path), "PORT": "0", **settings}
    ended = subprocess.run(
        [sys.executable, "-m", "whisperx_server"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode != 0
    assert complaint in ended.stderr.splitlines()[-1]
