"""OpenAI's rows for preference fine-tuning: https://developers.openai.com/api/docs/guides/direct-preference-optimization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langdistill.datasets.formats.openai import OpenAI, offered, spoken, written
from langdistill.datasets.formats.unfit import Unfit
from langdistill.records import Example, Message


@dataclass(frozen=True)
class OpenAIPreference(OpenAI):
    """`input` (messages and tools), `preferred_output` and `non_preferred_output`, which are replies of one message."""

    def rows(self, example: Example) -> list[dict[str, Any]]:
        """One row.

        Raises:
            Unfit: as `OpenAI.rows`, and "no-rejected", "same-answers" or "not-one-reply".
        """
        if not example.rejected:
            raise Unfit("no-rejected")
        if example.rejected == example.target:
            raise Unfit("same-answers")
        if any([one["role"] for one in said] != ["assistant"] for said in (example.target, example.rejected)):
            raise Unfit("not-one-reply")
        asked: dict[str, Any] = {"messages": written(self, example.messages), **offered(self, example)}
        better, worse = written(self, example.target), written(self, example.rejected)
        return [{"input": asked, "preferred_output": better, "non_preferred_output": worse}]

    def read(self, row: dict[str, Any]) -> list[Message]:
        """The prompt and both replies."""
        return [*row["input"]["messages"], *row["preferred_output"], *row["non_preferred_output"]]

    def says(self, example: Example) -> list[list[Message]]:
        """The prompt and both replies, without the thinking where it is to be dropped."""
        return [spoken(self, [*example.messages, *example.target, *(example.rejected or ())])]


def openai_preference(*, drop_reasoning: bool = False, parallel_tool_calls: bool = True) -> OpenAIPreference:
    """Rows for OpenAI's preference fine-tuning.

    Args:
        drop_reasoning: leave thinking out; else an example with thinking is no row.
        parallel_tool_calls: what the rows say of their requests.
    """
    return OpenAIPreference(drop_reasoning, parallel_tool_calls)
