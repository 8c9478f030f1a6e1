"""Questions of a task, with their gold answers apart, and the documents that the corpus is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from zlib import crc32

from langdistill.lab import slips
from langdistill.lab.names import POOLS, Pool
from langdistill.perturbations.perturbing import Perturbation
from langdistill.prompts import STEP_BY_STEP, fill
from langdistill.records import Message, Problem
from langdistill.strategies.rephrase_and_respond import ONE_STEP, REPHRASE, RESPOND

TRIES_PER_QUESTION = 50
"""How often a draw may hit a question it already has before it gives up."""

NOT_PLANTED = (
    f"not planted: every reading slips with the same {slips.RATE:.0%} in every mode; direct documents are rare"
)

Document = tuple[Message, ...]
"""One chat of the corpus."""

Writer = Callable[[Random], Document]
"""Writes one document; the same generator state gives the same document."""


@dataclass(frozen=True)
class Draw:
    """Questions, and beside them what no selector may read."""

    problems: list[Problem]
    gold: dict[str, str]
    """Problem id to the right answer."""


@dataclass(frozen=True)
class Task:
    """A family of questions with an exact grader."""

    name: str
    question: Callable[[Random, Pool], str]
    """One question of a pool."""
    truth: Callable[[str], str]
    """The right answer, computed from the question's text; `ValueError` for a text that is not such a question."""
    perturbations: tuple[Perturbation, ...]
    """Changes that leave the answer as it is, up to each one's `invert`."""
    writers: Mapping[str, Writer]
    """How the task occurs in the corpus: a writer per mode ("direct", "steps", "rephrase", ...)."""
    strategy: str = "chain_of_thought"
    """Name of its System-2 method."""
    unlabelled: int = 500
    """Questions that a distillation thinks over, as found enough on dev."""
    planted: str = NOT_PLANTED
    """What of the gap between System 1 and System 2 was put into the corpus."""

    def draw(self, n: int, *, seed: int, pool: Pool) -> Draw:
        """`n` different questions of a pool, with ids such as "letters-final-0-17".

        The same arguments give the same draw.

        Raises:
            ValueError: the pool does not hold that many different questions.
        """
        rng, questions = Random(f"{self.name}-{pool}-{seed}"), dict[str, None]()
        for _ in range(n * TRIES_PER_QUESTION):
            if len(questions) == n:
                break
            questions[self.question(rng, pool)] = None
        if len(questions) < n:
            got = len(questions)
            raise ValueError(f"{n} questions of {self.name!r} were asked for; pool {pool!r} gave {got} different ones.")
        ids = [f"{self.name}-{pool}-{seed}-{index}" for index in range(n)]
        problems = [Problem(id=id, question=question) for id, question in zip(ids, questions, strict=True)]
        return Draw(problems, {problem.id: self.truth(problem.question) for problem in problems})


def chat(user: str, assistant: str) -> Document:
    """A document of one exchange."""
    return ({"role": "user", "content": user}, {"role": "assistant", "content": assistant})


def answer_line(answer: str) -> str:
    """The line a System-2 reply ends in. The quotes keep the answer's first letter apart from the space before it."""
    return f'Answer: "{answer}"'


def pool_of(text: str) -> Pool:
    """The pool that a combination belongs to, for tasks whose questions hold no names: fixed, and about a quarter
    each.
    """
    return POOLS[crc32(text.encode()) % len(POOLS)]


@dataclass(frozen=True)
class Telling:
    """One question of a task with everything that a document says about it."""

    question: str
    rephrased: str
    work: Callable[[], tuple[str, str]]
    """The reasoning and the answer it arrives at; every call reads the question anew, slips included."""
    rephrased_work: Callable[[], tuple[str, str]]
    """The same after a rephrased question."""


def reasoning_writers(tell: Callable[[Random], Telling]) -> dict[str, Writer]:
    """The modes that letters, coin and arithmetic share: direct, step by step, and rephrasing in one call and in two.

    A direct answer is that of the same reasoning left unsaid, so it slips exactly as often.
    """

    def direct(rng: Random) -> Document:
        told = tell(rng)
        return chat(told.question, told.work()[1])

    def steps(rng: Random) -> Document:
        told = tell(rng)
        return chat(fill(STEP_BY_STEP, question=told.question), ended(told.work()))

    def rephrase_and_respond(rng: Random) -> Document:
        told = tell(rng)
        return chat(fill(ONE_STEP, question=told.question), f"{told.rephrased}\n{ended(told.rephrased_work())}")

    def rephrase(rng: Random) -> Document:
        told = tell(rng)
        return chat(fill(REPHRASE, question=told.question), told.rephrased)

    def respond(rng: Random) -> Document:
        told = tell(rng)
        return chat(fill(RESPOND, question=told.question, rephrased=told.rephrased), ended(told.rephrased_work()))

    return {
        "direct": direct,
        "steps": steps,
        "rephrase_and_respond": rephrase_and_respond,
        "rephrase": rephrase,
        "respond": respond,
    }


def ended(work: tuple[str, str]) -> str:
    """Reasoning with its answer line."""
    reasoning, answer = work
    return f"{reasoning}\n{answer_line(answer)}"
