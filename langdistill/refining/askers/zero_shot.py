"""A large model as asker, without training: it writes the sub-questions and judges the answer by them."""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from langdistill.asking import chat_model, without_tools
from langdistill.refining.doubting import ModelAsker

PROMPT = """\
Question: {question}

Proposed answer:
{reply}

Write the sub-questions, one a line, that a right solution must answer. Then check the proposed answer against each. End with one line \
that reads "Refine: yes" if the proposed answer is wrong, or "Refine: no" if it is right."""
"""Places: the question and the answer. Own wording."""


def zero_shot(model: str | BaseChatModel, template: str = PROMPT) -> ModelAsker:
    """An asker that is asked in words. Where the model tells log-probabilities its decision is a probability, else yes or no.

    Args:
        model: a chat model or its string.
        template: with the places ``{question}`` and ``{reply}``.

    Raises:
        PromptError: the template has other places.
    """
    return ModelAsker("zero_shot", without_tools(chat_model(model)), template)
