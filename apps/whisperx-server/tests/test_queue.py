from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from running_server import error_of, eventually, result_of, script
from speech import speech

if TYPE_CHECKING:
    from running_server import Server, StartServer

PCM = speech("alpha bravo")
BUSY = script(do={"transcribing": "hang"})


def cancel(server: Server, request_id: str) -> bool:
    answer = server.client.delete(f"/v1/jobs/{request_id}")
    assert answer.status_code == 202
    cancelling: bool = answer.json()["cancelling"]
    return cancelling


def test_twenty_clients_at_once_are_all_served_one_after_the_other(start: StartServer) -> None:
    server = start(QUEUE_CAPACITY="20")
    words = ["alpha", "bravo", "golf", "papa"]
    sentences = [f"{words[number % 4]} {words[number // 4 % 4]}" for number in range(20)]
    with ThreadPoolExecutor(20) as clients:
        texts = list(clients.map(lambda sentence: server.result(speech(sentence))["text"], sentences))
    assert texts == sentences
    assert server.metric('whisperx_jobs_total{outcome="completed"}') == 20


def test_a_full_queue_refuses_with_when_to_try_again(start: StartServer) -> None:
    server = start(QUEUE_CAPACITY="1")
    with server.open(PCM, BUSY) as running, server.open(PCM) as waiting:
        running.until("progress", phase="transcribing")
        waiting.until("progress", phase="queued")
        refused = server.post(PCM)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        error = refused.json()["error"]
        assert error["code"] == "QUEUE_FULL"
        assert error["retryable"] is True
        assert error["retry_after_s"] > 0
        assert server.health()["queue"] == {"running": 1, "waiting": 1, "receiving": 0, "capacity": 1}
    eventually(lambda: server.health()["queue"]["running"] == 0, "both places are free")
    assert server.result(PCM)["text"] == "alpha bravo"


def test_who_waits_is_told_the_place_and_comes_first_come_first_served(server: Server) -> None:
    with ExitStack() as stack:
        running = stack.enter_context(server.open(PCM, BUSY, x_request_id="first"))
        running.until("progress", phase="transcribing")
        second = stack.enter_context(server.open(PCM, BUSY, x_request_id="second"))
        assert second.until("accepted")["queue_position"] == 1
        second.until("progress", phase="queued", position=1)
        third = stack.enter_context(server.open(PCM))
        third.until("progress", phase="queued", position=2)
        assert cancel(server, "first")
        third.until("progress", phase="queued", position=1)
        assert cancel(server, "second")
        result_of(third.rest())
        assert error_of(running.rest())["code"] == "CANCELLED"
        assert error_of(second.rest())["code"] == "CANCELLED"


def test_a_running_job_is_cancelled_by_id_and_the_worker_lives_on(server: Server) -> None:
    worker = server.worker()
    with server.open(PCM, BUSY, x_request_id="by-id") as job:
        job.until("progress", phase="transcribing")
        assert cancel(server, "by-id")
        error = error_of(job.rest())
    assert error["code"] == "CANCELLED"
    assert error["retryable"] is False
    assert error["request_id"] == "by-id"
    assert server.result(PCM)["text"] == "alpha bravo"
    assert server.worker() == worker


def test_a_waiting_job_is_cancelled_at_once(server: Server) -> None:
    with server.open(PCM, BUSY) as running, server.open(PCM, x_request_id="waits") as waiting:
        running.until("progress", phase="transcribing")
        waiting.until("progress", phase="queued")
        assert cancel(server, "waits")
        assert error_of(waiting.rest())["code"] == "CANCELLED"
        assert server.health()["queue"]["running"] == 1


def test_a_request_is_cancelled_while_its_body_is_on_its_way(server: Server) -> None:
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as client:
        head = "POST /v1/transcribe HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: enters\r\n"
        client.sendall(f"{head}Content-Type: audio/pcm\r\nContent-Length: 4000000\r\n\r\n".encode() + PCM)
        eventually(lambda: cancel(server, "enters"), "the request is known")
        answer = client.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 499 ")
    assert '"CANCELLED"' in answer
    eventually(lambda: server.health()["queue"]["receiving"] == 0, "the place is free")
    assert server.spooled() == []


def test_cancelling_what_is_not_there_is_no_mistake(server: Server) -> None:
    assert not cancel(server, "never-seen")


def test_a_client_that_leaves_frees_the_worker(server: Server) -> None:
    before = server.metric('whisperx_jobs_total{outcome="cancelled"}')
    with server.open(PCM, BUSY) as job:
        job.until("progress", phase="transcribing")
    eventually(lambda: server.metric('whisperx_jobs_total{outcome="cancelled"}') == before + 1, "the job is cancelled")
    assert server.result(PCM)["text"] == "alpha bravo"


def test_a_waiting_client_that_leaves_gives_its_place_back(server: Server) -> None:
    with server.open(PCM, BUSY) as running:
        running.until("progress", phase="transcribing")
        with server.open(PCM) as waiting:
            waiting.until("progress", phase="queued")
        eventually(lambda: server.health()["queue"]["waiting"] == 0, "the place is free")
        assert server.health()["queue"]["running"] == 1


def test_a_client_that_wants_json_and_leaves_frees_the_worker(server: Server) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.post, PCM, BUSY, accept="application/json", x_request_id="json")
        eventually(lambda: server.health()["queue"]["running"] == 1, "the job runs")
        assert cancel(server, "json")
        assert answer.result().status_code == 499


def test_a_client_that_wants_json_and_hangs_up_frees_the_worker(server: Server) -> None:
    before = server.metric('whisperx_jobs_total{outcome="cancelled"}')
    head = (
        f"POST /v1/transcribe?options={quote(json.dumps(BUSY))} HTTP/1.1\r\nHost: test\r\nAccept: application/json\r\n"
        f"Content-Type: audio/pcm\r\nContent-Length: {len(PCM)}\r\n\r\n"
    )
    with socket.create_connection((server.client.base_url.host, server.client.base_url.port or 0), 10) as connection:
        connection.sendall(head.encode() + PCM)
        eventually(lambda: server.health()["queue"]["running"] == 1, "the job runs")
    eventually(lambda: server.metric('whisperx_jobs_total{outcome="cancelled"}') == before + 1, "the job is cancelled")


def test_a_client_that_leaves_while_sending_leaves_nothing(start: StartServer) -> None:
    server = start(QUEUE_CAPACITY="0")
    address = (server.client.base_url.host, server.client.base_url.port or 0)
    with socket.create_connection(address, 10) as connection:
        connection.sendall(
            b"POST /v1/transcribe HTTP/1.1\r\nHost: test\r\nContent-Length: 99\r\nContent-Type: audio/pcm\r\n\r\nab"
        )
        eventually(lambda: server.health()["queue"]["receiving"] == 1, "the body is being read")
    eventually(lambda: server.health()["queue"]["receiving"] == 0, "the place is free")
    eventually(lambda: server.spooled() == [], "the spool is empty")


def test_a_request_says_how_long_it_waits(server: Server) -> None:
    error = server.error(PCM, BUSY | {"timeout_s": 0.3})
    assert error["code"] == "TIMEOUT"
    assert error["retryable"] is True


def test_no_job_works_longer_than_the_server_allows(start: StartServer) -> None:
    server = start(JOB_TIMEOUT_S="0.3")
    assert server.error(PCM, BUSY)["code"] == "TIMEOUT"
    assert server.result(PCM)["text"] == "alpha bravo"
