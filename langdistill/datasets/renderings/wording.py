"""The texts of an example, and the templates that training texts are made of.

| template | places | by default |
|---|---|---|
| `cot` | ``{question}`` | the question, then "Think step by step." |
| `direct` | ``{question}`` | the question alone |
| `solution` | ``{reasoning}``, ``{answer}`` | the reasoning, then the line "Answer: ..." that `answers.final_answer` reads |
| `label` | ``{answer}`` | the answer alone |
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, cast

from langdistill.datasets.formats.fitting import Unfit
from langdistill.prompts import check, fill
from langdistill.records import Example, Message, text_of

CALCULATOR = re.compile(r"<<(?=[^\s<>])[^\n<>]*=[^\n<>]*>>")
"""A calculator annotation of GSM8K, ``<<48/2=24>>`` (Cobbe et al., 2110.14168): for a tool that the student has not.

Models write letters and units into it, too; a shift or a here-document in code has no equals sign between the two, or a space."""


@dataclass(frozen=True)
class Wording:
    """The templates of the prompts and of the targets."""

    cot: str = "{question}\nThink step by step."
    direct: str = "{question}"
    solution: str = "{reasoning}\nAnswer: {answer}"
    label: str = "{answer}"

    def __post_init__(self) -> None:
        """Fail at once, not in the first row.

        Raises:
            PromptError: a template has other places.
        """
        check(self.cot, "question")
        check(self.direct, "question")
        check(self.solution, "reasoning", "answer")
        check(self.label, "answer")

    @property
    def params(self) -> dict[str, Any]:
        """The templates, as they go into a manifest."""
        return asdict(self)

    def prompt(self, question: str, *, reasoned: bool) -> str:
        """What the student is asked."""
        return fill(self.cot if reasoned else self.direct, question=question)

    def target(self, answer: str, reasoning: str | None) -> str:
        """What the student must say: the reasoning and the answer, or the answer where there is no reasoning."""
        if reasoning is None:
            return fill(self.label, answer=answer)
        return fill(self.solution, reasoning=reasoning, answer=answer)


def question_in(example: Example) -> str:
    """The text of the message that the prompt ends in.

    Raises:
        Unfit: it ends in no user's message with text ("no-question"), or the target is more than one reply in words ("not-one-text").
    """
    last = example.messages[-1] if example.messages else None
    text = text_of(last) if last and last["role"] == "user" else None
    if text is None or not text.strip():
        raise Unfit("no-question")
    if len(example.target) != 1 or example.target[0].get("tool_calls"):
        raise Unfit("not-one-text")
    return text


def reasoning_in(example: Example) -> str:
    """The reasoning, without calculator annotations.

    Raises:
        Unfit: there is none ("no-reasoning").
    """
    text = plain(example.reasoning or "").strip()
    if not text:
        raise Unfit("no-reasoning")
    return text


def answer_in(example: Example) -> str:
    """The final answer.

    Raises:
        Unfit: there is none ("no-answer").
    """
    if example.answer is None or not example.answer.strip():
        raise Unfit("no-answer")
    return example.answer


def plain(text: str) -> str:
    """A text without calculator annotations."""
    return CALCULATOR.sub("", text)


def written(example: Example, prompt: str, target: str, style: str, *, reasoned: bool) -> Example:
    """The example with other texts. What judged its old target is left out; so is the reasoning where the target holds none."""
    spoken: Message = {"role": "assistant", "content": target}
    return example.model_copy(
        update={
            "messages": [*example.messages[:-1], asking(example.messages[-1], prompt)],
            "target": [spoken],
            "reasoning": reasoning_in(example) if reasoned else None,
            "logprobs": example.logprobs if reasoned else None,
            "style": style,
            "rejected": None,
            "margin": None,
            "steps": None,
            "step_values": None,
            "shared_steps": None,
        }
    )


def asking(message: Message, text: str) -> Message:
    """A user's message with another text; what else it holds, such as pictures, stays in it."""
    blocks = message["content"] if isinstance(message["content"], list) else []
    others = [one for one in blocks if isinstance(one, dict) and cast("dict[str, Any]", one).get("type") != "text"]
    said = cast("dict[str, Any]", message) | {"content": [{"type": "text", "text": text}, *others] if others else text}
    return cast("Message", said)
