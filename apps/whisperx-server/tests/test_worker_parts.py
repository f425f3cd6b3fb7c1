from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from whisperx_server.scripted_stages import ScriptedStages
from whisperx_server.stages import CancelledError, OutOfMemoryError, TranscriberSpec
from whisperx_server.worker.failures import MemoryShortError, guard
from whisperx_server.worker.ladder import Rung
from whisperx_server.worker.model_cache import ModelCache
from whisperx_server.worker.progress import JobWatch, shares_of

if TYPE_CHECKING:
    from whisperx_server.protocol import Progress
    from whisperx_server.stages import Watch


class Clock:
    """A time that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Device(ScriptedStages):
    """Has room for so many speech models and counts what is loaded."""

    def __init__(self, room: int) -> None:
        super().__init__("cuda")
        self.room = room
        self.cache: ModelCache | None = None

    def free_memory_mb(self) -> int:
        held = 0 if self.cache is None else len(self.cache.held())
        return 1000 * (self.room - held)

    def memory_need_mb(self, spec: TranscriberSpec) -> int:
        assert spec.model
        return 1000


def watch() -> Watch:
    return JobWatch(1, ["loading", "transcribing"], lambda _progress: None, lambda: False)


def cache_of(stages: ScriptedStages, clock: Clock, idle_s: float = 60) -> ModelCache:
    return ModelCache(stages, idle_s, lambda: None, clock)


def names(cache: ModelCache) -> list[str]:
    return [key[1] if len(key) > 1 else key[0] for key in cache.held()]


def test_the_least_recently_used_model_makes_room() -> None:
    cache = cache_of(ScriptedStages("cpu"), Clock())
    first = cache.transcriber(TranscriberSpec("tiny", "int8"), watch())
    cache.transcriber(TranscriberSpec("base", "int8"), watch())
    assert cache.transcriber(TranscriberSpec("tiny", "int8"), watch()) is first
    cache.transcriber(TranscriberSpec("small", "int8"), watch())
    assert names(cache) == ["tiny", "small"]


def test_kinds_do_not_displace_each_other() -> None:
    cache = cache_of(ScriptedStages("cpu"), Clock())
    cache.transcriber(TranscriberSpec("tiny", "int8"), watch())
    for language in ("en", "de", "fr"):
        cache.aligner(language, watch())
    cache.diarizer(watch())
    assert names(cache) == ["tiny", "en", "de", "fr", "diarizer"]


def test_models_are_dropped_before_a_load_that_would_not_fit() -> None:
    device = Device(room=2)
    cache = device.cache = cache_of(device, Clock())
    cache.transcriber(TranscriberSpec("tiny", "int8"), watch())
    cache.aligner("en", watch())
    cache.transcriber(TranscriberSpec("base", "int8"), watch())
    assert names(cache) == ["en", "base"]


def test_idle_models_are_dropped_and_used_ones_kept() -> None:
    clock = Clock()
    cache = cache_of(ScriptedStages("cpu"), clock)
    cache.transcriber(TranscriberSpec("tiny", "int8"), watch())
    clock.now += 50
    cache.aligner("en", watch())
    assert cache.seconds_until_idle() == 10
    clock.now += 10
    cache.drop_idle()
    assert names(cache) == ["en"]


def test_idle_time_begins_at_the_end_of_a_job() -> None:
    clock = Clock()
    cache = cache_of(ScriptedStages("cpu"), clock)
    began = cache.now()
    cache.transcriber(TranscriberSpec("tiny", "int8"), watch())
    clock.now += 3600
    cache.touch(began)
    cache.drop_idle()
    assert names(cache) == ["tiny"]


def test_an_idle_time_of_zero_keeps_models() -> None:
    cache = cache_of(ScriptedStages("cpu"), Clock(), idle_s=0)
    cache.transcriber(TranscriberSpec("tiny", "int8"), watch())
    assert cache.seconds_until_idle() is None
    cache.drop_idle()
    assert names(cache) == ["tiny"]


def test_memory_is_given_back_after_the_models_are_dropped() -> None:
    stages = ScriptedStages("cpu")
    cache = cache_of(stages, Clock())
    cache.transcriber(TranscriberSpec("tiny", "int8"), watch())
    cache.drop_all_but(None)
    assert names(cache) == []
    assert stages.frees >= 1


def test_the_ladder_ends() -> None:
    rung: Rung | None = Rung(TranscriberSpec("base", "float16"), 8)
    seen = []
    while rung is not None:
        seen.append((rung.spec.compute_type, rung.batch_size, rung.alone))
        rung = rung.below(loaded=True)
    assert seen == [
        ("float16", 8, False),
        ("float16", 8, True),
        ("float16", 4, True),
        ("float16", 2, True),
        ("float16", 1, True),
        ("int8_float16", 1, False),
        ("int8_float16", 1, True),
    ]


def test_a_model_that_does_not_load_needs_no_smaller_batch() -> None:
    rung = Rung(TranscriberSpec("base", "bfloat16"), 8, alone=True).below(loaded=False)
    assert rung == Rung(TranscriberSpec("base", "int8_bfloat16"), 1)


@pytest.mark.parametrize("error", [OutOfMemoryError(), MemoryError()])
def test_memory_of_device_and_host_run_out_alike(error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(MemoryShortError):
        guard(fail)


def test_shares_fill_the_whole() -> None:
    assert shares_of(["loading", "transcribing"]) == {"loading": (0, 10), "transcribing": (10, 90)}
    begin, width = shares_of(["loading", "transcribing", "aligning", "diarizing"])["diarizing"]
    assert begin + width == pytest.approx(100)


def test_progress_is_sent_four_times_a_second_and_never_falls() -> None:
    clock, sent = Clock(), list["Progress"]()
    job = JobWatch(1, ["loading", "transcribing"], sent.append, lambda: False, clock)
    job.enter("transcribing")
    for step in range(1, 101):
        clock.now += 0.01
        job.progress(step)
    job.progress(float("nan"))
    job.progress(5)
    job.leave()
    assert len(sent) <= 7
    overall = [progress.overall for progress in sent]
    assert overall == sorted(overall)
    assert sent[-1].percent == 100


def test_a_cancel_shows_in_every_call() -> None:
    job = JobWatch(1, ["loading", "transcribing"], lambda _progress: None, lambda: True)
    for call in (job.check, lambda: job.progress(1), lambda: job.detail("x"), lambda: job.enter("transcribing")):
        with pytest.raises(CancelledError):
            call()
