from __future__ import annotations

import asyncio
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from whisperx_server.errors import TREATMENTS, Code, ServiceError
from whisperx_server.front.job_queue import JobQueue
from whisperx_server.front.outbox import MAX_WARNINGS, Outbox
from whisperx_server.front.responses import JobResponse, form_of
from whisperx_server.front.service import hello
from whisperx_server.front.stop import Stop
from whisperx_server.front.worker_process import WorkerProcess
from whisperx_server.options import JobOptions
from whisperx_server.protocol import Load
from whisperx_server.settings import Settings, SettingsError, read_settings

if TYPE_CHECKING:
    from starlette.types import Message

    from whisperx_server.front.job import Job

LATE = ServiceError(Code.TIMEOUT, "late")


async def drained(outbox: Outbox) -> list[dict[str, Any]]:
    return [event async for event in outbox.events(60)]


def test_progress_that_nobody_read_is_replaced_and_nothing_else_is_lost() -> None:
    async def scenario() -> list[dict[str, Any]]:
        outbox = Outbox()
        outbox.put("accepted")
        for percent in range(100):
            outbox.progress(phase="transcribing", percent=float(percent), overall=float(percent))
        outbox.warn("A", "a")
        outbox.progress(phase="transcribing", percent=None, overall=3.0)
        outbox.progress(phase="aligning", percent=None, overall=4.0)
        outbox.end("result")
        outbox.end("error")
        outbox.progress(phase="aligning", percent=5.0, overall=5.0)
        return await drained(outbox)

    events = asyncio.run(scenario())
    kinds = [event["type"] for event in events]
    assert kinds == ["accepted", "progress", "warning", "progress", "progress", "result"]
    assert [event["overall"] for event in events if event["type"] == "progress"] == [99, 99, 99]
    assert events[3]["percent"] is None
    assert [event["seq"] for event in events] == list(range(6))


def test_a_flood_of_warnings_is_cut_off() -> None:
    async def scenario() -> list[dict[str, Any]]:
        outbox = Outbox()
        for _ in range(1000):
            outbox.warn("A", "a")
        outbox.end("result")
        return await drained(outbox)

    assert len(asyncio.run(scenario())) == MAX_WARNINGS + 1


def test_a_reader_that_takes_nothing_is_taken_for_gone() -> None:
    class Stalled:
        request_id = "stalled"

        def __init__(self) -> None:
            self.outbox = Outbox()
            self.stop = Stop()

    async def scenario() -> ServiceError | None:
        job = Stalled()
        job.outbox.put("accepted")
        never = asyncio.Event()

        async def receive() -> Message:
            await never.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                await never.wait()

        response = JobResponse(cast("Job", job), "application/x-ndjson", heartbeat_s=60, send_timeout_s=0.05)
        await response({"type": "http"}, receive, send)
        return job.stop.reason

    reason = asyncio.run(scenario())
    assert reason is not None
    assert reason.code == Code.CANCELLED


def test_work_that_is_stopped_is_broken_off_with_the_first_reason() -> None:
    async def scenario() -> bool:
        stop = Stop()
        broken_off = asyncio.Event()

        async def work() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                broken_off.set()

        asyncio.get_running_loop().call_soon(stop.call, LATE)
        asyncio.get_running_loop().call_soon(stop.call, ServiceError(Code.CANCELLED, "later"))
        with pytest.raises(ServiceError) as caught:
            await stop.unless(work())
        assert caught.value is LATE
        return broken_off.is_set()

    assert asyncio.run(scenario())


def test_places_are_given_in_order_and_given_back_once() -> None:
    async def scenario() -> None:
        queue = JobQueue(capacity=2)
        first, second, third = queue.admit(), queue.admit(), queue.admit()
        with pytest.raises(ServiceError):
            queue.admit()
        # The line is that of complete bodies.
        third.join()
        positions: list[int] = []
        second.on_position = positions.append
        second.join()
        await third.turn()
        first.leave()
        first.leave()
        assert (queue.running, queue.waiting, queue.receiving) == (1, 1, 0)
        third.leave()
        await second.turn()
        assert positions == [1]
        second.leave()
        assert (queue.running, queue.waiting, queue.receiving) == (0, 0, 0)

    asyncio.run(scenario())


def test_a_command_waits_for_a_worker_until_it_is_stopped() -> None:
    async def scenario() -> None:
        worker = WorkerProcess(hello(read_settings({})), start_timeout_s=60, cancel_grace_s=1)
        stop = Stop()
        asyncio.get_running_loop().call_later(0.01, stop.call, LATE)
        with pytest.raises(ServiceError) as caught:
            await worker.execute(Load(id=1, model="base"), stop, lambda _report: None)
        assert caught.value is LATE

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "application/x-ndjson"),
        ("*/*", "application/x-ndjson"),
        ("text/event-stream", "text/event-stream"),
        ("application/json, text/plain, */*", "application/json"),
        ("text/html, application/json;q=0.9", "application/json"),
    ],
)
def test_the_first_form_that_is_offered_is_taken(accept: str, form: str) -> None:
    assert form_of(accept) == form


def test_every_code_has_its_treatment() -> None:
    assert set(TREATMENTS) == set(Code)


def test_empty_variables_count_as_unset_and_secrets_do_not_show() -> None:
    settings = read_settings({"PORT": "", "API_KEY": "s3cret", "HF_TOKEN": "hf_s3cret"})
    assert settings.port == 9000
    assert "s3cret" not in repr(settings)
    with pytest.raises(SettingsError) as caught:
        read_settings({"BATCH_SIZE": "s3cret"})
    assert "s3cret" not in str(caught.value)


def test_the_readme_names_every_setting_code_and_option() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    names = (
        [each.name.upper() for each in fields(Settings)] + [code.value for code in Code] + [*JobOptions.model_fields]
    )
    assert [name for name in names if f"`{name}`" not in readme] == []
