from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from running_server import DEADLINE_S, error_of, eventually, result_of, script
from speech import speech

if TYPE_CHECKING:
    from running_server import Server, StartServer

PCM = speech("alpha bravo")


def drain(server: Server) -> None:
    server.process.send_signal(signal.SIGTERM)
    eventually(lambda: "draining" in server.health()["degraded"], "the server drains")


def test_at_sigterm_what_runs_is_finished_and_the_rest_is_sent_away(start: StartServer) -> None:
    server = start()
    with server.open(PCM, script(seconds={"transcribing": 1.5})) as running, server.open(PCM) as waiting:
        running.until("progress", phase="transcribing")
        waiting.until("progress", phase="queued")
        drain(server)
        ready = server.client.get("/ready")
        assert ready.status_code == 503
        assert ready.json() == {"ready": False, "reasons": ["draining"]}
        refused = server.post(PCM)
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "DRAINING"
        assert error_of(waiting.rest())["code"] == "DRAINING"
        assert result_of(running.rest())["text"] == "alpha bravo"
    assert server.process.wait(DEADLINE_S) == 0
    assert list(server.spool.iterdir()) == []


def test_what_does_not_finish_in_the_grace_time_is_broken_off(start: StartServer) -> None:
    server = start(DRAIN_GRACE_S="0.2")
    with server.open(PCM, script(do={"transcribing": "deaf"})) as running:
        running.until("progress", phase="transcribing")
        drain(server)
        error = error_of(running.rest())
        assert error["code"] == "DRAINING"
        assert error["retryable"] is True
    assert server.process.wait(DEADLINE_S) == 0


def test_who_waits_for_a_model_is_sent_away_too(start: StartServer) -> None:
    server = start()
    with server.open(PCM, script(seconds={"transcribing": 1.5})) as running, ThreadPoolExecutor(1) as pool:
        running.until("progress", phase="transcribing")
        loading = pool.submit(server.client.post, "/v1/models/tiny/load")
        eventually(lambda: server.health()["queue"]["waiting"] == 1, "the load waits")
        drain(server)
        assert loading.result().json()["error"]["code"] == "DRAINING"
        assert result_of(running.rest())["text"] == "alpha bravo"
    assert server.process.wait(DEADLINE_S) == 0


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_at_once(start: StartServer, sig: signal.Signals) -> None:
    server = start()
    server.process.send_signal(sig)
    assert server.process.wait(DEADLINE_S) == 0
    with pytest.raises(httpx.TransportError):
        server.client.get("/health")


def test_a_second_signal_ends_it_without_waiting(start: StartServer) -> None:
    server = start()
    with server.open(PCM, script(do={"transcribing": "hang"})) as running:
        running.until("progress", phase="transcribing")
        drain(server)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(DEADLINE_S)
