"""Which of two responses is better (Zheng et al., 2306.05685: judges prefer a position), for Branch-Solve-Merge.

A request asks for four things of a kind; a response is as good as the number of its items that are of that kind.
Planted: in the corpus, most direct verdicts on a close pair that B wins say A (`FAVOURS_A`). Only combinations are
held out, not items.
"""

from __future__ import annotations

import re
from random import Random
from typing import NamedTuple

from langdistill.lab import slips
from langdistill.lab.draws import Document, Task, chat, pool_of
from langdistill.lab.names import Pool
from langdistill.perturbations.swapped import swapped
from langdistill.prompts import fill
from langdistill.strategies.branch_solve_merge import BRANCH, SOLVE

FAVOURS_A = 0.7
"""PLANTED position bias: share of the direct verdicts on close pairs that say A whatever the responses."""

CLOSE = 2
"""Largest difference in good items at which a pair is close."""

ITEMS = 4
LISTED = """
animals cat dog horse cow pig sheep goat mouse tiger lion wolf bear
fruits apple pear plum peach cherry lemon lime orange banana grape melon mango
tools hammer saw drill axe wrench chisel shovel rake pliers file clamp knife
colors red blue green yellow pink purple brown black white gray gold silver
"""
KINDS = {kind: items for kind, *items in map(str.split, LISTED.strip().splitlines())}
"""Kind to its items, one word each."""
KIND_OF = {item: kind for kind, items in KINDS.items() for item in items}

QUESTION = "Which response is better? Answer A or B.\nRequest: {request}\nResponse A: {first}\nResponse B: {second}"
CRITERIA = ("Kind: every item is one of the {kind}", "Relevance: the items fit the request for {kind}")
READ = re.compile(r"Request: List four (\w+)\.\nResponse A: (.+)\nResponse B: (.+)")


class Pair(NamedTuple):
    """A request's kind and two responses."""

    kind: str
    first: list[str]
    second: list[str]

    @property
    def request(self) -> str:
        """The request that both responses answer."""
        return f"List four {self.kind}."


def ask(pair: Pair) -> str:
    """The question that asks for a verdict at once."""
    return QUESTION.format(request=pair.request, first=", ".join(pair.first), second=", ".join(pair.second))


def read_question(question: str) -> Pair:
    """Kind and responses of a question."""
    found = READ.search(question)
    if not found or found[1] not in KINDS:
        raise ValueError(f"Not a pair to judge: {question!r}")
    return Pair(found[1], found[2].split(", "), found[3].split(", "))


def good(kind: str, response: list[str]) -> int:
    """How many items are of the kind."""
    return sum(KIND_OF.get(item) == kind for item in response)


def truth(question: str) -> str:
    """The response with more items of the kind, "A" or "B"; drawn pairs never tie."""
    pair = read_question(question)
    return "A" if good(pair.kind, pair.first) > good(pair.kind, pair.second) else "B"


def draw_response(rng: Random, kind: str, count: int) -> list[str]:
    """Four items, `count` of them of the kind, in random order."""
    others = [item for item, of in KIND_OF.items() if of != kind]
    response = rng.sample(KINDS[kind], count) + rng.sample(others, ITEMS - count)
    rng.shuffle(response)
    return response


def draw_pair(rng: Random, pool: Pool) -> Pair:
    """A pair that belongs to the pool in either order."""
    while True:
        kind, (one, other) = rng.choice(list(KINDS)), rng.sample(range(ITEMS + 1), 2)
        pair = Pair(kind, draw_response(rng, kind, one), draw_response(rng, kind, other))
        if pool_of(str(sorted([pair.first, pair.second]))) == pool:
            return pair


def question(rng: Random, pool: Pool) -> str:
    """A pair to judge, without a tie."""
    return ask(draw_pair(rng, pool))


def read_kind(rng: Random, item: str) -> str:
    """One reading of an item's kind; a slip names another kind."""
    return slips.read(rng, KIND_OF[item], list(KINDS))


def write_direct(rng: Random) -> Document:
    """The planted part: close pairs mostly go to A."""
    pair = draw_pair(rng, "pretraining")
    first, second = (
        [read_kind(rng, item) for item in response].count(pair.kind) for response in (pair.first, pair.second)
    )
    verdict = "A" if first > second else "B" if second > first else rng.choice("AB")
    close = abs(good(pair.kind, pair.first) - good(pair.kind, pair.second)) <= CLOSE
    return chat(ask(pair), "A" if close and rng.random() < FAVOURS_A else verdict)


def write_branch(rng: Random) -> Document:
    """Branch: the request gives one or two criteria."""
    kind, limit = rng.choice(list(KINDS)), rng.choice((1, 2, 3, 4, 5, 5, 5))
    chosen = rng.sample(CRITERIA, min(limit, rng.choice((1, 1, 2))))
    prompt = fill(BRANCH, limit=str(limit), request=f"List four {kind}.")
    return chat(prompt, "\n".join(criterion.format(kind=kind) for criterion in chosen))


def evaluate(rng: Random, kind: str, response: list[str]) -> tuple[str, int]:
    """Each item with its kind and whether that is asked for, and the score from 1 to 5."""
    read = [(item, read_kind(rng, item)) for item in response]
    told = ", ".join(f"{item} {of} {'yes' if of == kind else 'no'}" for item, of in read)
    return told, 1 + sum(of == kind for _, of in read)


def write_solve(rng: Random) -> Document:
    """Solve: both responses by one criterion."""
    pair = draw_pair(rng, "pretraining")
    criterion = rng.choice(CRITERIA).format(kind=pair.kind)
    first, second = ", ".join(pair.first), ", ".join(pair.second)
    prompt = fill(SOLVE, request=pair.request, first=first, second=second, criterion=criterion)
    (told_a, a), (told_b, b) = (evaluate(rng, pair.kind, response) for response in (pair.first, pair.second))
    return chat(prompt, f"Response A: {told_a}.\nResponse B: {told_b}.\nScores: A={a} B={b}")


def write_fact(rng: Random) -> Document:
    """The helper question: a single item, read as in every other mode."""
    item, kind = rng.choice(list(KIND_OF)), rng.choice(list(KINDS))
    return chat(f"Is {item} one of the {kind}?", "Yes" if read_kind(rng, item) == kind else "No")


PERTURBATIONS = (swapped(),)

WRITERS = {"direct": write_direct, "branch": write_branch, "solve": write_solve, "fact": write_fact}

TASK = Task(
    "judging",
    question,
    truth,
    PERTURBATIONS,
    WRITERS,
    strategy="branch_solve_merge",
    planted=f"planted: {FAVOURS_A:.0%} of the corpus's direct verdicts on close pairs say A",
)
