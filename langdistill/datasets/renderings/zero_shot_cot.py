"""The question, and the reasoning with the answer: plain chain-of-thought fine-tuning (Ho et al., 2212.10071)."""

from __future__ import annotations

from dataclasses import replace

from langdistill.datasets.renderings.four_formats import FourFormats, four_formats
from langdistill.datasets.renderings.wording import Wording


def zero_shot_cot(*, cot: str = Wording.cot, solution: str = Wording.solution) -> FourFormats:
    """Write every example as one row of the style "zero_shot_cot".

    Args:
        cot: prompt with the place ``{question}``.
        solution: target with the places ``{reasoning}`` and ``{answer}``.

    Raises:
        PromptError: a template has other places.
    """
    return replace(four_formats("zero_shot_cot", cot=cot, solution=solution), name="zero_shot_cot")
