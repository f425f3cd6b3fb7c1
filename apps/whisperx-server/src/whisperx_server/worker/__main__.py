"""The worker process: `python -m whisperx_server.worker FD`, started by the front process alone."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from whisperx_server.errors import Code
from whisperx_server.log import set_up_logging
from whisperx_server.protocol import (
    Description,
    Done,
    Failed,
    HeldModel,
    Holds,
    Load,
    Ready,
    Spent,
    Transcribe,
    Unload,
)
from whisperx_server.stage_sets import create_stages
from whisperx_server.stages import CancelledError, StageSettings, TranscriberSpec
from whisperx_server.worker.failures import MemoryShortError, PipelineError, guard, log_failure
from whisperx_server.worker.link import Link
from whisperx_server.worker.model_cache import ModelCache
from whisperx_server.worker.parent import die_with_parent
from whisperx_server.worker.pipeline import Pipeline, read_samples
from whisperx_server.worker.progress import JobWatch
from whisperx_server.worker.transcribing import PipelineDefaults

if TYPE_CHECKING:
    from pydantic import JsonValue

    from whisperx_server.protocol import Start, Work
    from whisperx_server.stages import StageDescription

logger = logging.getLogger(__name__)


class Worker:
    """Does one command after the other."""

    def __init__(self, link: Link, start: Start) -> None:
        """Makes the stages and says what they can do; nothing is loaded yet."""
        self._link = link
        settings = StageSettings(
            start.device,
            start.device_index,
            start.hf_token,
            start.threads,
            start.own_models,
            start.align_models,
            start.diarization_model,
        )
        stages = create_stages(start.stages, settings)
        description = stages.describe()
        compute_type = start.compute_type
        self._defaults = PipelineDefaults(
            compute_type=description.default_compute_type if compute_type == "default" else compute_type,
            batch_size=start.batch_size,
            max_batch_size=start.max_batch_size,
        )
        self._cache = ModelCache(stages, start.model_idle_s, self._tell_holds)
        self._pipeline = Pipeline(self._cache, self._defaults, link.send, link.is_cancelled)
        self._used = False
        link.send(Ready(description=_as_message(description)))

    def run(self) -> None:
        """Works until the front goes away."""
        while True:
            work = self._link.next_work(self._cache.seconds_until_idle())
            if work is not None:
                self._do(work)
                continue
            self._cache.drop_idle()
            if self._used and not self._cache.held():
                # The device's context stays with the process; only a new one is rid of it.
                self._used = False
                self._link.send(Spent())

    def _do(self, work: Work) -> None:
        began = self._cache.now()
        self._used = True
        try:
            outcome: Done | Failed = self._outcome(work)
        except CancelledError:
            outcome = Failed(id=work.id, code=Code.CANCELLED, message="The request was cancelled.")
        except PipelineError as error:
            outcome = Failed(id=work.id, code=error.code, message=error.message, phase=error.phase, fatal=error.fatal)
        except Exception as error:  # noqa: BLE001 one job's surprise must not end the next one's worker
            log_failure("a command failed", error)
            outcome = Failed(id=work.id, code=Code.INTERNAL, message="The server's log says where it failed.")
        self._cache.touch(began)
        if isinstance(outcome, Failed):
            # What was broken off may have left memory behind that nobody refers to.
            self._cache.collect()
        self._link.send(outcome)
        if isinstance(outcome, Failed) and outcome.fatal:
            os._exit(1)

    def _outcome(self, work: Work) -> Done:
        match work:
            case Transcribe():
                result, timings_ms = self._pipeline.run(work, read_samples(Path(work.pcm_path)))
                return Done(id=work.id, result=cast("dict[str, JsonValue]", result), timings_ms=timings_ms)
            case Load():
                self._load(work)
            case Unload():
                self._cache.drop([key for key in self._cache.held() if key[:2] == ("transcriber", work.model)])
        return Done(id=work.id)

    def _load(self, work: Load) -> None:
        link = self._link
        watch = JobWatch(work.id, ["loading"], link.send, lambda: link.is_cancelled(work.id))
        spec = TranscriberSpec(work.model, self._defaults.compute_type)
        try:
            guard(lambda: self._cache.transcriber(spec, watch))
        except MemoryShortError as error:
            message = "The device has too little memory for this model."
            raise PipelineError(Code.GPU_OOM, message, phase="loading") from error

    def _tell_holds(self) -> None:
        keys = self._cache.held()
        self._link.send(
            Holds(
                models=[HeldModel(model=key[1], compute_type=key[2]) for key in keys if key[0] == "transcriber"],
                align=[key[1] for key in keys if key[0] == "aligner"],
                diarization=("diarizer",) in keys,
            )
        )


def _as_message(description: StageDescription) -> Description:
    return Description(
        device=description.device,
        models=list(description.models),
        languages=list(description.languages),
        align_languages=list(description.align_languages),
        default_compute_type=description.default_compute_type,
        compute_types=list(description.compute_types),
        diarization_unavailable=description.diarization_unavailable,
        versions=dict(description.versions),
    )


def main() -> None:
    """Connects to the front and works for it."""
    # The front decides when to stop; a Ctrl-C of the terminal reaches it and not this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    # Standard output belongs to nobody here: what libraries print there goes to the log.
    os.dup2(2, 1)
    set_up_logging(os.environ.get("LOG_LEVEL") or "info")
    link = Link(socket.socket(fileno=int(sys.argv[1])))
    try:
        worker = Worker(link, link.receive_start())
    except Exception:
        # Nothing was transcribed yet that a message could quote.
        logger.exception("the speech library cannot be used")
        os._exit(1)
    try:
        worker.run()
    except Exception as error:  # noqa: BLE001 the last thing this process does
        log_failure("the worker ends", error)
        os._exit(1)


main()
