"""What the lab model is taught before it searches: to follow the prompts of the five actions, of the second model, and of votes.

The lab's corpus holds none of the search's prompts. Following them stands in for the instruction following of a large model and is
no part of rStar. What is asked for is shown right, while the steps before it may have slipped as in the corpus, and are then carried on
from; so the model may get better at arithmetic besides, and every arm of a comparison must be of the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from langdistill.lab.arithmetic import SAID, Step, apply, read_question, take
from langdistill.lab.draws import answer_line
from langdistill.prompts import STEP_BY_STEP, fill
from langdistill.records import Message, Trace, digest
from langdistill.search.actions import ACTIONS, FOLLOWERS, ROOT, so_far_told
from langdistill.search.evaluators.value import PROMPT as JUDGE
from langdistill.search.mutual_reasoning import COMPLETE

LAST = "Now we can answer the question."
"""The sub-question that is left when one step is: the question itself."""
WENT_WRONG = 0.5
"""Share of the sub-questions that are to be answered again whose answer was wrong."""
GOES_ON = 0.5
"""How often a way goes on with the action that it came by, where it may; else any that may follow is as likely."""
WALKS = 8
"""Ways that one is chosen of."""
PROMPTS = {one.id: one for one in ACTIONS}


class Line(NamedTuple):
    """A line of a solution, and where it leaves off."""

    text: str
    done: int
    """Steps of the chain that are taken then."""
    digit: int
    """The digit then."""


@dataclass(frozen=True)
class Way:
    """Steps of a search through a chain, as far as it has come."""

    question: str
    action: str = ROOT
    """The last one."""
    steps: tuple[tuple[Line, ...], ...] = ()

    @property
    def told(self) -> list[str]:
        """The text of each step, as the tree keeps it."""
        return ["\n".join(line.text for line in step) for step in self.steps]

    @property
    def lines(self) -> list[Line]:
        """All steps in lines."""
        return [line for step in self.steps for line in step]

    @property
    def at(self) -> tuple[int, int]:
        """Steps of the chain that are taken, and the digit."""
        return self.lines[-1][1:] if self.steps else (0, read_question(self.question)[0])

    @property
    def left(self) -> list[Step]:
        """Steps of the chain that are not taken."""
        return read_question(self.question)[1][self.at[0] :]

    def then(self, action: str, lines: list[Line]) -> Way:
        """The way with one more step."""
        return Way(self.question, action, (*self.steps, tuple(lines)))

    def back(self) -> Way:
        """The way without its last step."""
        return Way(self.question, steps=self.steps[:-1])


Take = Callable[[int, Step], tuple[str, int]]
"""Tells a step of the chain from a digit on, and the digit that it comes to."""


def rightly(digit: int, step: Step) -> tuple[str, int]:
    """A step as it is told, and the right digit."""
    right = apply(digit, step)
    return f"{digit} {SAID[step[0]]} {step[1]} is {right}.", right


def solved(question: str, at: tuple[int, int], take_one: Take, most: int | None = None) -> list[Line]:
    """Lines from a place on, so many steps at most; with the answer line where they come to the end."""
    done, digit = at
    steps, lines = read_question(question)[1], list[Line]()
    for step in steps[done : None if most is None else done + most]:
        text, digit = take_one(digit, step)
        done += 1
        lines.append(Line(text, done, digit))
    return [*lines, _answer(done, digit)] if done == len(steps) else lines


def thought(way: Way, take_one: Take) -> list[Line]:
    """A1: one step of the chain."""
    return solved(way.question, way.at, take_one, 1)


def rest(way: Way, take_one: Take) -> list[Line]:
    """A2: all that is left."""
    return solved(way.question, way.at, take_one)


def sub_question(way: Way) -> str:
    """A3's first reply: what the next step comes to, in the words of the corpus, or that the question itself is left."""
    name, operand = way.left[0]
    return LAST if len(way.left) == 1 else f"What is {way.at[1]} {SAID[name]} {operand} on the dial?"


def answered(way: Way, take_one: Take) -> list[Line]:
    """A3's second reply: the step, and its digit as the answer."""
    lines = thought(way, take_one)
    return lines if len(way.left) == 1 else [*lines, _answer(*lines[-1][1:])]


def asked_and_answered(way: Way, take_one: Take) -> list[Line]:
    """A3: both."""
    return [Line(sub_question(way), *way.at), *answered(way, take_one)]


def again(way: Way, take_one: Take) -> list[Line]:
    """A4: the last sub-question, answered from where it was asked."""
    return answered(way.back(), take_one)


def rephrased(way: Way, take_one: Take) -> list[Line]:
    """A5: every condition in a line, and what is asked."""
    start, steps = read_question(way.question)
    told = [f"Begin at {start}.", *(f"{name} {operand}." for name, operand in steps), "Which digit is the last result?"]
    return [Line(text, *way.at) for text in told]


PROPOSE: Mapping[str, Callable[[Way, Take], list[Line]]] = {
    "A1": thought, "A2": rest, "A3": asked_and_answered, "A4": again, "A5": rephrased,
}  # fmt: skip
"""Action to the lines of its step."""


