"""The stored solutions, split by question, and the linear models that rank and doubt them.

`bradley_terry` is the paper's loss (2311.07961, section 3.3), -log sigmoid of the difference of two scores, on features instead of a
language model; `logistic` says how likely a solution is to be wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
from solution_features import Array, Expected, checked, surface
from solution_reading import Solution

from langdistill.answers import number, same

MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
SPLITS, TEST, VALIDATION = 5, 0.25, 0.15
"""How many, and the shares of the questions."""
PENALTIES = (1.0, 10.0, 100.0, 300.0)
"""Of squared weights; the one of the least loss on the validation part is taken."""


@dataclass(frozen=True)
class Asked:
    """A question with the solutions of four models, in the order of `MODELS`."""

    id: str
    question: str
    texts: tuple[str, ...]
    right: tuple[bool, ...]
    """As stored; the package's reading of the answers agrees with every one."""

    @property
    def solutions(self) -> list[Solution]:
        return [Solution(self.question, text) for text in self.texts]

    @property
    def answers(self) -> list[str | None]:
        return [number(text) for text in self.texts]

    def differs(self, one: int, other: int) -> bool:
        """Whether two models come to different answers, as the graph sees it."""
        first, second = self.answers[one], self.answers[other]
        if first is None or second is None:
            return self.texts[one].strip() != self.texts[other].strip()
        return not same(first, second)


class Pair(NamedTuple):
    """A right and a wrong solution of one question: its index, and those of the models."""

    question: int
    right: int
    wrong: int


@dataclass(frozen=True)
class Split:
    """Indices of the questions; the parts share none."""

    train: list[int]
    validation: list[int]
    test: list[int]


def read_solutions(data: Path) -> list[Asked]:
    """All 1,319 questions."""
    lines = (data / "gsm8k/example_model_solutions.jsonl").read_text("utf-8").splitlines()
    return [_asked(at, json.loads(line)) for at, line in enumerate(lines)]


def _asked(at: int, row: dict[str, Any]) -> Asked:
    told = [row[name] for name in MODELS]
    right = tuple(bool(one["is_correct"]) for one in told)
    return Asked(f"gsm8k-{at:04}", row["question"], tuple(one["solution"] for one in told), right)


def read_training(data: Path) -> list[Solution]:
    """GSM8K's own training split, whose questions are others, as the models write solutions."""
    lines = (data / "gsm8k/train.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [Solution(row["question"], row["answer"].replace("#### ", "A: ")) for row in rows]


def split(count: int, seed: int) -> Split:
    """Train, validation and test, by question."""
    order = Random(seed).sample(range(count), count)
    tested, validated = round(TEST * count), round((TEST + VALIDATION) * count)
    return Split(sorted(order[validated:]), sorted(order[tested:validated]), sorted(order[:tested]))


def pairs(asked: Sequence[Asked], questions: Sequence[int]) -> list[Pair]:
    """Every right solution beside every wrong one of the same question."""
    return [
        Pair(at, good, bad)
        for at in questions
        for good, bad in product(range(len(MODELS)), repeat=2)
        if asked[at].right[good] and not asked[at].right[bad]
    ]


def won(scores: Array, some: Sequence[Pair]) -> float:
    """Share of the pairs whose right solution has the higher score; equal ones count half."""
    margins = np.array([scores[one.question, one.right] - scores[one.question, one.wrong] for one in some])
    return float(np.mean((margins > 0) + (margins == 0) / 2))


def surface_features(asked: Sequence[Asked]) -> Array:
    """Shape (questions, models, features)."""
    return np.array([[surface(one) for one in each.solutions] for each in asked])


def all_features(asked: Sequence[Asked], training: Sequence[Solution]) -> Array:
    """Shape (questions, models, features)."""
    expected = Expected(training)
    return np.array([[checked(one, expected) for one in each.solutions] for each in asked])


@dataclass(frozen=True)
class Linear:
    """A weighted sum of standardised features."""

    mean: Array
    scale: Array
    weights: Array
    intercept: float = 0.0

    def scores(self, features: Array) -> Array:
        """A score for each row of features, whatever the shape before them."""
        return (features - self.mean) / self.scale @ self.weights + self.intercept

    def probabilities(self, features: Array) -> Array:
        return sigmoid(self.scores(features))


def sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(values, -30, 30)))


def bradley_terry(features: Array, asked: Sequence[Asked], parts: Split) -> Linear:
    """A ranker of the training part's pairs."""
    mean, scale = _standard(features, parts.train)
    scaled = (features - mean) / scale

    def margins(questions: Sequence[int]) -> Array:
        found = np.array(pairs(asked, questions))
        return scaled[found[:, 0], found[:, 1]] - scaled[found[:, 0], found[:, 2]]

    return Linear(mean, scale, _chosen(margins(parts.train), margins(parts.validation)))


def logistic(features: Array, asked: Sequence[Asked], parts: Split) -> Linear:
    """How likely a solution is to be wrong, of the training part's solutions."""
    mean, scale = _standard(features, parts.train)

    def signed(questions: Sequence[int]) -> Array:
        scaled = ((features[questions] - mean) / scale).reshape(-1, features.shape[-1])
        wrong = ~np.array([asked[at].right for at in questions]).ravel()
        return np.c_[scaled, np.ones(len(scaled))] * np.where(wrong, 1, -1)[:, None]

    weights = _chosen(signed(parts.train), signed(parts.validation), free=1)
    return Linear(mean, scale, weights[:-1], float(weights[-1]))


def _standard(features: Array, questions: Sequence[int]) -> tuple[Array, Array]:
    rows = features[questions].reshape(-1, features.shape[-1])
    return rows.mean(0), rows.std(0) + 1e-9


def _chosen(train: Array, validation: Array, free: int = 0) -> Array:
    """Weights by the penalty of the least loss on the validation part."""
    found = [_newton(train, penalty, free) for penalty in PENALTIES]
    return min(found, key=lambda weights: float(np.mean(np.logaddexp(0, -(validation @ weights)))))


def _newton(margins: Array, penalty: float, free: int) -> Array:
    """Weights of the least sum of -log sigmoid(margins @ weights), squared weights penalised but for the last so many."""
    size = margins.shape[1]
    weights, ridge = np.zeros(size), np.diag([penalty] * (size - free) + [1e-6] * free)
    for _ in range(20):
        wrong = sigmoid(-(margins @ weights))
        gradient = ridge @ weights - margins.T @ wrong
        curvature = (margins * (wrong * (1 - wrong))[:, None]).T @ margins + ridge
        weights = weights - np.linalg.solve(curvature, gradient)
    return weights


Read = Callable[[dict[str, str]], float]


def reading(model: Linear, features: Callable[[Solution], Sequence[float]], *, probable: bool = False) -> Read:
    """A linear model as a function from a question and a reply to a score, which `ranker` takes, or to a probability: `classifier`."""
    tell = model.probabilities if probable else model.scores
    return lambda one: float(tell(np.array(features(Solution(one["question"], one["reply"])))))
