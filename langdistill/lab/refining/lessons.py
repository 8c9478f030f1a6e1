"""What is taught besides the recorded predictions: the sub-questions of a chain, refinements, and all of it in one reply.

The lab's corpus holds no prompt that asks to refine, so the model is taught to follow one. That stands in for the instruction
following of a large model and is no part of ART. What it is shown slips exactly as the corpus does: it learns to
follow, and gets no better at arithmetic.
"""

from __future__ import annotations

from random import Random

from langdistill.lab.arithmetic import SAID, Step, apply, read_question, take
from langdistill.lab.draws import ended
from langdistill.prompts import ANSWER_LINE, fill
from langdistill.records import Message, Trace, digest
from langdistill.refining.ask_refine_trust import REFINE, hints

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


def refined(question: str, rng: Random, *, asked: bool) -> str:
    """An answer worked step by step, in which every step may slip.

    Args:
        question: of a chain.
        rng: of the slips.
        asked: with the sub-questions in view, each of which tells its digit: a slip is not carried on. Without them it is.
    """
    told, digit = [], read_question(question)[0]
    for right, step in _on_the_way(question):
        line, digit = take(rng, right if asked else digit, step)
        told.append(line)
    return ended(("\n".join(told), str(digit)))


def refinement(problem: str, question: str, first: str, rng: Random, *, asked: bool) -> Trace:
    """What the refinement prompt is answered by, whatever the first answer was."""
    told = hints(sub_questions(question), []) if asked else ""
    prompt = fill(REFINE, question=question, reply=first, hints=told)
    return _lesson(problem, prompt, refined(question, rng, asked=asked))


def in_one_reply(problem: str, question: str, first: str, rng: Random, *, right: bool) -> Trace:
    """A first answer, the sub-questions, the decision and, where the first answer is wrong, the refinement: one sequence."""
    decided = [first, *sub_questions(question), "Refine: no" if right else "Refine: yes"]
    said = decided if right else [*decided, refined(question, rng, asked=True)]
    return _lesson(problem, fill(IN_ONE_REPLY, question=question), "\n".join(said))


def _on_the_way(question: str) -> list[tuple[int, Step]]:
    """The right digit before each step, and the step."""
    digit, steps = read_question(question)
    found: list[tuple[int, Step]] = []
    for step in steps:
        found.append((digit, step))
        digit = apply(digit, step)
    return found


def _lesson(problem: str, prompt: str, said: str) -> Trace:
    """As a run would have been recorded."""
    asked: Message = {"role": "user", "content": prompt}
    reply: Message = {"role": "assistant", "content": said}
    name = digest(problem, prompt, said)
    return Trace(id=name, name="lesson", input=[asked], output=[reply], metadata={"problem": problem})
