"""The paper's asker: a small model that was trained to write the sub-questions and then its decision (2311.07961, section 3.2)."""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from langdistill.asking import chat_model, without_tools
from langdistill.refining.doubting import ModelAsker

PROMPT = "Question: {question}\nAnswer: {reply}\nWhich sub-questions must be answered, and is the answer to be refined?"
"""Places: the question and the answer; what such a model is trained on and asked by."""


def trained(model: str | BaseChatModel, template: str = PROMPT) -> ModelAsker:
    """An asker of one's own, such as "local:students/asker".

    Args:
        model: a chat model or its string.
        template: with the places ``{question}`` and ``{reply}``; the one that it was trained by.

    Raises:
        PromptError: the template has other places.
    """
    return ModelAsker("trained", without_tools(chat_model(model)), template)
