"""Keep a problem whose answer survives a change that must not matter (Yu et al., 2407.06023, section 3: consistency under
input perturbation)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random


def unchanged(answer: str) -> str:
    """The inverse map of a perturbation that leaves the answer as it is."""
    return answer


@dataclass(frozen=True)
class Perturbation:
    """A family of changes to a question that leave its meaning alone."""

    name: str
    """Goes into `Problem.perturbation` and the trace's metadata: "reworded", "swapped"."""
    apply: Callable[[str, Random], str]
    """The question, changed; the same question and generator state give the same change."""
    invert: Callable[[str], str] = unchanged
    """Maps an answer to the changed question back to one of the original: "A" to "B" where responses were swapped."""
