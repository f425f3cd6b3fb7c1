"""How much GPU memory speech models take."""

from __future__ import annotations

from typing import Final

# Megabytes in float16 with a beam of 5 and batches of 8, from measurements of faster-whisper and of services that run
# whisperx. They differ by counter and card; these are the larger ones.
_FLOAT16_MB: Final = (
    ("large-v3-turbo", 2900),
    ("turbo", 2900),
    ("distil-large", 2900),
    ("distil-medium", 1700),
    ("distil-small", 1000),
    ("large", 6100),
    ("medium", 3300),
    ("small", 1500),
    ("base", 700),
    ("tiny", 500),
)

_FACTORS: Final = {"float32": 1.9, "float16": 1.0, "bfloat16": 1.0}
_INT8_FACTOR: Final = 0.7


def memory_need_mb(model: str, compute_type: str) -> int | None:
    """The need of a model by its name, or None where the name says nothing."""
    size = next((megabytes for name, megabytes in _FLOAT16_MB if name in model), None)
    return None if size is None else round(size * _FACTORS.get(compute_type, _INT8_FACTOR))
