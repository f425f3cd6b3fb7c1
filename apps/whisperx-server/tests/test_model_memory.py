"""How much memory a model needs."""

from __future__ import annotations

import pytest

from whisperx_server.whisperx_stages.model_memory import memory_need_mb


@pytest.mark.parametrize(
    ("small", "large"),
    [("tiny", "base"), ("base.en", "small"), ("small", "medium"), ("distil-large-v3", "large-v3"), ("turbo", "large")],
)
def test_larger_models_need_more(small: str, large: str) -> None:
    assert (memory_need_mb(small, "float16") or 0) < (memory_need_mb(large, "float16") or 0)


def test_shorter_numbers_need_less() -> None:
    needs = [memory_need_mb("large-v3", kind) or 0 for kind in ("int8_float16", "float16", "float32")]
    assert needs == sorted(needs)
    assert 0 < needs[0] < needs[2]


def test_knows_nothing_of_other_models() -> None:
    assert memory_need_mb("ward", "float16") is None
