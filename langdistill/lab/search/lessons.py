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
from langdistill.lab.search.words import COMPLETE, JUDGE, WORDED
from langdistill.prompts import STEP_BY_STEP, fill
from langdistill.records import Message, Trace, digest
from langdistill.search.actions import FOLLOWERS, ROOT, so_far_told

LAST = "Now we can answer the question."
"""The sub-question that is left when one step is: the question itself."""
WENT_WRONG = 0.5
"""Share of the sub-questions that are to be answered again whose answer was wrong."""
GOES_ON = 0.5
"""How often a way goes on with the action that it came by, where it may; else any that may follow is as likely."""
WALKS = 8
"""Ways that one is chosen of."""
ACTIONS = {one.id: one for one in WORDED.actions}


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
    """A5: the conditions in a row."""
    return [_left(way.question, Line("", *way.at))]


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


def request(way: Way, action: str) -> tuple[str, str]:
    """What an action asks after a way, and the right reply; of A3 the sub-question."""
    reply = sub_question(way) if action == "A3" else _text(PROPOSE[action](way, rightly))
    return ACTIONS[action].asked(way.question, way.told), reply


def second_request(way: Way) -> tuple[str, str]:
    """What A3 asks once it has its sub-question, and the right reply."""
    return ACTIONS["A3"].asked_then(way.question, way.told, sub_question(way)), _text(answered(way, rightly))


def completion(question: str, shown: list[Line]) -> tuple[str, str]:
    """What the second model is asked after the beginning of a solution, and how it goes on rightly."""
    told = so_far_told([line.text for line in shown])
    return fill(COMPLETE, question=question, so_far=told), _text(solved(question, shown[-1][1:], rightly))


def follow(action: str) -> Callable[[str, Random], tuple[str, str]]:
    """Lessons of an action."""

    def lesson(question: str, rng: Random) -> tuple[str, str]:
        way = way_to(question, action, rng)
        return request(_maybe_wrong(way, rng) if action == "A4" else way, action)

    return lesson


def answer_sub_question(question: str, rng: Random) -> tuple[str, str]:
    """Lessons of A3's second prompt."""
    return second_request(way_to(question, "A3", rng))


def complete(question: str, rng: Random) -> tuple[str, str]:
    """Lessons of the second model: the cut is after any line but the last."""
    *_, whole = walk(question, rng)
    return completion(question, whole.lines[: rng.randrange(1, len(whole.lines))])


def step_by_step(question: str, rng: Random) -> tuple[str, str]:
    """The chain of thought that votes are taken of."""
    return fill(STEP_BY_STEP, question=question), _text(rest(Way(question), rightly))


def judge(question: str, rng: Random) -> tuple[str, str]:
    """What Tree of Thoughts asks of the thoughts so far: each step is taken anew, and what was said is subtracted from it."""
    way, checks, count = Way(question), list[str](), rng.randrange(len(read_question(question)[1])) + 1
    slips_at = rng.choice([rng.randrange(count), None])
    for at in range(count):
        digit, step = way.at[1], way.left[0]
        way = way.then("A1", thought(way, _wrongly(rng) if at == slips_at else rightly))
        anew, right = rightly(digit, step)
        checks.append(f"{anew} {rightly(right, ('Subtract', way.at[1]))[0]}")
    told = fill(JUDGE, question=question, so_far=so_far_told(way.told))
    return told, "\n".join([*checks, "sure" if slips_at is None else "impossible"])


LESSONS: Mapping[str, Callable[[str, Random], tuple[str, str]]] = {
    **{id: follow(id) for id in ACTIONS},
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


def _left(question: str, at: Line) -> Line:
    """What is left of a chain, as the corpus rephrases it."""
    steps = "".join(f", then {SAID[name]} {operand}" for name, operand in read_question(question)[1][at.done :])
    return Line(f"Begin at {at.digit}{steps}.", at.done, at.digit)


def _answer(done: int, digit: int) -> Line:
    return Line(answer_line(str(digit)), done, digit)


def _text(lines: list[Line]) -> str:
    return "\n".join(line.text for line in lines)
