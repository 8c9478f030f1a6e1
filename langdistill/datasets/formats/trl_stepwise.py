"""TRL's stepwise supervision rows, for process reward models: a question, the steps of an answer, and whether each is right.

These rows are plain text, so no chat is in them. TRL documents the shape; its `PRMTrainer` is no longer part of release 1.16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langdistill.datasets.formats.fitting import Format
from langdistill.datasets.formats.surviving import plain
from langdistill.datasets.formats.unfit import Unfit
from langdistill.records import Example, Message


@dataclass(frozen=True)
class TrlStepwise(Format):
    """`prompt`, `completions` (a text a step), `labels` (a truth a step) and, where they are known, `values` (a number a step)."""

    def rows(self, example: Example) -> list[dict[str, Any]]:
        """One row.

        Raises:
            Unfit: "no-steps"; "unjudged-steps": a step without a label; "not-one-question": the prompt is more than one text;
                "tool-calls-lost"; "steps-differ": the steps are not the target, white space aside.
        """
        if not example.steps:
            raise Unfit("no-steps")
        labels = [label for _, label in example.steps]
        if None in labels:
            raise Unfit("unjudged-steps")
        steps = [text for text, _ in example.steps]
        _check(example, steps)
        row = {
            "prompt": _question(example),
            "completions": steps,
            "labels": labels,
            "problem": example.problem,
        }
        return [row | ({} if example.step_values is None else {"values": example.step_values})]

    def read(self, row: dict[str, Any]) -> list[Message]:
        """The question and the steps, a line each."""
        return [
            {"role": "user", "content": row["prompt"]},
            {"role": "assistant", "content": "\n".join(row["completions"])},
        ]

    def says(self, example: Example) -> list[list[Message]]:
        """The question and the steps, a line each; that these are the target is checked before."""
        steps: Message = {"role": "assistant", "content": "\n".join(text for text, _ in example.steps or ())}
        return [[*example.messages, steps]]


def trl_stepwise() -> TrlStepwise:
    """Judged steps, for process reward models."""
    return TrlStepwise()


def _question(example: Example) -> str:
    text = plain(example.messages[0]["content"]) if len(example.messages) == 1 else None
    if not isinstance(text, str) or example.messages[0]["role"] != "user":
        raise Unfit("not-one-question")
    return text


def _check(example: Example, steps: list[str]) -> None:
    if any(one.get("tool_calls") for one in example.target):
        raise Unfit("tool-calls-lost")
    content = "".join(str(plain(one["content"])) for one in example.target)
    thinking = "".join(one.get("reasoning_content") or "" for one in example.target)
    if _bare("".join(steps)) not in (_bare(thinking + content), _bare(content)):
        raise Unfit("steps-differ")


def _bare(text: str) -> str:
    return "".join(text.split())
