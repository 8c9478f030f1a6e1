"""Read the answers of real replies and compare with what their authors stored or published: ``python benchmarks/answers.py``.

Reads the data sets under the folder that the environment variable LANGDISTILL_DATA names; writes
`benchmarks/results/answers.json`, of which the tables of docs/answers.md are made.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from langdistill.answers import choice, letters, number, same, scores, swapped, verdict, yes_no

RESULTS = Path(__file__).with_name("results")
COMMAND = "python benchmarks/answers.py"
SOLVERS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
BBH = {"navigate": yes_no, "object_counting": number, "snarks": choice}
RAR = {
    "one-step, last letters of 2 words": ("last_letter_concatenation_refined_combine", letters, 96.36),
    "one-step, last letters of 4 words": ("last_letter_concatenation4_refined_combine", letters, 68.64),
    "original question, last letters of 2 words": ("last_letter_concatenation_original", letters, 52.05),
    "one-step, coin flip": ("coin_val_refined_combine", yes_no, 98.64),
}
"""File, kind and published accuracy (2311.04205, GPT-4); coin flip stands there between 98.18 and 99.09."""


class Row(NamedTuple):
    """A reply as we read it, and as its authors graded it."""

    reply: str
    gold: str
    read: str | None
    right: bool
    stored: bool | None
    """`None` where the authors stored no grade of this row."""


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def graded(reply: str, gold: str, extract: Callable[[str], str | None], stored: bool | None = None) -> Row:
    """A reply read strictly: right when the extracted answer means the gold one."""
    read = extract(reply)
    return Row(reply, gold, read, same(read, gold), stored)


def bbh(data: Path, task: str, prompt: str) -> tuple[list[Row], float]:
    """Rows, and the stored accuracy in per cent."""
    stem = data / f"bbh/code-davinci-002-outputs/code-davinci-002-{prompt}/{task}_few_shot_template_0-255000"
    outputs = json.loads(Path(f"{stem}.json").read_text())["outputs"]
    stored = lines(Path(f"{stem}_eval_metrics.jsonl"))[0]["accuracy"]
    return [graded(one["prediction"], one["target"], BBH[task]) for one in outputs], stored


def gsm8k_gold(data: Path) -> dict[str, str]:
    """Question to answer of the test split."""
    return {row["question"]: row["answer"].rpartition("####")[2].strip() for row in lines(data / "gsm8k/test.jsonl")}


def gsm8k_solvers(data: Path, solver: str) -> list[Row]:
    """The four models whose solutions came with GSM8K, with their grades."""
    rows = lines(data / "gsm8k/example_model_solutions.jsonl")
    golds = [number(row["ground_truth"].rpartition("A:")[2]) or "" for row in rows]
    return [
        graded(row[solver]["solution"], gold, number, row[solver]["is_correct"])
        for row, gold in zip(rows, golds, strict=True)
    ]


def routellm(data: Path, model: str) -> list[Row]:
    """Replies of two models to GSM8K, with the grades of RouteLLM."""
    golds = gsm8k_gold(data)
    csv.field_size_limit(10**7)
    with (data / "routellm/gsm8k/gsm8k_responses.csv").open(newline="") as file:
        return [
            graded(row[f"{model}_response"], golds[row["prompt"]], number, row[model] == "True")
            for row in csv.DictReader(file)
        ]


def rephrase_and_respond(data: Path, file: str, extract: Callable[[str], str | None]) -> list[Row]:
    """Replies with the authors' grade: a substring match, then their marks by hand on what it left over."""
    folder = data / "rar/log_gpt-4_1step"
    left = (folder / f"{file}_wrong.json").read_text().splitlines()
    wrong = {key(json.loads(line)) for line in left if line.startswith("{")}
    return [
        graded(row["response"], row["answer"], extract, key(row) not in wrong)
        for row in lines(folder / f"{file}_response.json")
    ]


def key(row: dict[str, Any]) -> tuple[str, str]:
    return row["question"], row["response"]


def pairs(data: Path) -> Iterator[tuple[dict[str, Any], str | None, str | None]]:
    """GPT-4's judgements of two orders: what was stored, and both verdicts on model 1 (A) and model 2 (B)."""
    for row in lines(data / "fastchat_skycamp/model_judgment/gpt-4_pair.jsonl"):
        yield row, verdict(row["g1_judgment"]), swapped(verdict(row["g2_judgment"]))


def reviews(data: Path) -> Iterator[tuple[dict[str, Any], tuple[float, float] | None]]:
    """GPT-4's reviews with a score for each of two responses, in one order: what was stored, and the scores read."""
    for path in sorted((data / "vicuna_reviews/review").rglob("*.jsonl")):
        for row in lines(path):
            yield row, scores(row["text"])


def told(rows: list[Row], figure: float) -> dict[str, Any]:
    """A line of the table; `agree` counts rows read as their authors graded them."""
    grades = [row for row in rows if row.stored is not None]
    return {
        "rows": len(rows),
        "stored": figure,
        "read": 100 * sum(row.right for row in rows) / len(rows),
        "agree": sum(row.right == row.stored for row in grades) if grades else None,
        "unread": sum(row.read is None for row in rows),
    }


if __name__ == "__main__":
    pass
