"""A process reward model as truster: a number for each step of a solution, and one of them all for the whole.

Source: Lightman et al. (2305.20050), who take the product of the steps' probabilities; the least of them does about as well there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from langchain_core.runnables import Runnable, RunnableLambda

from langdistill.answers.lines import lines
from langdistill.errors import ModelError
from langdistill.refining.trusters.ranker import Ranker

StepScorer = Callable[[dict[str, Any]], Sequence[float]] | Runnable[Any, Any]
"""From ``{"question": ..., "steps": [...]}`` to a number for each step, the higher the better."""


def process_reward(
    scorer: StepScorer,
    *,
    combine: Callable[[Sequence[float]], float] = min,
    split: Callable[[str], list[str]] = lines,
) -> Ranker:
    """Trust the answer whose steps are scored higher.

    Args:
        scorer: see `StepScorer`; of vLLM's and other servers' reward models, too.
        combine: the numbers of a solution into one: the least, by default; `math.prod` of probabilities.
        split: a reply into its steps: its lines, by default.
    """
    scoring: Runnable[Any, Any] = scorer if isinstance(scorer, Runnable) else RunnableLambda(scorer)
    told = RunnableLambda(partial(_asked, split=split)) | scoring
    return Ranker(RunnableLambda(partial(_checked, told=told, split=split, combine=combine)), name="process_reward")


def _asked(one: dict[str, str], *, split: Callable[[str], list[str]]) -> dict[str, Any]:
    return {"question": one["question"], "steps": split(one["reply"])}


def _checked(
    one: dict[str, str], *, told: Runnable[Any, Any], split: Callable[[str], list[str]], combine: Callable[..., float]
) -> float:
    steps, scores = split(one["reply"]), list(told.invoke(one))
    if not steps or len(scores) != len(steps):
        raise ModelError(
            f"The process reward model gave {len(scores)} numbers for {len(steps)} steps; it must give one for each, and there must be one."
        )
    return float(combine(scores))
