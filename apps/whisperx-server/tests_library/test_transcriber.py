"""Transcribing with the real pipeline."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from recording_watch import Watch, options

from whisperx_server.stages import (
    CancelledError,
    DeviceLostError,
    LanguageNotSpokenError,
    ModelLoadError,
    ModelNotFoundError,
    OutOfMemoryError,
    StageSettings,
    TranscriberSpec,
    Transcription,
)

if TYPE_CHECKING:
    from pathlib import Path

    from whisperx_server.stages import Samples, Stages, Transcriber


def texts(transcription: Transcription) -> list[str]:
    return [segment.text for segment in transcription.segments]


def record_prompts(transcriber: Transcriber, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is put before each text that the model writes, special tokens included."""
    model = transcriber._pipeline.model
    prompts: list[str] = []
    get_prompt = model.get_prompt

    def recording(*args: object, **kwargs: object) -> list[int]:
        tokens = get_prompt(*args, **kwargs)
        prompts.append(model.hf_tokenizer.decode(tokens, skip_special_tokens=False))
        return tokens

    monkeypatch.setattr(model, "get_prompt", recording)
    return prompts


class Failing:
    """A model that fails after so many batches."""

    def __init__(self, transcriber: Transcriber, monkeypatch: pytest.MonkeyPatch, error: Exception, after: int) -> None:
        generate = transcriber._pipeline.model.generate_segment_batched
        self.calls = 0

        def failing(*args: object, **kwargs: object) -> object:
            self.calls += 1
            if self.calls > after:
                raise error
            return generate(*args, **kwargs)

        monkeypatch.setattr(transcriber._pipeline.model, "generate_segment_batched", failing)


def test_gives_segments_in_order_within_the_audio(transcriber: Transcriber, speech: Samples) -> None:
    segments = transcriber.transcribe(speech, options(), Watch()).segments
    assert len(segments) >= 3
    assert all(segment.text == segment.text.strip() != "" for segment in segments)
    assert all(0 <= segment.start < segment.end <= speech.size / 16_000 for segment in segments)
    assert all(before.end <= after.start for before, after in itertools.pairwise(segments))
    assert all(segment.end - segment.start <= 5.5 for segment in segments)
    assert all(segment.avg_logprob is not None and segment.avg_logprob < 0 for segment in segments)


def test_says_what_the_library_says_itself(transcriber: Transcriber, models: Path, speech: Samples) -> None:
    import whisperx

    pipeline = whisperx.load_model(
        str(models / "whisper"), "cpu", compute_type="float32", threads=1, asr_options={"beam_size": 2}
    )
    expected = pipeline.transcribe(speech, batch_size=2, language="en", chunk_size=5)["segments"]
    ours = transcriber.transcribe(speech, options(), Watch()).segments
    assert [segment.text for segment in ours] == [segment["text"].strip() for segment in expected]
    assert [round(segment.start, 3) for segment in ours] == [segment["start"] for segment in expected]
    assert [segment.avg_logprob for segment in ours] == pytest.approx([each["avg_logprob"] for each in expected])


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_says_the_same_in_batches_of_any_size(transcriber: Transcriber, speech: Samples, batch_size: int) -> None:
    expected = transcriber.transcribe(speech, options(), Watch())
    assert texts(transcriber.transcribe(speech, options(batch_size=batch_size), Watch())) == texts(expected)


def test_reports_progress_evenly_up_to_the_end(transcriber: Transcriber, speech: Samples) -> None:
    watch = Watch()
    transcriber.transcribe(speech, options(batch_size=1), watch)
    assert watch.values == sorted(watch.values)
    assert watch.values[-1] == 100
    assert len([value for value in watch.values if value > 10]) >= 3


@pytest.mark.parametrize("compute_type", ["default", "int8", "int8_float32"])
def test_works_in_other_arithmetic(stages: Stages, speech: Samples, compute_type: str) -> None:
    transcriber = stages.load_transcriber(TranscriberSpec("whisper", compute_type), Watch())
    assert transcriber.transcribe(speech, options(), Watch()).segments
    transcriber.close()


def test_detects_the_language_in_speech_and_says_how_likely_it_is(transcriber: Transcriber, speech: Samples) -> None:
    found = transcriber.transcribe(speech, options(language=None), Watch())
    assert found.language_probability is not None
    assert 0 < found.language_probability <= 1
    # What comes before the speech must not have a say.
    hum = 0.001 * np.sin(np.arange(35 * 16_000, dtype=np.float32) / 30)
    later = transcriber.transcribe(np.concatenate([hum, speech]), options(language=None), Watch())
    assert later.language == found.language


