"""The paper's asker: a small model that was trained to write the sub-questions and then its decision (2311.07961, section 3.2)."""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from langdistill.asking import chat_model, without_tools
from langdistill.prompts import DOUBT
from langdistill.refining.doubting import ModelAsker


def trained(model: str | BaseChatModel, template: str = DOUBT) -> ModelAsker:
    """An asker of one's own, such as "local:students/asker".

    Args:
        model: a chat model or its string.
        template: with the places ``{question}`` and ``{reply}``; the one that it was trained by.

    Raises:
        PromptError: the template has other places.
    """
    return ModelAsker("trained", without_tools(chat_model(model)), template)
