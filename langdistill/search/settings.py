"""How a search is run: the paper's settings, those of its authors' code, and ours.

The two differ: who runs the authors' repository as it is does not get the paper's setting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from langdistill.errors import ModelError, UnknownName
from langdistill.search.actions import Grammar
from langdistill.search.merging import told_alike
from langdistill.votes import Stop, early_stopping, fixed

Score = Literal["product", "repo", "smoothed"]


@dataclass(frozen=True)
class Settings:
    """Of a search. Sampling parameters are the model's own but for the temperature."""

    rollouts: int = 32
    depth: int = 5
    """Most steps of a path; the paper takes 8 for MATH."""
    thoughts: int = 5
    """Children of a node by A1."""
    sub_questions: int = 5
    """Children of a node by A3."""
    last_votes: int = 32
    """Samples of an answer: the share of them that agree is a leaf's reward."""
    votes: int = 10
    """Samples of the answer to a sub-question that is not the last."""
    stop: Stop = fixed
    """When fewer samples of an answer are enough, as of `langdistill.votes`; the paper draws them all."""
    exploration: float = 2.0
    """c of UCT."""
    temperature: float | None = 0.8
    max_tokens: int | None = None
    """Most tokens of a reply, where the action allows more: for a model whose context is short."""
    at_once: int = 8
    """Rollouts under way together; 1 is the order of the authors."""
    enough: float | None = None
    """Stop once the leading answer has so large a share of all rewards, after two rollouts at least; and once no answer could
    catch up with it. `None`: run all rollouts."""
    prefixes: int = 1
    """Masked versions of a trace that the discriminator completes."""
    mask: tuple[float, float] = (0.2, 0.8)
    """Between which shares of a trace the cut lies."""
    agree: float = 0.5
    """Share of the completions that must come to the trace's answer."""
    score: Score = "product"
    """Of a verified trace: its reward x confidence ("product"); the sum of its answer's share of the verified rewards and the share of
    its answer's traces that are verified, as in the authors' code ("repo"); or its answer's rewards x the share of their completions that
    agree, smoothed to (k + 1) / (n + 2) ("smoothed"): a weak second model cannot outvote many traces then."""
    grammar: Grammar = field(default_factory=Grammar)
    alike: Callable[[str], str] = told_alike
    """What a step says, for those that say the same to be one node; ``str`` keeps all apart that differ in anything."""

    def __post_init__(self) -> None:
        counts = ("rollouts", "depth", "thoughts", "sub_questions", "last_votes", "votes", "at_once", "prefixes")
        refuse_below_one(**{name: getattr(self, name) for name in counts}, max_tokens=self.max_tokens)
        low, high = self.mask
        if not 0 <= low <= high <= 1:
            raise ModelError(f"mask={self.mask} is no range of shares; give two from 0 to 1, the smaller first.")


def refuse_below_one(**counts: int | None) -> None:
    """Fail at once where a search has nothing to do; `None` is no limit.

    Raises:
        ModelError: a count is below 1.
    """
    for name, count in counts.items():
        if count is not None and count < 1:
            raise ModelError(f"{name}={count} makes no search; give a number from 1 up.")


PAPER = Settings()
"""Qi et al., 2408.06195: 32 rollouts, depth 5, five children by A1 and A3, 32 and 10 votes, one cut between 20 and 80 %."""

REPO = Settings(rollouts=16, thoughts=3, sub_questions=3, prefixes=4, mask=(0.2, 0.5), at_once=1, score="repo")
"""What the authors' repository does as it is: 16 rollouts, three children, four cuts between 20 and 50 %, the sum as score."""

OURS = Settings(
    rollouts=16,
    thoughts=3,
    sub_questions=3,
    last_votes=8,
    votes=4,
    stop=early_stopping(2),
    at_once=4,
    prefixes=4,
    score="smoothed",
)
"""Fewer votes, two at a time until two agree, four rollouts together, four cuts, and all rewards of an answer with smoothed survival;
found on other problems of the scripted world than are measured (benchmarks/search.py). No early exit: the rollouts that it saves are
those that find what the leading answer overlooks, and the second model can only trust what was found."""

PRESETS = {"paper": PAPER, "repo": REPO, "ours": OURS}


def find_preset(preset: str | Settings) -> Settings:
    """The settings of that name, or those that are given.

    Raises:
        UnknownName: there is no such preset.
    """
    if isinstance(preset, Settings):
        return preset
    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    return PRESETS[preset]
