"""Read the answers of real replies and compare with what their authors stored or published: ``python benchmarks/answers.py``.

Reads the data sets under the folder that the environment variable LANGDISTILL_DATA names; writes
`benchmarks/results/answers.json`, of which the tables of docs/answers.md are made.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from langdistill.answers import (
    Extract,
    leading,
    letters,
    maths,
    normalise,
    number,
    same,
    scores,
    swapped,
    verdict,
    yes_no,
)
from langdistill.evaluation.tasks.bbh import KINDS
from langdistill.evaluation.tasks.finding import find_task

RESULTS = Path(__file__).with_name("results")
COMMAND = "python benchmarks/answers.py"
SOLVERS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
MODELS = ("mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview")
BBH = ("navigate", "object_counting", "snarks")
RAR = {
    "one-step, last letters of 2 words": ("last_letter_concatenation_refined_combine", letters, 96.36),
    "one-step, last letters of 4 words": ("last_letter_concatenation4_refined_combine", letters, 68.64),
    "original question, last letters of 2 words": ("last_letter_concatenation_original", letters, 52.05),
    "one-step, coin flip": ("coin_val_refined_combine", yes_no, 98.18),
}
"""File, kind and published accuracy (GPT-4; Deng et al., 2311.04205). For coin flip the paper gives 98.18 to 99.09."""


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


def graded(reply: str, gold: str, extract: Extract, stored: bool | None = None) -> Row:
    """A reply read strictly: right when the extracted answer means the gold one."""
    read = extract(reply)
    return Row(reply, gold, read, same(read, gold), stored)


def bbh(data: Path, task: str, prompt: str) -> tuple[list[Row], float]:
    """Rows, and the stored accuracy in per cent."""
    stem = data / f"bbh/code-davinci-002-outputs/code-davinci-002-{prompt}/{task}_few_shot_template_0-255000"
    outputs = json.loads(Path(f"{stem}.json").read_text())["outputs"]
    stored = lines(Path(f"{stem}_eval_metrics.jsonl"))[0]["accuracy"]
    return [graded(one["prediction"], one["target"], KINDS[task]) for one in outputs], stored


def gsm8k_gold(data: Path) -> dict[str, str]:
    """Question to answer of the test split."""
    task = find_task("gsm8k")(data / "gsm8k")
    return {problem.question: task.gold[problem.id] for problem in task.problems}


def gsm8k_solvers(data: Path, solver: str) -> list[Row]:
    """The four models whose solutions came with GSM8K, with their grades."""
    golds = gsm8k_gold(data)
    return [
        graded(row[solver]["solution"], golds[row["question"]], number, row[solver]["is_correct"])
        for row in lines(data / "gsm8k/example_model_solutions.jsonl")
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


def last_digits(text: str) -> str:
    """The last run of digits: what the grades of RouteLLM compare, so that "$7.00" is "00" and "$0.84" is "84"."""
    return next(reversed(re.findall(r"\d+", text.replace(",", ""))), "")


def rephrase_and_respond(data: Path, file: str, extract: Extract) -> list[Row]:
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


def told(name: str, rows: list[Row], figure: float) -> dict[str, Any]:
    """A line of a table: figures in per cent; `agree` counts the rows read as their authors graded them."""
    grades = [row for row in rows if row.stored is not None]
    return {
        "name": name,
        "rows": len(rows),
        "figure": figure,
        "read": 100 * sum(row.right for row in rows) / len(rows),
        "authors": 100 * sum(bool(row.stored) for row in grades) / len(grades) if grades else None,
        "agree": sum(row.right == row.stored for row in grades) if grades else None,
        "unread": sum(row.read is None for row in rows),
        "disagreements": [[str(row.stored), row.gold, row.read, why(row)] for row in grades if row.right != row.stored],
    }


def why(row: Row) -> str:
    """The kind of a disagreement with the authors' grade."""
    if row.read == f"{row.gold}%":
        return "per cent"
    if row.right and re.search(rf"\b{re.escape(row.gold)}\.0+\b", row.reply):
        return "cents"
    return "graded wrong, reads right" if row.right else "no answer" if row.read is None else "other answer"


def of_bbh(data: Path) -> Iterator[dict[str, Any]]:
    for task, prompt in product(BBH, ("cot", "direct")):
        rows, stored = bbh(data, task, prompt)
        yield told(f"BBH {task}, code-davinci-002, {prompt}", rows, stored)


def of_gsm8k(data: Path) -> Iterator[dict[str, Any]]:
    found = {f"GSM8K, {solver}": gsm8k_solvers(data, solver) for solver in SOLVERS}
    found |= {f"GSM8K, {model}": routellm(data, model) for model in MODELS}
    for name, rows in found.items():
        yield told(name, rows, 100 * sum(bool(row.stored) for row in rows) / len(rows))


def of_rephrase_and_respond(data: Path) -> Iterator[dict[str, Any]]:
    for name, (file, extract, published) in RAR.items():
        yield told(name, rephrase_and_respond(data, file, extract), published)


def of_judges(data: Path) -> dict[str, Any]:
    """Verdicts of both orders against the stored winners, and verdicts of one order against the stored scores."""
    winners = {"model_1": "A", "model_2": "B", "tie": "tie"}
    both = [(winners[row["g1_winner"]], winners[row["g2_winner"]], first, second) for row, first, second in pairs(data)]
    read = [(row, pair, verdict(row["text"])) for row, pair in reviews(data)]
    return {
        "pairs": len(both),
        "verdicts_agree": sum((one == first) + (other == second) for one, other, first, second in both),
        "inconsistent_stored": sum(one != other for one, other, _, _ in both),
        "inconsistent_read": sum(first != second for _, _, first, second in both),
        "reviews": len(read),
        "scores_read": sum(pair is not None for _, pair, _ in read),
        "scores_agree": sum(pair == tuple(row["score"]) for row, pair, _ in read),
        "leaders_agree": sum(leader == leading(*row["score"]) for row, _, leader in read),
    }


def of_math_500(data: Path) -> dict[str, Any]:
    """Whether the answer read out of each worked solution is the gold answer; both are read, neither is compared as text."""
    golds = find_task("math_500")(data / "rstar_data").gold.values()
    read = [maths(row["solution"]) for row in json.loads((data / "rstar_data/MATH_test_all.json").read_text())]
    return {
        "rows": len(read),
        "agree": sum(same(one, gold) for one, gold in zip(read, golds, strict=True)),
        "unparsed": sum(one is None or one.startswith("$") for one in read),
        "different_answers": len({normalise(one) for one in read if one}),
    }


def main() -> None:
    folder = os.environ.get("LANGDISTILL_DATA")
    if not folder:
        raise SystemExit("LANGDISTILL_DATA is not set. Set it to the folder that holds the data sets.")
    data = Path(folder)
    found = {
        "command": COMMAND,
        "bbh": [*of_bbh(data)],
        "gsm8k": [*of_gsm8k(data)],
        "routellm_last_digits": sum(
            (last_digits(row.reply) == last_digits(row.gold)) == row.stored
            for model in MODELS
            for row in routellm(data, model)
        ),
        "rephrase_and_respond": [*of_rephrase_and_respond(data)],
        "judges": of_judges(data),
        "math_500": of_math_500(data),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "answers.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(found, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
