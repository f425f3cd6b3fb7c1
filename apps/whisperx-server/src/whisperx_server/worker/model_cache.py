"""The models in memory: found again, bounded in number, dropped when idle or when room is needed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from whisperx_server.stages import Aligner, Diarizer, Stages, Transcriber, TranscriberSpec, Watch

Key = tuple[str, ...]
"""The kind of model first."""

LIMITS: Final[Mapping[str, int]] = {"transcriber": 2, "aligner": 3, "diarizer": 1}


class Closable(Protocol):
    """Every kind of model."""

    def close(self) -> None:
        """Drops what it holds."""


M = TypeVar("M", bound=Closable)


@dataclass(slots=True)
class _Entry:
    model: Closable
    used_at: float


class ModelCache:
    """Loads a model when it is first asked for and keeps it.

    One job at a time uses it, so nothing is pinned: what a job needs is what it asked for last.
    """

    def __init__(
        self,
        stages: Stages,
        idle_s: float,
        on_change: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stages = stages
        self._idle_s = idle_s
        self._on_change = on_change
        self._clock = clock
        self._entries: dict[Key, _Entry] = {}

    def transcriber(self, spec: TranscriberSpec, watch: Watch) -> Transcriber:
        """The speech model, loaded where it is not there yet."""
        key = transcriber_key(spec)
        if key not in self._entries:
            self._make_room(spec)
        return self._get(key, lambda: self._stages.load_transcriber(spec, watch), watch)

    def aligner(self, language: str, watch: Watch) -> Aligner:
        """The alignment model of that language."""
        return self._get(("aligner", language), lambda: self._stages.load_aligner(language, watch), watch)

    def diarizer(self, watch: Watch) -> Diarizer:
        """The model that tells speakers apart."""
        return self._get(("diarizer",), lambda: self._stages.load_diarizer(watch), watch)

    def held(self) -> list[Key]:
        """What is held, least recently used first."""
        return list(self._entries)

    def drop(self, keys: Iterable[Key]) -> None:
        """Unloads these and gives the memory back. In that order: memory that is still referred to cannot be freed."""
        dropped = [self._entries.pop(key) for key in list(keys) if key in self._entries]
        for entry in dropped:
            entry.model.close()
        if dropped:
            dropped.clear()
            self._stages.free_memory()
            self._on_change()

    def drop_all_but(self, kept: Key | None) -> None:
        """Makes all the room that there is."""
        self.drop([key for key in self._entries if key != kept])
        self.collect()

    def collect(self) -> None:
        """Gives back the memory that nothing refers to any more."""
        self._stages.free_memory()

    def drop_idle(self) -> None:
        """Unloads what nobody used for the idle time."""
        if self._idle_s > 0:
            limit = self._clock() - self._idle_s
            self.drop([key for key, entry in self._entries.items() if entry.used_at <= limit])

    def seconds_until_idle(self) -> float | None:
        """When `drop_idle` has work again; None for never."""
        if self._idle_s <= 0 or not self._entries:
            return None
        oldest = min(entry.used_at for entry in self._entries.values())
        return max(0.0, oldest + self._idle_s - self._clock())

    def touch(self, used_since: float) -> None:
        """A job that began then has ended: the idle time of what it used is counted from now."""
        now = self._clock()
        for entry in self._entries.values():
            if entry.used_at >= used_since:
                entry.used_at = now

    def now(self) -> float:
        """The time by which use is counted."""
        return self._clock()

    def _get(self, key: Key, load: Callable[[], M], watch: Watch) -> M:
        entry = self._entries.pop(key, None)
        if entry is None:
            same_kind = [other for other in self._entries if other[0] == key[0]]
            self.drop(same_kind[: max(0, len(same_kind) - LIMITS[key[0]] + 1)])
            watch.check()
            entry = _Entry(load(), 0)
            self._entries[key] = entry
            self._on_change()
        entry.used_at = self._clock()
        # The last one is the most recently used one.
        self._entries[key] = entry
        return cast("M", entry.model)

    def _make_room(self, spec: TranscriberSpec) -> None:
        """Drops the least recently used models until the device has what this one needs, where both can be told."""
        need = self._stages.memory_need_mb(spec)
        while need is not None and self._entries:
            free = self._stages.free_memory_mb()
            if free is None or free >= need:
                return
            self.drop([next(iter(self._entries))])


def transcriber_key(spec: TranscriberSpec) -> Key:
    """The key of a speech model."""
    return ("transcriber", spec.model, spec.compute_type)
