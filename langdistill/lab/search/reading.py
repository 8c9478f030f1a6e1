"""How the lab model reads a search's prompts: as the chain that is left, and a request in few words.

A model of a million parameters does not find its place in a chain whose steps so far are told in other forms than its own chain of thought,
nor does it learn to in a few hundred updates. So the place is kept for it. What it is shown is a
question of the corpus that begins where the steps so far leave off, slips and misreadings included; it does everything else. Prompts
that are none of a search's it reads as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

from langchain_core.messages import BaseMessage, HumanMessage

from langdistill.lab.arithmetic import SAID, Step, ask, read_question
from langdistill.lab.search.remembering import RememberingChatModel
from langdistill.prompts import ANSWER_LINE, STEP_BY_STEP, fill
from langdistill.search.actions import ACTIONS, START, SUB_QUESTION
from langdistill.search.evaluators.value import PROMPT as VALUE
from langdistill.search.mutual_reasoning import COMPLETE
from langdistill.strategies.rephrase_and_respond import REPHRASE
from langdistill.students.decoding import Decoder, Request

TAKE = "{question}\nTake one step."
NEXT = "{question}\nWhich question is next?"
AGAIN = "{question}\nAnswer again. " + ANSWER_LINE
CHECK = "{question}\nIs it {digit}?"
"""What it is shown for A1, A3, A4 and a judgement. For A2, the second model's request and an answer to a sub-question it is shown the
corpus's request to think step by step, and for A5 the corpus's request to rephrase."""
ONCE_MORE = "Again:"
"""The line that an answer to a sub-question begins with that is given again."""

TAKEN = re.compile(r"\d (?:plus|minus|times) \d is (\d)\.")
REPHRASED = re.compile(r"Begin at (\d)((?:, then (?:plus|minus|times) \d)+)")
THEN = re.compile(r"(plus|minus|times) (\d)")
ASKED = re.compile(r"What is \d (?:plus|minus|times) \d on the dial\?")
OPERATION = {said: name for name, said in SAID.items()}

assert SUB_QUESTION.then
TAILS = {one.id: one.prompt.removeprefix(START) for one in ACTIONS} | {
    "answer": SUB_QUESTION.then.removeprefix(START + "{step}"),
    "complete": COMPLETE.removeprefix(START),
    "judge": VALUE.removeprefix(START),
}
"""What each request of the package ends in."""


@dataclass(frozen=True)
class Place:
    """Where the steps so far leave off in a chain."""

    start: int
    steps: tuple[Step, ...]
    """All of the chain, as it was asked or rephrased."""
    digits: tuple[int, ...] = ()
    """That the steps so far have come to, one after the other."""

    @property
    def digit(self) -> int:
        """The last one."""
        return (self.start, *self.digits)[-1]

    @property
    def left(self) -> list[Step]:
        """Steps that are not taken."""
        return list(self.steps[len(self.digits) :])

    @property
    def question(self) -> str:
        """What is left, as a question."""
        return ask(self.digit, self.left)

    @property
    def begun(self) -> str:
        """What was done, as a question."""
        return ask(self.start, list(self.steps[: len(self.digits)]))

    def after(self, line: str) -> Place:
        """The place after one more line; lines that say nothing of a step leave it."""
        if found := TAKEN.match(line):
            return Place(self.start, self.steps, (*self.digits, int(found[1])))
        if found := REPHRASED.match(line):
            steps = tuple((OPERATION[said], int(operand)) for said, operand in THEN.findall(found[2]))
            return Place(int(found[1]), steps)
        return Place(self.start, self.steps, self.digits[:-1]) if line == ONCE_MORE else self


def place(question: str, lines: Sequence[str]) -> Place:
    """Where these lines leave off."""
    start, steps = read_question(question)
    found = Place(start, tuple(steps))
    for line in lines:
        found = found.after(line)
    return found


def shown(prompt: str) -> str:
    """What the model reads in place of a prompt."""
    question, _, rest = prompt.partition("\n\n")
    kind = next((one for one, tail in TAILS.items() if rest.endswith(tail)), None)
    if kind is None:
        return prompt
    lines = rest.removesuffix(TAILS[kind]).splitlines()
    now = place(question, lines)
    match kind:
        case "A1":
            return fill(TAKE, question=now.question)
        case "A3":
            return fill(NEXT, question=now.question)
        case "A4":
            return fill(AGAIN, question=next(filter(ASKED.match, reversed(lines)), question))
        case "A5":
            return fill(REPHRASE, question=question)
        case "answer":
            return fill(STEP_BY_STEP, question=lines[-1] if ASKED.match(lines[-1]) else now.question)
        case "judge":
            return fill(CHECK, question=now.begun, digit=str(now.digit))
        case _:
            return fill(STEP_BY_STEP, question=now.question)


class ReadingChatModel(RememberingChatModel):
    """A local model that is shown what is left of a chain. The tokens that are counted are those that it reads.

    Ways that leave the same of a chain are not the same request: their replies are drawn independently.
    """

    def _request(
        self, decoder: Decoder, messages: list[BaseMessage], stop: list[str] | None, given: dict[str, Any]
    ) -> Request:
        """The request for what is shown of the last message."""
        *before, last = messages
        read = [*before, HumanMessage(shown(last.text))]
        request = super()._request(decoder, read, stop, given)
        return replace(request, seed=(*request.seed, crc32(last.text.encode())))
