"""What a filter sees of a problem: the answers, and nothing that tells which is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from langdistill.records import Verdict


class Judged(Protocol):
    """The candidate answers of a problem and of its perturbed versions; `None` where a candidate holds no answer."""

    @property
    def problem(self) -> str:
        """Id of the problem."""
        ...

    @property
    def answers(self) -> Sequence[str | None]:
        """Candidate answers to the original question."""
        ...

    def variant_answers(self, perturbation: str) -> Sequence[str | None] | None:
        """Candidate answers to the question as a perturbation changed it; `None` where it was not asked."""
        ...


class Filter(Protocol):
    """Keeps a problem, drops it, or says that it cannot judge (`keep` is `None`)."""

    @property
    def name(self) -> str:
        """The function and file that it is found by."""
        ...

    @property
    def params(self) -> dict[str, Any]:
        """Its thresholds, as they go into a manifest."""
        ...

    def __call__(self, group: Judged) -> Verdict:
        """What it says of one problem, with a reason."""
        ...
