from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from running_server import error_of, result_of, script
from speech import silence, speech

if TYPE_CHECKING:
    from running_server import Server, StartServer

TWO_VOICES = speech("alpha bravo charlie", "india papa", "delta")


def test_ndjson_is_the_default_and_tells_everything_in_order(server: Server) -> None:
    answer = server.post(TWO_VOICES, {"diarize": True}, x_request_id="events-1")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["x-request-id"] == "events-1"
    events = [json.loads(line) for line in answer.text.splitlines()]
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert [event["t"] for event in events] == sorted(event["t"] for event in events)
    assert events[0]["type"] == "accepted"
    assert events[0]["request_id"] == "events-1"
    assert events[0]["model"] == "large-v3-turbo"
    assert events[0]["queue_position"] == 0
    kinds = [event["type"] for event in events]
    assert kinds.index("audio") < kinds.index("language") < kinds.index("result")
    assert kinds.count("result") + kinds.count("error") == 1
    assert kinds[-1] == "result"


def test_sse_carries_the_same_events(server: Server) -> None:
    answer = server.post(TWO_VOICES, accept="text/event-stream")
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    for name, data in blocks:
        assert name == f"event: {json.loads(data.removeprefix('data: '))['type']}"
    last = json.loads(blocks[-1][1].removeprefix("data: "))
    assert last["result"]["text"] == "alpha bravo charlie india papa delta"


def test_json_is_the_result_alone(server: Server) -> None:
    answer = server.post(TWO_VOICES, accept="application/json")
    assert answer.status_code == 200
    assert answer.json()["text"] == "alpha bravo charlie india papa delta"


def test_json_failures_have_their_status(server: Server) -> None:
    answer = server.post(TWO_VOICES, script(do={"transcribing": "oom"}), accept="application/json")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "GPU_OOM"
    assert answer.headers["retry-after"].isdecimal()


def test_an_answer_in_no_offered_form_is_refused(server: Server) -> None:
    answer = server.post(TWO_VOICES, accept="text/html")
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "INVALID_REQUEST"


def test_every_word_has_a_time(server: Server) -> None:
    result = server.result(TWO_VOICES)
    assert [segment["text"] for segment in result["segments"]] == ["alpha bravo charlie", "india papa", "delta"]
    assert result["segments"][0]["words"][1] == {"word": "bravo", "start": 0.76, "end": 1.06, "score": 0.9}
    assert all(segment["aligned"] for segment in result["segments"])
    assert result["duration_s"] == pytest.approx(len(TWO_VOICES) / 32_000, abs=0.001)
    assert result["language"] == "en"
    assert result["language_probability"] == 0.98


def test_words_that_alignment_misses_lie_between_their_neighbours(server: Server) -> None:
    result = server.result(TWO_VOICES, script(unaligned=["bravo"]))
    first, missed, last = result["segments"][0]["words"]
    assert missed["interpolated"] is True
    assert "score" not in missed
    assert "interpolated" not in first
    assert first["end"] <= missed["start"] < missed["end"] <= last["start"]


def test_a_segment_that_cannot_be_aligned_keeps_its_text(server: Server) -> None:
    events = server.events(TWO_VOICES, script(unaligned=["india", "papa"]))
    result = result_of(events)
    segment = result["segments"][1]
    assert segment["text"] == "india papa"
    assert segment["aligned"] is False
    assert [word["interpolated"] for word in segment["words"]] == [True, True]
    assert [warning["code"] for warning in result["warnings"]] == ["ALIGN_PARTIAL"]
    assert [event["code"] for event in events if event["type"] == "warning"] == ["ALIGN_PARTIAL"]


def test_without_alignment_there_are_no_words(server: Server) -> None:
    result = server.result(TWO_VOICES, {"align": False})
    assert all("words" not in segment for segment in result["segments"])


def test_speakers_are_numbered_as_they_are_heard(server: Server) -> None:
    result = server.result(TWO_VOICES, {"diarize": True, "speaker_embeddings": True})
    assert [segment["speaker"] for segment in result["segments"]] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00"]
    assert result["segments"][1]["words"][0]["speaker"] == "SPEAKER_01"
    assert [turn["speaker"] for turn in result["diarization"]] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00"]
    assert [speaker["label"] for speaker in result["speakers"]] == ["SPEAKER_00", "SPEAKER_01"]
    assert result["speakers"][0]["embedding"] == [0.25, 0.0]