def test_takes_the_language_of_the_request(
    transcriber: Transcriber, speech: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = record_prompts(transcriber, monkeypatch)
    found = transcriber.transcribe(speech, options(language="de"), Watch())
    assert (found.language, found.language_probability) == ("de", None)
    assert set(prompts) == {"<|startoftranscript|><|de|><|transcribe|><|notimestamps|>"}


def test_translates(transcriber: Transcriber, speech: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = record_prompts(transcriber, monkeypatch)
    found = transcriber.transcribe(speech, options(language="fr", task="translate"), Watch())
    assert found.language == "fr"
    assert set(prompts) == {"<|startoftranscript|><|fr|><|translate|><|notimestamps|>"}


@pytest.mark.parametrize(("model", "language"), [("few-languages", "yue"), ("english", "de"), ("whisper", "xx")])
def test_refuses_a_language_that_the_model_does_not_know(
    stages: Stages, speech: Samples, model: str, language: str
) -> None:
    transcriber = stages.load_transcriber(TranscriberSpec(model, "float32"), Watch())
    with pytest.raises(LanguageNotSpokenError):
        transcriber.transcribe(speech, options(language=language), Watch())
    transcriber.close()


@pytest.mark.parametrize("language", ["en", None])
def test_takes_a_model_for_english_alone(stages: Stages, speech: Samples, language: str | None) -> None:
    transcriber = stages.load_transcriber(TranscriberSpec("english", "float32"), Watch())
    found = transcriber.transcribe(speech, options(language=language), Watch())
    assert (found.language, found.language_probability) == ("en", None)
    assert found.segments
    transcriber.close()


@pytest.mark.parametrize("seconds", [0, 0.01, 12])
def test_finds_no_segments_where_nobody_speaks(transcriber: Transcriber, seconds: float) -> None:
    silence = np.zeros(int(seconds * 16_000), dtype=np.float32)
    assert transcriber.transcribe(silence, options(), Watch()).segments == []
    assert transcriber.transcribe(silence, options(language=None), Watch()).segments == []


def test_finds_less_speech_with_a_higher_onset(transcriber: Transcriber, speech: Samples) -> None:
    def spoken(**thresholds: float) -> float:
        segments = transcriber.transcribe(speech, options(**thresholds), Watch()).segments
        return sum(segment.end - segment.start for segment in segments)

    assert spoken(vad_onset=0.999, vad_offset=0.99) < spoken() <= spoken(vad_onset=0.1, vad_offset=0.05)


def test_passes_prompt_and_hotwords(transcriber: Transcriber, speech: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = texts(transcriber.transcribe(speech, options(), Watch()))
    prompts = record_prompts(transcriber, monkeypatch)
    wishes = options(initial_prompt="We speak.", hotwords="rivers hills")
    assert texts(transcriber.transcribe(speech, wishes, Watch())) != plain
    before = "<|startofprev|> rivers hills We speak."
    assert set(prompts) == {f"{before}<|startoftranscript|><|en|><|transcribe|><|notimestamps|>"}


def test_fits_long_prompts_into_the_room_for_them(
    transcriber: Transcriber, speech: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = record_prompts(transcriber, monkeypatch)
    wishes = options(initial_prompt="old " * 500 + "new", hotwords="first, " + "later, " * 500)
    assert transcriber.transcribe(speech, wishes, Watch()).segments
    assert prompts[0].startswith("<|startofprev|> first, later,")
    assert "new<|startoftranscript|>" in prompts[0]


def test_takes_marks_of_the_model_in_a_prompt_for_nothing(
    transcriber: Transcriber, speech: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = record_prompts(transcriber, monkeypatch)
    wishes = options(initial_prompt="one <|endoftext|> two", hotwords="<|de|><|translate|>")
    transcriber.transcribe(speech, wishes, Watch())
    assert prompts[0].startswith("<|startofprev|> one two<|startoftranscript|><|en|><|transcribe|>")


def test_leaves_numerals_out_when_asked_to(transcriber: Transcriber, speech: Samples) -> None:
    assert any(any(map(str.isdigit, text)) for text in texts(transcriber.transcribe(speech, options(), Watch())))
    without = texts(transcriber.transcribe(speech, options(suppress_numerals=True), Watch()))
    assert without
    assert not any(char.isdigit() for text in without for char in text)
    assert any(any(map(str.isdigit, text)) for text in texts(transcriber.transcribe(speech, options(), Watch())))


def test_stops_between_batches(transcriber: Transcriber, speech: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Failing(transcriber, monkeypatch, AssertionError(), after=100)
    with pytest.raises(CancelledError):
        transcriber.transcribe(speech, options(batch_size=1), Watch(cancel_at=20))
    assert counting.calls == 1


def test_stops_while_it_looks_for_speech(
    transcriber: Transcriber, speech: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Failing(transcriber, monkeypatch, AssertionError(), after=0)
    with pytest.raises(CancelledError):
        transcriber.transcribe(speech, options(), Watch(cancel_at=0))
    assert counting.calls == 0


ALL_WISHES = {
    "language": "de",
    "task": "translate",
    "beam_size": 1,
    "initial_prompt": "We speak.",
    "hotwords": "rivers hills",
    "suppress_numerals": True,
    "vad_onset": 0.9,
    "vad_offset": 0.8,
}


@pytest.mark.parametrize("end", ["done", "cancelled", "out of memory", "failed"])
def test_forgets_all_wishes_of_a_request(
    transcriber: Transcriber,
    fresh_transcriber: Transcriber,
    speech: Samples,
    monkeypatch: pytest.MonkeyPatch,
    end: str,
) -> None:
    expected = fresh_transcriber.transcribe(speech, options(language=None, beam_size=5), Watch())
    watch = Watch(cancel_at=20 if end == "cancelled" else None)
    error = {"out of memory": RuntimeError("CUDA failed with error out of memory"), "failed": KeyError("start")}.get(
        end
    )
    with monkeypatch.context() as patches:
        if error is not None:
            Failing(transcriber, patches, error, after=1)
        if end == "done":
            transcriber.transcribe(speech, options(batch_size=1, **ALL_WISHES), watch)
        else:
            with pytest.raises((CancelledError, OutOfMemoryError, KeyError)):
                transcriber.transcribe(speech, options(batch_size=1, **ALL_WISHES), watch)
    after = transcriber.transcribe(speech, options(language=None, beam_size=5), Watch())
    assert texts(after) == texts(expected)
    assert after.language == expected.language
    assert after.language_probability == pytest.approx(expected.language_probability)


def test_the_pipeline_alone_would_not_forget(models: Path, speech: Samples) -> None:
    """The fault that is worked around: when this fails the library is mended, and less is needed here."""
    import whisperx

    pipeline = whisperx.load_model(str(models / "whisper"), "cpu", compute_type="float32", threads=1)

    def broken_off(_percent: float) -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        pipeline.transcribe(speech, language="de", chunk_size=5, progress_callback=broken_off)
    assert pipeline.transcribe(speech, chunk_size=5)["language"] == "de"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("CUDA failed with error out of memory"), OutOfMemoryError),
        (MemoryError(), OutOfMemoryError),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), DeviceLostError),
    ],
)
def test_says_what_a_device_failure_means(
    transcriber: Transcriber,
    speech: Samples,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    expected: type[Exception],
) -> None:
    Failing(transcriber, monkeypatch, error, after=0)
    with pytest.raises(expected):
        transcriber.transcribe(speech, options(), Watch())


def test_knows_no_other_names_of_models(stages: Stages) -> None:
    with pytest.raises(ModelNotFoundError):
        stages.load_transcriber(TranscriberSpec("no-such-model", "default"), Watch())


def test_says_that_a_model_cannot_be_fetched(stages: Stages) -> None:
    with pytest.raises(ModelLoadError, match="not here and could not be fetched"):
        stages.load_transcriber(TranscriberSpec("tiny", "default"), Watch())


def test_says_that_a_device_cannot_compute_like_that(stages: Stages) -> None:
    with pytest.raises(ModelLoadError, match="compute type"):
        stages.load_transcriber(TranscriberSpec("whisper", "float16"), Watch())


def test_does_not_tell_where_a_model_lies(tmp_path: Path) -> None:
    from whisperx_server.whisperx_stages import create_stages

    (tmp_path / "secret-place").mkdir()
    own = create_stages(StageSettings(device="cpu", models={"mine": str(tmp_path / "secret-place")}))
    with pytest.raises(ModelLoadError) as caught:
        own.load_transcriber(TranscriberSpec("mine", "default"), Watch())
    assert "secret-place" not in str(caught.value)
