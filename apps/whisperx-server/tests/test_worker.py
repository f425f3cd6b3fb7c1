from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from running_server import error_of, eventually, result_of, script
from speech import speech

if TYPE_CHECKING:
    from running_server import Server, StartServer

PCM = speech("alpha bravo")


def works(server: Server) -> bool:
    return bool(server.result(PCM)["text"] == "alpha bravo")


def codes(result: dict[str, list[dict[str, str]]]) -> list[str]:
    return [warning["code"] for warning in result["warnings"]]


def test_a_crash_ends_its_job_and_nothing_else(server: Server) -> None:
    error = server.error(PCM, script(do={"transcribing": "crash"}))
    assert error["code"] == "WORKER_CRASHED"
    assert error["retryable"] is True
    assert works(server)


def test_a_waiting_job_outlives_the_crash_of_the_one_before(server: Server) -> None:
    with server.open(PCM, script(do={"transcribing": "hang"})) as first:
        first.until("progress", phase="transcribing")
        worker = server.worker()
        assert worker is not None
        with server.open(PCM) as second:
            second.until("progress", phase="queued")
            worker.kill()
            assert error_of(first.rest())["code"] == "WORKER_CRASHED"
            assert result_of(second.rest())["text"] == "alpha bravo"


def test_a_worker_that_is_killed_from_outside_comes_back(server: Server) -> None:
    with server.open(PCM, script(do={"transcribing": "hang"})) as job:
        job.until("progress", phase="transcribing")
        worker = server.worker()
        assert worker is not None
        worker.kill()
        assert error_of(job.rest())["code"] == "WORKER_CRASHED"
    eventually(lambda: server.client.get("/ready").status_code == 200, "there is a new worker")
    assert works(server)


def test_a_worker_that_does_not_listen_is_killed(server: Server) -> None:
    worker = server.worker()
    assert worker is not None
    error = server.error(PCM, script(do={"transcribing": "deaf"}) | {"timeout_s": 0.2})
    assert error["code"] == "TIMEOUT"
    assert not worker.is_running()
    assert works(server)


def test_a_lost_device_gets_a_new_process(server: Server) -> None:
    worker = server.worker()
    error = server.error(PCM, script(do={"diarizing": "lost"}) | {"diarize": True})
    assert error["code"] == "WORKER_CRASHED"
    assert works(server)
    assert server.worker() != worker


def test_too_large_batches_are_halved_until_they_fit(server: Server) -> None:
    result = server.result(PCM, script(fits_batch=2) | {"batch_size": 16})
    assert result["text"] == "alpha bravo"
    assert codes(result) == ["BATCH_REDUCED"]
    assert result["compute_type"] == "float16"
    assert "batch size 2" in result["warnings"][0]["message"]


def test_then_the_arithmetic_gets_smaller(server: Server) -> None:
    result = server.result(PCM, script(fits_compute_types=["int8_float16"]))
    assert codes(result) == ["BATCH_REDUCED", "COMPUTE_TYPE_REDUCED"]
    assert result["compute_type"] == "int8_float16"
    models = [model for model in server.health()["models"]["loaded"] if model == "large-v3-turbo"]
    assert len(models) == 1


def test_a_model_that_does_not_fit_is_loaded_in_smaller_arithmetic(server: Server) -> None:
    result = server.result(PCM, {"model": "scripted-huge"})
    assert result["compute_type"] == "int8_float16"
    assert "COMPUTE_TYPE_REDUCED" in codes(result)


def test_at_the_end_of_the_ladder_the_job_fails(server: Server) -> None:
    error = server.error(PCM, script(fits_batch=0))
    assert error["code"] == "GPU_OOM"
    assert error["phase"] == "transcribing"
    assert error["retry_after_s"] > 0
    assert works(server)


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("scripted-missing", "MODEL_NOT_FOUND"),
        ("scripted-gated", "MODEL_GATED"),
        ("scripted-broken", "MODEL_LOAD_FAILED"),
    ],
)
def test_models_that_cannot_be_loaded_say_why(server: Server, model: str, code: str) -> None:
    error = server.error(PCM, {"model": model})
    assert error["code"] == code
    assert error["phase"] == "loading"
    assert works(server)


@pytest.mark.parametrize("deed", ["oom", "error", "hang"])
def test_a_broken_off_job_leaves_no_language_behind(server: Server, deed: str) -> None:
    server.error(PCM, script(do={"transcribing": deed}) | {"language": "de", "timeout_s": 0.3})
    assert server.result(PCM, {"align": False})["language"] == "en"


def test_a_job_gets_the_arithmetic_that_it_asks_for(server: Server) -> None:
    assert server.result(PCM, {"compute_type": "int8"})["compute_type"] == "int8"


def test_an_idle_worker_gives_its_models_and_then_itself_back(start: StartServer) -> None:
    server = start(MODEL_IDLE_S="0.3")
    assert works(server)
    worker = server.worker()
    assert worker is not None
    eventually(lambda: server.metric('whisperx_worker_ends_total{reason="recycled"}') == 1, "the worker is renewed")
    eventually(lambda: server.client.get("/ready").status_code == 200, "there is a new worker")
    assert server.health()["models"] == {"loaded": [], "align": [], "diarization": "unloaded"}
    assert not worker.is_running()
    assert works(server)
    assert server.metric('whisperx_worker_ends_total{reason="crashed"}') == 0


def test_a_server_whose_worker_does_not_start_says_so(start: StartServer) -> None:
    # The library itself is not installed where these tests run.
    server = start(stages="whisperx", wait_ready=False)
    eventually(lambda: "worker_does_not_start" in server.health()["degraded"], "the first start has failed")
    assert server.client.get("/ready").status_code == 503
    refused = server.post(PCM)
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "WORKER_CRASHED"
    assert "ModuleNotFoundError" in server.logged()


def test_the_worker_dies_with_its_server(start: StartServer) -> None:
    server = start()
    worker = server.worker()
    assert worker is not None
    with server.open(PCM, script(do={"transcribing": "deaf"})) as job:
        job.until("progress", phase="transcribing")
        server.process.kill()
    eventually(lambda: not worker.is_running(), "the worker is gone")


def test_what_a_killed_server_left_is_cleared_away(start: StartServer) -> None:
    first = start()
    with first.open(PCM, script(do={"transcribing": "hang"})) as job:
        job.until("progress", phase="transcribing")
        assert len(first.spooled()) == 1
        first.process.kill()
        first.process.wait()
    second = start()
    assert len(list(second.spool.iterdir())) == 1
    assert second.spooled() == []
