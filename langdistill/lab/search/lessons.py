"""What the lab model is taught before it searches: to reply to the requests of the five actions, of the second model, and of votes.

The lab's corpus has chains of four steps and more, thought through, and single steps; it holds no request for one step, for the next
sub-question or for a check. Following these stands in for the instruction following of a large model and is no part of rStar. What is
shown is right, so the model may get better at arithmetic besides: every arm of a comparison must be of the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from langdistill.lab.arithmetic import SAID, Step, apply, ask, read_question
from langdistill.lab.draws import answer_line, ended
from langdistill.lab.search.reading import AGAIN, CHECK, NEXT, ONCE_MORE, TAKE
from langdistill.prompts import STEP_BY_STEP, fill
from langdistill.records import Message, Trace, digest
from langdistill.strategies.rephrase_and_respond import REPHRASE

LAST = "Which digit is shown?"
"""The sub-question that is left when one step is: the end of the question itself, in words that the model's tokenizer knows."""
WRONG = 0.5
"""Share of the digits that are to be checked and are wrong."""


def told(digit: int, step: Step) -> str:
    """A step with its result."""
    return f"{digit} {SAID[step[0]]} {step[1]} is {apply(digit, step)}."


def worked(question: str) -> tuple[str, str]:
    """The lines of a chain, and the digit at its end."""
    digit, steps = read_question(question)
    lines = list[str]()
    for step in steps:
        lines.append(told(digit, step))
        digit = apply(digit, step)
    return "\n".join(lines), str(digit)


def thought(question: str) -> str:
    """A1: the first step of what is left, and the answer where it is the last."""
    digit, steps = read_question(question)
    end = [answer_line(str(apply(digit, steps[0])))] if len(steps) == 1 else []
    return "\n".join([told(digit, steps[0]), *end])


def sub_question(question: str) -> str:
    """A3's first reply: what the first step comes to, in the words of the corpus."""
    digit, steps = read_question(question)
    name, operand = steps[0]
    return LAST if len(steps) == 1 else f"What is {digit} {SAID[name]} {operand} on the dial?"


def answered(question: str) -> str:
    """A3's second reply: the first step, and its digit as the answer."""
    digit, steps = read_question(question)
    return ended((told(digit, steps[0]), str(apply(digit, steps[0]))))


def rephrased(question: str) -> str:
    """A5, as the corpus has it."""
    digit, steps = read_question(question)
    row = "".join(f", then {SAID[name]} {operand}" for name, operand in steps)
    return f"Begin at {digit}{row}. Keep the last digit of each result. Which digit is the last result?"


def checked(question: str, given: int) -> str:
    """A judgement: the chain is worked anew, and the digit that was given is subtracted from what it comes to."""
    lines, right = worked(question)
    subtract = ("Subtract", given)
    verdict = "impossible" if apply(int(right), subtract) else "sure"
    return "\n".join([lines, told(int(right), subtract), verdict])


def left(question: str, rng: Random) -> str:
    """What is left of a chain at some place in it, from any digit: the steps before may have slipped."""
    digit, steps = read_question(question)
    at = rng.randrange(len(steps))
    return ask(rng.randrange(10) if at else digit, steps[at:])


def begun(question: str, rng: Random) -> str:
    """The first steps of a chain."""
    digit, steps = read_question(question)
    return ask(digit, steps[: rng.randrange(len(steps)) + 1])


def _step(question: str, rng: Random) -> tuple[str, str]:
    rest = left(question, rng)
    return fill(TAKE, question=rest), thought(rest)


def _rest(question: str, rng: Random) -> tuple[str, str]:
    rest = left(question, rng)
    return fill(STEP_BY_STEP, question=rest), ended(worked(rest))


def _next(question: str, rng: Random) -> tuple[str, str]:
    rest = left(question, rng)
    return fill(NEXT, question=rest), sub_question(rest)


def _open(question: str, rng: Random) -> str:
    """What is left, with two steps at least: its next sub-question is not the last."""
    digit, steps = read_question(question)
    at = rng.randrange(len(steps) - 1)
    return ask(rng.randrange(10) if at else digit, steps[at:])


def _answer(question: str, rng: Random) -> tuple[str, str]:
    rest = _open(question, rng)
    return fill(STEP_BY_STEP, question=sub_question(rest)), answered(rest)


def _again(question: str, rng: Random) -> tuple[str, str]:
    rest = _open(question, rng)
    return fill(AGAIN, question=sub_question(rest)), f"{ONCE_MORE}\n{answered(rest)}"


def _rephrase(question: str, rng: Random) -> tuple[str, str]:
    return fill(REPHRASE, question=question), rephrased(question)


def _solve(question: str, rng: Random) -> tuple[str, str]:
    return fill(STEP_BY_STEP, question=question), ended(worked(question))


def _check(question: str, rng: Random) -> tuple[str, str]:
    some = begun(question, rng)
    right = int(worked(some)[1])
    given = (right + rng.randrange(1, 10)) % 10 if rng.random() < WRONG else right
    return fill(CHECK, question=some, digit=str(given)), checked(some, given)


LESSONS: Mapping[str, Callable[[str, Random], tuple[str, str]]] = {
    "A1": _step, "A2": _rest, "A3": _next, "A3, answer": _answer, "A4": _again, "A5": _rephrase, "step by step": _solve, "judge": _check,
}  # fmt: skip
"""What is taught: from a question to what is shown and the right reply to it. What is left is completed as by A2."""


def lessons(problem: str, question: str, seed: int) -> list[Trace]:
    """One lesson of each kind on a question, as runs would have been recorded."""
    rng = Random(f"lessons-{seed}-{problem}")
    return [_recorded(problem, kind, *lesson(question, rng)) for kind, lesson in LESSONS.items()]


def _recorded(problem: str, kind: str, prompt: str, reply: str) -> Trace:
    asked: Message = {"role": "user", "content": prompt}
    said: Message = {"role": "assistant", "content": reply}
    name = digest(problem, kind, prompt, reply)
    return Trace(id=name, name=kind, input=[asked], output=[said], metadata={"problem": problem})
