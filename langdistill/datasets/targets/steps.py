"""An attempt in steps, each with a label, for process reward models (Lightman et al., 2305.20050; stepwise supervision of TRL)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from langdistill.answers.lines import lines as lines
from langdistill.answers.thinking import thought_and_said
from langdistill.datasets.attempts import Attempt, attempts
from langdistill.datasets.rows import in_order, no_question
from langdistill.datasets.taking import Taking
from langdistill.errors import DatasetError
from langdistill.groups import Group, Rows
from langdistill.records import Example, Trace, text_of

Label = Callable[[Trace, list[str]], Sequence[bool | None]]
"""From a run and the steps of what it said to whether each is right; `None` for one that it cannot judge."""
Split = Callable[[str], list[str]]


def paragraphs(text: str) -> list[str]:
    """The parts between empty lines."""
    return [part.strip() for part in re.split(r"\n[ \t]*\n", text) if part.strip()]


@dataclass(frozen=True)
class Steps(Taking):
    """See `steps`."""

    label: Label
    split: Split

    def __call__(self, group: Group) -> Rows:
        """A row for each attempt."""
        if missing := no_question(group):
            return Rows(reason=missing)
        tried = [(one, self._steps(one)) for one in attempts(group)]
        rows = [self._row(group, one, told) for one, told in tried if told]
        labelled = [row for row in rows if any(label is not None for _, label in row.steps or ())]
        if labelled:
            return Rows(in_order(labelled))
        return Rows(reason="unlabelled" if rows else "no-steps")

    def _steps(self, attempt: Attempt) -> list[str]:
        """Of each of the assistant's messages the thinking, then the rest."""
        found: list[str] = []
        for message in attempt.target:
            if message["role"] == "assistant":
                thought, said = thought_and_said(text_of(message) or "")
                texts = (message.get("reasoning_content"), thought, said)
                found += [step for text in texts if text for step in self.split(text)]
        return found

    def _row(self, group: Group, attempt: Attempt, told: list[str]) -> Example:
        labels = list(self.label(attempt.trace, told))
        if len(labels) != len(told):
            raise DatasetError(
                f"The labeller of steps() gave {len(labels)} labels for {len(told)} steps of the trace {attempt.trace.id!r}. "
                "It must give one for each: True, False, or None."
            )
        return attempt.row(group, reasoning=attempt.reasoning, steps=list(zip(told, labels, strict=True)))


def steps(label: Label, *, split: Split = paragraphs) -> Steps:
    """What each attempt said, in steps, each labelled right, wrong or unjudged.

    An attempt of which no step has a label gives none ("unlabelled"), nor does one that says nothing ("no-steps"). Calls of
    tools are no steps; what an agent said around them is.

    Args:
        label: judges the steps of a run; never from gold answers, which no trace holds.
        split: a text into its steps: `paragraphs`, `lines`, or your own.
    """
    return Steps(label, split)
