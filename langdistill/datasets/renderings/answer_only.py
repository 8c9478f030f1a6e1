"""The question, and the answer alone: the control of every chain-of-thought fine-tuning.

It is no straw man: on some tasks it is better than the reasoning (Ho et al., 2212.10071: StrategyQA, CommonsenseQA).
"""

from __future__ import annotations

from dataclasses import replace

from langdistill.datasets.renderings.four_formats import FourFormats, four_formats
from langdistill.datasets.renderings.wording import Wording


def answer_only(*, direct: str = Wording.direct, label: str = Wording.label) -> FourFormats:
    """Write every example as one row of the style "zero_shot_answer".

    Args:
        direct: prompt with the place ``{question}``.
        label: target with the place ``{answer}``.

    Raises:
        PromptError: a template has other places.
    """
    return replace(four_formats("zero_shot_answer", direct=direct, label=label), name="answer_only")
