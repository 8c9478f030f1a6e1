"""What is taught besides the recorded predictions: the sub-questions of a chain, refinements, and all of it in one reply.

The lab's corpus holds no prompt that asks to refine, so the model is taught to follow one. That stands in for the instruction
following of a large model and is no part of ART. What it is shown is right, so it may get better at arithmetic besides: a refinement
without sub-questions tells by how much.
"""

from __future__ import annotations

from dataclasses import dataclass

from langdistill.answers import final_answer
from langdistill.datasets.rows import in_order
from langdistill.datasets.taking import Taking
from langdistill.datasets.targets.doubt import Doubted
from langdistill.groups import Group, Rows
from langdistill.lab.arithmetic import SAID, Step, apply, read_question, truth
from langdistill.lab.draws import ended
from langdistill.prompts import ANSWER_LINE, REFINE_OR_NOT, fill
from langdistill.records import Example, Message, Trace, digest, text_of
from langdistill.refining.ask_refine_trust import REFINE, hints

DIGITS = tuple("0123456789")
IN_ONE_REPLY = (
    "{question}\nThink step by step. Then ask what a right answer must settle, say whether the answer is to be refined, and refine "
    "it if so. " + ANSWER_LINE
)
"""Asks for the first answer, the sub-questions, the decision and the refinement in one reply. Place: the question."""


def sub_questions(question: str) -> list[str]:
    """What a right solution must answer, one a step: "9 times 7 is 3?", with the right digits; the last step's result is left open.

    They are in the words of the corpus's reasoning, so that to write them is to work the chain anew.
    """
    on_the_way = _on_the_way(question)
    results = [str(digit) for digit, _ in on_the_way[1:]]
    told = [f"{digit} {SAID[name]} {operand} is" for digit, (name, operand) in on_the_way]
    return [f"{one} {result}?" for one, result in zip(told, [*results, "which digit"], strict=True)]


def check(question: str, first: str) -> list[str]:
    """What is worked out before the decision: the last step, and how far from it the first answer is.

    A model this small does not learn to compare two digits in its head, but knows how to subtract; what is no question goes to nobody.
    """
    right, given = truth(question), final_answer(first)
    last = sub_questions(question)[-1].replace("which digit?", f"{right}.")
    if given is None or given not in DIGITS:
        return [last]
    return [last, f"{right} minus {given} is {apply(int(right), ('Subtract', int(given)))}."]


@dataclass(frozen=True)
class Checked(Taking):
    """The rows of the target `doubt`, with the check between the sub-questions and the decision."""

    doubted: Doubted

    @property
    def supervised(self) -> bool:
        """As that of the target."""
        return self.doubted.supervised

    def class_of(self, row: Example) -> str | None:
        """As that of the target."""
        return self.doubted.class_of(row)

    def __call__(self, group: Group) -> Rows:
        """The target's rows, each with its check."""
        rows = self.doubted(group)
        question = text_of(group.question[-1]) or ""
        return Rows(in_order(_checked(question, row) for row in rows.examples), rows.reason)


def worked(question: str) -> str:
    """The chain worked step by step, with the right answer."""
    told = [one.replace("which digit?", f"{truth(question)}.").replace("?", ".") for one in sub_questions(question)]
    return ended(("\n".join(told), truth(question)))


def refinement(problem: str, question: str, first: str, *, asked: bool) -> Trace:
    """What the refinement prompt is answered by, whatever the first answer was."""
    told = hints(sub_questions(question), []) if asked else ""
    prompt = fill(REFINE, question=question, reply=first, hints=told)
    return _lesson(problem, prompt, worked(question))


def in_one_reply(problem: str, question: str, first: str, *, right: bool) -> Trace:
    """A first answer, the sub-questions, the check, the decision and, where the first answer is wrong, the refinement: one sequence."""
    decided = [first, *sub_questions(question), *check(question, first), REFINE_OR_NOT[not right]]
    said = decided if right else [*decided, worked(question)]
    return _lesson(problem, fill(IN_ONE_REPLY, question=question), "\n".join(said))


def _on_the_way(question: str) -> list[tuple[int, Step]]:
    """The right digit before each step, and the step."""
    digit, steps = read_question(question)
    found: list[tuple[int, Step]] = []
    for step in steps:
        found.append((digit, step))
        digit = apply(digit, step)
    return found


def _checked(question: str, row: Example) -> Example:
    asked, said = text_of(row.messages[-1]) or "", text_of(row.target[-1]) or ""
    *questions, decision = said.splitlines()
    told: Message = {"role": "assistant", "content": "\n".join([*questions, *check(question, asked), decision])}
    return row.model_copy(update={"target": [told]})


def _lesson(problem: str, prompt: str, said: str) -> Trace:
    """As a run would have been recorded."""
    asked: Message = {"role": "user", "content": prompt}
    reply: Message = {"role": "assistant", "content": said}
    name = digest(problem, prompt, said)
    return Trace(id=name, name="lesson", input=[asked], output=[reply], metadata={"problem": problem})
