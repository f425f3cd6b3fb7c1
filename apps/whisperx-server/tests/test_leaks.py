from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import psutil

from running_server import eventually, script
from speech import speech, wav

if TYPE_CHECKING:
    from running_server import Server, StartServer

PCM = speech("alpha bravo charlie", "india papa")
MEGABYTE = 1 << 20


class Use(NamedTuple):
    """What a process holds."""

    memory: int
    handles: int
    threads: int


def use_of(process: psutil.Process) -> Use:
    return Use(process.memory_info().rss, process.num_fds(), process.num_threads())


def work(server: Server, jobs: int) -> None:
    """Jobs of every kind: such as succeed, fail, are decoded, are left."""

    def one(number: int) -> None:
        match number % 5:
            case 0:
                with server.open(PCM, script(do={"transcribing": "hang"})) as job:
                    job.until("accepted")
            case 1:
                server.error(PCM, script(fits_batch=0))
            case 2:
                answer = server.client.post("/v1/transcribe", files={"file": wav(PCM)})
                assert '"result"' in answer.text
            case 3:
                assert server.post(PCM, {"modle": 1}).status_code == 422
            case _:
                server.result(PCM, {"diarize": True})

    with ThreadPoolExecutor(4) as clients:
        list(clients.map(one, range(jobs)))
    eventually(lambda: server.health()["queue"]["running"] == 0, "the server is idle")
    server.reconnect()


def wait_for_handles(process: psutil.Process, limit: int) -> None:
    eventually(lambda: use_of(process).handles <= limit, "handles are closed")


def test_after_two_hundred_jobs_memory_and_handles_are_where_they_began(start: StartServer) -> None:
    server = start(HEARTBEAT_S="0.2")
    worker = server.worker()
    assert worker is not None
    processes = [psutil.Process(server.process.pid), worker]
    work(server, 50)
    server.health()
    before = [use_of(process) for process in processes]
    work(server, 200)
    for process, begin in zip(processes, before, strict=True):
        wait_for_handles(process, begin.handles)
        after = use_of(process)
        assert after.threads <= begin.threads + 4
        assert after.memory < begin.memory + 16 * MEGABYTE, (begin, after)
    assert server.worker() == worker
    assert server.spooled() == []


def test_the_samples_of_a_long_recording_do_not_outlive_its_job(start: StartServer) -> None:
    server = start()
    worker = server.worker()
    assert worker is not None
    server.result(PCM)
    begin = use_of(worker).memory
    # As numbers for the model, more than 80 megabytes.
    server.result(bytes(40 * MEGABYTE))
    eventually(lambda: use_of(worker).memory < begin + 20 * MEGABYTE, "the samples are gone")
