"""What to try next when the speech model runs out of memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from whisperx_server.stages import TranscriberSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

SMALLER: Final[Mapping[str, str]] = {
    "float32": "int8_float32",
    "float16": "int8_float16",
    "bfloat16": "int8_bfloat16",
}
"""Arithmetic that needs about half the memory and gives nearly the same text."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to run the speech model."""

    spec: TranscriberSpec
    batch_size: int
    alone: bool = False
    """Every other model was dropped first."""

    def below(self, *, loaded: bool) -> Rung | None:
        """The next smaller way, or None at the end.

        Args:
            loaded: whether the model itself fitted; where it did not, a smaller batch would not help.
        """
        if not self.alone:
            return replace(self, alone=True)
        if loaded and self.batch_size > 1:
            return replace(self, batch_size=self.batch_size // 2)
        smaller = SMALLER.get(self.spec.compute_type)
        if smaller is None:
            return None
        return Rung(TranscriberSpec(self.spec.model, smaller), batch_size=1)