def test_one_speaker_at_most_is_kept_to(server: Server) -> None:
    result = server.result(TWO_VOICES, {"diarize": True, "max_speakers": 1})
    assert {segment["speaker"] for segment in result["segments"]} == {"SPEAKER_00"}


def test_silence_is_an_empty_transcript(server: Server) -> None:
    result = server.result(silence(1500), {"diarize": True})
    assert result["segments"] == []
    assert result["text"] == ""
    assert [warning["code"] for warning in result["warnings"]] == ["NO_SPEECH"]


def test_a_translation_is_not_aligned_with_the_audio(server: Server) -> None:
    result = server.result(TWO_VOICES, {"model": "large-v3", "language": "de", "task": "translate"})
    assert result["task"] == "translate"
    assert result["language"] == "de"
    assert result["segments"][0]["text"] == "ALPHA BRAVO CHARLIE"
    assert all(word["interpolated"] for word in result["segments"][0]["words"])
    assert [warning["code"] for warning in result["warnings"]] == ["ALIGN_SKIPPED"]


def test_a_language_without_alignment_keeps_its_text(server: Server) -> None:
    result = server.result(TWO_VOICES, script(language="th", language_probability=0.3))
    assert result["text"].startswith("alpha")
    assert all(word["interpolated"] for segment in result["segments"] for word in segment["words"])
    codes = [warning["code"] for warning in result["warnings"]]
    assert codes == ["LOW_LANGUAGE_CONFIDENCE", "ALIGN_LANGUAGE_UNSUPPORTED"]


@pytest.mark.parametrize("deed", ["error", "oom"])
def test_the_text_outlives_a_failed_alignment(server: Server, deed: str) -> None:
    result = server.result(TWO_VOICES, script(do={"aligning": deed}))
    assert result["text"] == "alpha bravo charlie india papa delta"
    assert [warning["code"] for warning in result["warnings"]] == ["ALIGN_FAILED"]


@pytest.mark.parametrize(
    ("deed", "code"), [("error", "DIARIZATION_FAILED"), ("unavailable", "DIARIZATION_UNAVAILABLE")]
)
def test_the_text_outlives_a_failed_diarization(server: Server, deed: str, code: str) -> None:
    result = server.result(TWO_VOICES, {"diarize": True} | script(do={"diarizing": deed}))
    assert len(result["segments"]) == 3
    assert [warning["code"] for warning in result["warnings"]] == [code]


def test_a_failed_step_fails_the_job_where_that_is_wished(server: Server) -> None:
    error = server.error(TWO_VOICES, {"on_align_error": "fail"} | script(do={"aligning": "oom"}))
    assert error["code"] == "GPU_OOM"
    assert error["phase"] == "aligning"


def test_the_whole_never_falls_and_messages_are_few(server: Server) -> None:
    seconds = {"transcribing": 0.8, "aligning": 0.4, "diarizing": 0.4}
    events = server.events(TWO_VOICES, {"diarize": True} | script(seconds=seconds))
    progress = [event for event in events if event["type"] == "progress"]
    overall = [event["overall"] for event in progress]
    assert overall == sorted(overall)
    assert overall[-1] == 100
    transcribing = [event for event in progress if event["phase"] == "transcribing"]
    assert 2 <= len(transcribing) <= 6
    assert transcribing[-1]["percent"] == 100
    assert [event["phase"] for event in progress][-1] == "finalizing"


def test_silence_on_the_line_is_filled_with_heartbeats(start: StartServer) -> None:
    server = start(HEARTBEAT_S="0.1")
    events = server.events(TWO_VOICES, script(do={"transcribing": "hang"}) | {"timeout_s": 1})
    assert sum(event["type"] == "heartbeat" for event in events) >= 2
    assert error_of(events)["code"] == "TIMEOUT"


def test_logs_and_errors_say_nothing_of_what_was_said(server: Server) -> None:
    error = server.error(TWO_VOICES, script(do={"transcribing": "error"}))
    assert error["code"] == "INTERNAL"
    assert error["retryable"] is True
    assert "secret" not in json.dumps(error)
    assert "secret transcript" not in server.logged()
    assert "RuntimeError" in server.logged()
