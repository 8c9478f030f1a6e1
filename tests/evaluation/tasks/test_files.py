"""Every task read from its real file: as many rows as published, all right answers readable, stable ids."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from langdistill.answers import normalise
from langdistill.evaluation.tasks.finding import find_task, task_names
from langdistill.evaluation.tasks.taskset import TaskSet

RT = "reasoning_teacher"
BOTH = {"reviews": ["review_bard_vicuna-13b", "review_gpt35_vicuna-13b"]}


class Case(NamedTuple):
    """A file and how many problems it makes; judges' pairs count once."""

    task: str
    path: str
    rows: int
    settings: dict[str, Any]
    file: str | None = None
    """The same, by its file."""


CASES = [
    Case("gsm8k", "gsm8k", 1319, {}, "gsm8k/test.jsonl"),
    Case("gsm8k", "gsm8k", 7473, {"split": "train"}, "gsm8k/train.jsonl"),
    Case("gsm_hard", "pal", 1319, {}, "pal/gsmhardv2.jsonl"),
    Case("svamp", "svamp", 1000, {}, "svamp/SVAMP.json"),
    Case("svamp", RT, 300, {}, f"{RT}/dataset/svamp.json"),
    Case("svamp", RT, 700, {"split": "train"}, f"{RT}/dataset/svamp.json"),
    Case("multiarith", RT, 180, {}, f"{RT}/dataset/multiarith.json"),
    Case("multiarith", RT, 420, {"split": "train"}),
    Case("strategy_qa", "strategyqa", 229, {}, "strategyqa/dev.json"),
    Case("strategy_qa", "strategyqa", 2061, {"split": "train"}),
    Case("strategy_qa", RT, 687, {}, f"{RT}/dataset/strategy_qa.json"),
    Case("strategy_qa", RT, 1603, {"split": "train"}),
    Case("last_letters", RT, 150, {}, f"{RT}/dataset/last_letter_concatenation.json"),
    Case("last_letters", RT, 350, {"split": "train"}),
    Case("coin_flip", RT, 150, {}, f"{RT}/dataset/coin_flip.json"),
    Case("coin_flip", RT, 350, {"split": "train"}),
    Case("date_understanding", RT, 111, {}, f"{RT}/dataset/date_understanding.json"),
    Case("date_understanding", RT, 258, {"split": "train"}),
    Case("tracking_objects", RT, 225, {}, f"{RT}/dataset/tracking_shuffled_objects.json"),
    Case("tracking_objects", RT, 525, {"split": "train"}),
    Case("aqua", "pal", 254, {}, "pal/aqua.jsonl"),
    Case("bbh", "bbh", 6511, {}, None),
    Case("vicuna_pairs", "vicuna_reviews", 160, BOTH),
    Case("mt_bench_pairs", "fastchat_skycamp", 10, {}, "fastchat_skycamp/model_judgment/gpt-4_pair.jsonl"),
]


def case_id(case: Case) -> str:
    return f"{case.task}-{case.path}-{case.settings.get('split', 'test')}"


ALL = pytest.mark.parametrize("case", CASES, ids=case_id)


def read(data: Path, case: Case, **settings: Any) -> TaskSet:
    return find_task(case.task)(data / case.path, **case.settings, **settings)


def ids(task: TaskSet) -> list[tuple[str, str | None]]:
    return [(problem.id, problem.perturbation) for problem in task.problems]


def test_every_task_is_read_from_a_real_file() -> None:
    """CommonsenseQA from excerpts, in test_shapes.py; MATH-500, which takes seconds, in a test of its own."""
    assert set(task_names()) - {case.task for case in CASES} == {"commonsense_qa", "math_500"}


@ALL
def test_all_rows_are_there_and_every_right_answer_is_right(data: Path, case: Case) -> None:
    task = read(data, case)
    judged = case.task.endswith("_pairs")
    assert len(task.gold) == case.rows
    assert len(task.problems) == len(set(ids(task))) == case.rows * (2 if judged else 1)
    assert {problem.id for problem in task.problems} == set(task.gold)
    assert set(task.categories) in (set(), set(task.gold))
    assert "{question}" in task.prompt
    assert all(problem.question.strip() and normalise(task.gold[problem.id]) for problem in task.problems)
    wrong = [key for key, gold in task.gold.items() if not task.equal(task.extract(f"The answer is {gold}."), gold)]
    assert wrong == []


