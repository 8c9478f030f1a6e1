"""The questions that have known sub-questions, the rules that need no training, and how lists of sub-questions are compared.

GSM8K in its socratic form (Cobbe et al., 2110.14168) and the decompositions of StrategyQA (Geva et al., 2101.02235). Of the former
only the 1,319 test questions are at hand, so these are split: a quarter, drawn by the question alone, is the test. Of the latter
dev.json is the test.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any, NamedTuple

from langdistill.intervals import student_interval
from langdistill.records import digest
from langdistill.similarity.rouge_l import rouge_l

TEST_SHARE = 0.25
"""Of GSM8K's socratic questions."""
DRAWS = 2000
"""Of a bootstrap over questions."""
TYPICAL = 200
"""Lists that the most typical one is chosen from and compared with."""
ANNOTATION = re.compile(r"<<.*?>>|\n#### .*")
SENTENCE = re.compile(r"(?<=[.!?])\s+")
MEASURES = ("rouge_l", "count_error", "right_count", "repeated")


class Item(NamedTuple):
    """A question and what must be answered on the way to its answer."""

    question: str
    parts: list[str]
    """Its sub-questions, in order."""

    @property
    def text(self) -> str:
        """The sub-questions, one a line."""
        return "\n".join(self.parts)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def one_line(text: str) -> str:
    return " ".join(text.split())


def listed(text: str) -> list[str]:
    """The lines of a reply that hold anything."""
    return [one for line in text.splitlines() if (one := one_line(line))]


def socratic(data: Path) -> list[Item]:
    """GSM8K's test questions; each line of a solution but the last is "sub-question ** step"."""
    return [
        Item(row["question"].strip(), [one_line(line.split(" ** ")[0]) for line in row["answer"].splitlines()[:-1]])
        for row in lines(data / "gsm8k/test_socratic.jsonl")
    ]


def decompositions(data: Path, part: str) -> list[Item]:
    """StrategyQA's questions of "train" or "dev"; "#1" in a sub-question is the answer to the first."""
    rows = json.loads((data / f"strategyqa/{part}.json").read_text())
    return [Item(row["question"].strip(), [one_line(one) for one in row["decomposition"]]) for row in rows]


def published(data: Path, *, cut: bool = False) -> dict[str, list[str]]:
    """The predictions for dev that came with StrategyQA, by question. Many hold two questions in a line, which may be cut."""
    rows = lines(data / "strategyqa/bart_decomp_dev_predictions.jsonl")
    found = {row["question"].strip(): "\n".join(row["decomposition"]) for row in rows}
    return {question: listed(text.replace("?", "?\n") if cut else text) for question, text in found.items()}


def readings(data: Path, known: Container[str]) -> list[tuple[str, str]]:
    """What a model may read first: questions, each with a text that begins with its last sentence, which teaches to copy.

    They are GSM8K's training questions with their solutions, which have no sub-questions, and of StrategyQA's training questions
    those that are known, with the facts behind their answers.
    """
    solved = [(row["question"], ANNOTATION.sub("", row["answer"])) for row in lines(data / "gsm8k/train.jsonl")]
    rows = json.loads((data / "strategyqa/train.json").read_text())
    facts = [(row["question"], " ".join(row["facts"])) for row in rows if row["question"].strip() in known]
    found = [(question.strip(), one_line(text)) for question, text in [*solved, *facts]]
    return [(question, f"{SENTENCE.split(question)[-1]}\n{text}") for question, text in found]


def drawn(question: str) -> float:
    """A number from 0 to 1 that the question alone decides."""
    return int(digest("test", question)[:8], 16) / 16**8


def gsm8k(data: Path) -> tuple[list[Item], list[Item]]:
    """What may be learnt from, and the test."""
    items = socratic(data)
    return (
        [item for item in items if drawn(item.question) >= TEST_SHARE],
        [item for item in items if drawn(item.question) < TEST_SHARE],
    )


def strategy_qa(data: Path) -> tuple[list[Item], list[Item]]:
    """What may be learnt from, and the test."""
    return decompositions(data, "train"), decompositions(data, "dev")


TASKS: dict[str, Callable[[Path], tuple[list[Item], list[Item]]]] = {"gsm8k": gsm8k, "strategy_qa": strategy_qa}


def scores(said: Sequence[str], gold: Sequence[str]) -> dict[str, float]:
    """ROUGE-L F1 of the lists, each joined by newlines; how far their lengths are apart; whether they are equal; and
    whether a line is said twice.
    """
    apart = abs(len(said) - len(gold))
    return {
        "rouge_l": rouge_l("\n".join(said), "\n".join(gold)),
        "count_error": float(apart),
        "right_count": float(not apart),
        "repeated": float(len(set(said)) < len(said)),
    }


def last_sentence(item: Item, learnt: Sequence[Item]) -> list[str]:
    """What is asked for in the end, as the only sub-question; StrategyQA's questions are one sentence."""
    return [SENTENCE.split(item.question)[-1]]


def nearest(item: Item, learnt: Sequence[Item]) -> list[str]:
    """The list of the most similar question; of several as similar, of the first."""
    return max(learnt, key=lambda one: rouge_l(item.question, one.question)).parts


def nearest_ending(item: Item, learnt: Sequence[Item]) -> list[str]:
    """That list, with what is asked for in the end in the place of its last sub-question."""
    return [*nearest(item, learnt)[:-1], *last_sentence(item, learnt)]


def typical(learnt: Sequence[Item]) -> list[str]:
    """One list for all questions: of the first lists of the commonest length, the one most like them all."""
    [(length, _)] = Counter(len(item.parts) for item in learnt).most_common(1)
    some = [item for item in learnt if len(item.parts) == length][:TYPICAL]
    return max(some, key=lambda item: sum(rouge_l(item.text, other.text) for other in some)).parts


def resampled(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the mean over questions, by bootstrap (Efron, 1979)."""
    dice = Random(0)
    means = sorted(mean(dice.choices(values, k=len(values))) for _ in range(DRAWS))
    return means[round(0.025 * DRAWS)], means[round(0.975 * DRAWS) - 1]


def told(runs: Sequence[Sequence[float]]) -> dict[str, Any]:
    """A figure of each question in each run: its mean, that of each run, and the intervals over runs and over questions."""
    each = [mean(run) for run in runs]
    questions = [mean(values) for values in zip(*runs, strict=True)]
    return {
        "value": mean(each),
        "runs": each,
        "over_seeds": student_interval(each) if len(set(each)) > 1 else None,
        "over_questions": resampled(questions),
    }


RULES: dict[str, Callable[[Item, Sequence[Item]], list[str]]] = {
    "last_sentence": last_sentence,
    "nearest": nearest,
    "nearest_ending": nearest_ending,
}
"""Each from an item, of which only the question is read, and those that were learnt from."""