def walk(question: str, rng: Random) -> Iterator[Way]:
    """A way through a chain, from nothing to the answer, by actions that may follow one another and with the slips of the corpus."""
    way = Way(question)
    yield way
    while way.left:
        may = FOLLOWERS[way.action]
        action = way.action if way.action in may and rng.random() < GOES_ON else rng.choice(may)
        way = way.then(action, PROPOSE[action](way, lambda digit, step: take(rng, digit, step)))
        yield way


def way_to(question: str, action: str, rng: Random) -> Way:
    """A way after which the action may come; late in the chain as often as early."""
    by_place = dict[int, list[Way]]()
    while not by_place:
        for way in (way for _ in range(WALKS) for way in walk(question, rng)):
            if way.left and action in FOLLOWERS[way.action]:
                by_place.setdefault(way.at[0], []).append(way)
    return rng.choice(by_place[rng.choice(sorted(by_place))])


def follow(action: str) -> Callable[[str, Random], tuple[str, str]]:
    """What an action's prompt is answered by."""

    def lesson(question: str, rng: Random) -> tuple[str, str]:
        way = way_to(question, action, rng)
        if action == "A4":
            way = _maybe_wrong(way, rng)
        reply = sub_question(way) if action == "A3" else _text(PROPOSE[action](way, rightly))
        return PROMPTS[action].asked(question, way.told), reply

    return lesson


def answer_sub_question(question: str, rng: Random) -> tuple[str, str]:
    """What A3's second prompt is answered by."""
    way = way_to(question, "A3", rng)
    return PROMPTS["A3"].asked_then(question, way.told, sub_question(way)), _text(answered(way, rightly))


def complete(question: str, rng: Random) -> tuple[str, str]:
    """How the second model goes on after any line of a solution but the last."""
    *_, whole = walk(question, rng)
    lines = whole.lines
    shown = lines[: rng.randrange(1, len(lines))]
    reply = solved(question, shown[-1][1:], rightly)
    return fill(COMPLETE, question=question, so_far=so_far_told([line.text for line in shown])), _text(reply)


def step_by_step(question: str, rng: Random) -> tuple[str, str]:
    """The chain of thought that votes are taken of."""
    return fill(STEP_BY_STEP, question=question), _text(rest(Way(question), rightly))


def judge(question: str, rng: Random) -> tuple[str, str]:
    """What Tree of Thoughts asks of the thoughts so far: they are worked anew, and their last digit is subtracted from the right one."""
    way, most = Way(question), rng.randrange(len(read_question(question)[1]))
    slips_at = rng.choice([rng.randrange(most + 1), None])
    for at in range(most + 1):
        way = way.then("A1", thought(way, _wrongly(rng) if at == slips_at else rightly))
    anew = [line for line in rest(Way(question), rightly) if line.done][: most + 1]
    right, given = anew[-1].digit, way.at[1]
    check, difference = rightly(right, ("Subtract", given))
    said = f"Judgement: {'impossible' if difference else 'sure'}"
    prompt = fill(JUDGE, question=question, so_far=so_far_told(way.told))
    return prompt, "\n".join([_text(anew), check, said])


LESSONS: Mapping[str, Callable[[str, Random], tuple[str, str]]] = {
    **{id: follow(id) for id in PROMPTS},
    "A3, answer": answer_sub_question,
    "complete": complete,
    "step by step": step_by_step,
    "judge": judge,
}
"""What is taught: from a question to a prompt and the right reply to it."""


def lessons(problem: str, question: str, seed: int) -> list[Trace]:
    """One lesson of each kind on a question, as runs would have been recorded."""
    rng = Random(f"lessons-{seed}-{problem}")
    return [_recorded(problem, kind, *lesson(question, rng)) for kind, lesson in LESSONS.items()]


def _recorded(problem: str, kind: str, prompt: str, reply: str) -> Trace:
    asked: Message = {"role": "user", "content": prompt}
    said: Message = {"role": "assistant", "content": reply}
    name = digest(problem, kind, prompt, reply)
    return Trace(id=name, name=kind, input=[asked], output=[said], metadata={"problem": problem})


def _maybe_wrong(way: Way, rng: Random) -> Way:
    """The way with a wrong answer to its last sub-question, as often as `WENT_WRONG` says."""
    if rng.random() >= WENT_WRONG:
        return way
    before = way.back()
    return before.then("A3", asked_and_answered(before, _wrongly(rng)))


def _wrongly(rng: Random) -> Take:
    """A step with a wrong digit."""
    off = rng.randrange(1, 10)

    def wrongly(digit: int, step: Step) -> tuple[str, int]:
        text, right = rightly(digit, step)
        wrong = (right + off) % 10
        return text.replace(f"is {right}.", f"is {wrong}."), wrong

    return wrongly


def _answer(done: int, digit: int) -> Line:
    return Line(answer_line(str(digit)), done, digit)


def _text(lines: list[Line]) -> str:
    return "\n".join(line.text for line in lines)