@pytest.mark.slow
def test_every_published_solution_of_math_500_ends_in_the_right_answer(data: Path) -> None:
    task = find_task("math_500")(data / "rstar_data")
    rows = json.loads((data / "rstar_data/MATH_test_all.json").read_text())
    told = [task.extract(row["solution"]) for row in rows]
    assert sum(task.equal(one, gold) for one, gold in zip(told, task.gold.values(), strict=True)) >= 497
    # on an idle machine 500: a formula that is not read within seconds counts as none
    assert (len(set(ids(task))), task.problems[0].id) == (500, "math_500-test-precalculus-807")
    assert task.categories[task.problems[0].id] == "Precalculus, level 2"
    levels = Counter(one.rpartition(" ")[2] for one in task.categories.values())
    assert levels == {"5": 134, "4": 128, "3": 105, "2": 90, "1": 43}
    drawn = find_task("math_500")(data / "rstar_data/MATH_test_all.json", limit=7, seed=3)
    assert drawn.gold == {one.id: task.gold[one.id] for one in task.problems if one.id in drawn.gold}
    assert len(drawn.gold) == 7


@pytest.mark.parametrize("case", [case for case in CASES if case.file], ids=case_id)
def test_a_folder_and_its_file_are_the_same(data: Path, case: Case) -> None:
    few = {**case.settings, "limit": 20}
    one, other = (find_task(case.task)(data / str(path), **few) for path in (case.path, case.file))
    assert (one.problems, one.gold, one.categories) == (other.problems, other.gold, other.categories)


@pytest.mark.parametrize("case", [case for case in CASES if "split" not in case.settings], ids=case_id)
def test_limit_and_seed_draw_the_same_rows_again(data: Path, case: Case) -> None:
    first, drawn, again = (read(data, case, limit=7, seed=seed) for seed in (None, 3, 3))
    assert ids(drawn) == ids(again)
    assert ids(drawn) != ids(first)
    whole = ids(read(data, case))
    assert [one for one in whole if one in set(ids(drawn))] == ids(drawn), "rows keep their ids and their order"
    if case.task != "bbh":
        assert ids(read(data, case, limit=7, seed=4)) != ids(drawn)
        assert len(first.gold) == len(drawn.gold) == 7


@pytest.mark.parametrize(
    "name",
    ["svamp", "multiarith", "strategy_qa", "last_letters", "coin_flip", "date_understanding", "tracking_objects"],
)
def test_train_and_test_share_no_row(data: Path, name: str) -> None:
    test, train = (find_task(name)(data / RT, split=split) for split in ("test", "train"))
    assert not set(test.gold) & set(train.gold)


@pytest.mark.parametrize(("name", "shared"), [("multiarith", 5), ("strategy_qa", 1), ("date_understanding", 0)])
def test_questions_that_the_published_split_has_on_both_sides(data: Path, name: str, shared: int) -> None:
    test, train = (find_task(name)(data / RT, split=split) for split in ("test", "train"))
    known = {problem.question for problem in train.problems}
    assert sum(problem.question in known for problem in test.problems) == shared


def test_another_published_split_is_taken_when_it_is_named(data: Path) -> None:
    split = data / RT / "data/split/multiarith__template.json"
    test, train = (find_task("multiarith")(data / RT, split=side, split_file=split) for side in ("test", "train"))
    assert (len(test.gold), len(train.gold)) == (187, 413)
    assert not {one.question for one in test.problems} & {one.question for one in train.problems}


def test_categories_are_the_published_ones(data: Path) -> None:
    svamp = find_task("svamp")(data / "svamp")
    assert Counter(svamp.categories.values()) == {
        "Subtraction": 531, "Addition": 195, "Common-Division": 166, "Multiplication": 108,
    }  # fmt: skip
    bbh = Counter(find_task("bbh")(data / "bbh").categories.values())
    assert (len(bbh), bbh["snarks"], bbh["penguins_in_a_table"], bbh["causal_judgement"]) == (27, 178, 146, 187)
    assert sum(count == 250 for count in bbh.values()) == 24
    vicuna = Counter(find_task("vicuna_pairs")(data / "vicuna_reviews", **BOTH).categories.values())
    assert vicuna == {
        "generic": 20, "knowledge": 20, "roleplay": 20, "common-sense": 20, "fermi": 20, "counterfactual": 20,
        "coding": 14, "math": 6, "writing": 20,
    }  # fmt: skip


def test_gsm8k_is_what_it_was_in_gsm_hard_and_in_reasoning_teachers(data: Path) -> None:
    plain = find_task("gsm8k")(data / "gsm8k")
    rows = json.loads((data / RT / "dataset/gsm8k_test_only.json").read_text())
    told = {problem.question: plain.gold[problem.id] for problem in plain.problems}
    assert [plain.extract(row["answer"]) for row in rows] == [told[row["question"]] for row in rows]
