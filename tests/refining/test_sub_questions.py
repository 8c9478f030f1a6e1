"""The benchmark of sub-questions: what it reads of the real data sets, how it splits them, and how it compares lists."""

from __future__ import annotations

import json
import runpy
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks"
RULES: dict[str, Any] = runpy.run_path(str(FOLDER / "sub_question_rules.py"))
Item = RULES["Item"]


@pytest.fixture(scope="module")
def script() -> Iterator[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield runpy.run_path(str(FOLDER / "sub_questions.py"))


def counted(items: list[Any]) -> tuple[int, int, int, tuple[int, int]]:
    """Questions, different ones, sub-questions, and the commonest count with how often it is."""
    sizes = Counter(len(item.parts) for item in items)
    return len(items), len({item.question for item in items}), sum(sizes.elements()), sizes.most_common(1)[0]


def test_every_sub_question_of_gsm8k_is_read(data: Path) -> None:
    items = RULES["socratic"](data)
    assert counted(items) == (1319, 1319, 4821, (3, 370))
    assert items[1].parts == [
        "How many bolts of white fiber does it take?",
        "How many bolts in total does it take?",
    ]
    assert not any("**" in part or "<<" in part or not part for item in items for part in item.parts)


def test_every_decomposition_of_strategy_qa_is_read(data: Path) -> None:
    train, dev = (RULES["decompositions"](data, part) for part in ("train", "dev"))
    assert counted(train) == (2061, 2060, 6046, (3, 1096))  # one question is there twice, decomposed in two ways
    assert counted(dev) == (229, 229, 674, (3, 123))
    assert train[0].parts == [
        "How many kids did Julius Caesar have?",
        "How many kids did Genghis Khan have?",
        "Is #2 greater than #1?",
    ]


def test_the_published_predictions_are_of_the_test_questions(data: Path) -> None:
    whole, cut = (RULES["published"](data, cut=cut) for cut in (False, True))
    gold = {item.question: item.parts for item in RULES["decompositions"](data, "dev")}
    assert set(whole) == set(cut) == set(gold)
    assert Counter(map(len, whole.values())) == {2: 227, 3: 2}
    assert sum(len(whole[question]) != len(cut[question]) for question in gold) == 62
    asked = "Will the Albany in Georgia reach a hundred thousand occupants before the one in New York?"
    assert cut[asked] == [
        "What is the population of Albany, Georgia?",
        "How many people are in the Albany, New York?",
        "Is #1 greater than or equal to #2?",
    ]


def test_the_text_for_pre_training_holds_no_test_question(data: Path) -> None:
    train = RULES["decompositions"](data, "train")
    texts = RULES["readings"](data, {item.question for item in train[:10]})
    assert len(texts) == 7473 + 10
    assert texts[0][1].startswith(
        "How many clips did Natalia sell altogether in April and May?\nNatalia sold 48/2 = 24 clips"
    )
    assert not any("<<" in text or "####" in text for _, text in texts)
    asked = {item.question for item in [*RULES["socratic"](data), *RULES["decompositions"](data, "dev")]}
    assert not {question for question, _ in texts} & asked


@pytest.mark.parametrize(("task", "sizes"), [("gsm8k", (882, 90, 347)), ("strategy_qa", (1869, 192, 229))])
def test_no_question_is_on_two_sides_of_a_split(
    task: str, sizes: tuple[int, ...], data: Path, tmp_path: Path, script: dict[str, Any]
) -> None:
    validations: list[set[str]] = []
    for seed in (0, 1):
        run = script["Run"](seed, data, tmp_path)
        sides = [run.rows(task, "train"), run.rows(task, "validation"), run.asked(task)]
        train, validation, test = ({item.question for item in side} for side in sides)
        assert len(train) + len(validation) + len(test) == len(train | validation | test)
        assert len(train | validation | test) == (1319 if task == "gsm8k" else 2289)
        validations.append(validation)
        if seed == 0:
            assert tuple(map(len, sides)) == sizes
    assert validations[0] != validations[1]  # drawn anew for each seed


def test_the_rows_are_what_was_read(data: Path, tmp_path: Path, script: dict[str, Any]) -> None:
    known = {item.question: item.parts for item in RULES["socratic"](data)}
    rows = script["Run"](0, data, tmp_path).rows("gsm8k", "train")
    assert all(known[item.question] == item.parts for item in rows)


@pytest.mark.parametrize(
    ("said", "gold", "wanted"),
    [
        (["How many eggs?", "How much money?"], ["How many eggs?", "How much money?"], (1.0, 0.0, 1.0, 0.0)),
        (["How many eggs?"], ["How many eggs?", "How much money?"], (2 * 3 / 9, 1.0, 0.0, 0.0)),
        (["How much money?", "How many eggs?"], ["How many eggs?", "How much money?"], (2 * 3 / 12, 0.0, 1.0, 0.0)),
        ([], ["How many eggs?"], (0.0, 1.0, 0.0, 0.0)),
        (["Where?", "Who?", "Where?"], ["How many eggs?"], (0.0, 2.0, 0.0, 1.0)),
    ],
)
def test_lists_are_compared(said: list[str], gold: list[str], wanted: tuple[float, ...]) -> None:
    assert RULES["scores"](said, gold) == dict(zip(RULES["MEASURES"], wanted, strict=True))


def test_the_kept_figures_are_of_these_questions(data: Path) -> None:
    kept = json.loads((FOLDER / "results/sub_questions.json").read_text())["tasks"]
    for name, task in kept.items():
        items = RULES["TASKS"][name](data)[1]
        assert task["questions"] == len(items)
        found = RULES["told"](
            [[RULES["scores"](RULES["last_sentence"](item, []), item.parts)["rouge_l"] for item in items]]
        )
        assert task["arms"]["last_sentence"]["rouge_l"]["value"] == pytest.approx(found["value"])
    cut = RULES["published"](data, cut=True)
    right = [len(cut[item.question]) == len(item.parts) for item in RULES["TASKS"]["strategy_qa"](data)[1]]
    assert kept["strategy_qa"]["arms"]["published_cut"]["right_count"]["value"] == pytest.approx(sum(right) / 229)


def test_the_rules() -> None:
    learnt = [
        Item("Ann has 3 pens. How many pens?", ["How many pens has Ann?", "How many pens?"]),
        Item("Bob sells 9 cakes at $2. How much money?", ["How many cakes?", "How much money does Bob get?"]),
        Item("Is it raining?", ["Is it raining?"]),
    ]
    asked = Item("Cid sells 5 cakes at $4. How much money does he make?", ["poisoned"])
    assert RULES["last_sentence"](asked, learnt) == ["How much money does he make?"]
    assert RULES["nearest"](asked, learnt) == learnt[1].parts
    assert RULES["nearest_ending"](asked, learnt) == ["How many cakes?", "How much money does he make?"]
    assert len(RULES["typical"](learnt)) == 2


def test_a_reply_is_read_line_by_line() -> None:
    assert RULES["listed"]("How many  eggs?\n\n  How much? \n") == ["How many eggs?", "How much?"]


def test_figures_are_told_with_both_intervals() -> None:
    told = RULES["told"]([[0.0, 1.0], [0.5, 1.0]])
    assert (told["value"], told["runs"]) == (0.625, [0.5, 0.75])
    assert told["over_seeds"] == pytest.approx((0.625 - 12.706 * 0.125, 0.625 + 12.706 * 0.125))
    assert told["over_questions"] == (0.25, 1.0)  # every draw is one of (0.25, 0.25), (0.25, 1), (1, 0.25), (1, 1)
    assert RULES["told"]([[1.0, 0.0]] * 3)["over_seeds"] is None  # nothing differs by seed
