"""Files of another shape, other splits, wrong paths: what is told. And shapes of which no real file is at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import DatasetError, UnknownName
from langdistill.evaluation.tasks.finding import find_task, task_names

EXCERPTS = Path(__file__).with_name("excerpts")


def written(path: Path, *rows: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in rows))
    return path


def test_there_is_no_task_of_another_name() -> None:
    with pytest.raises(UnknownName, match=r"There is no task named 'gsm9k'. Known: aqua, bbh, .*vicuna_pairs"):
        find_task("gsm9k")
    assert [find_task(name).__name__ for name in task_names()] == task_names()


@pytest.mark.parametrize("name", task_names())
def test_a_path_that_leads_nowhere_tells_where_the_file_comes_from(name: str, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(DatasetError, match="It comes from https://"):
            find_task(name)(path)


@pytest.mark.parametrize("name", task_names())
def test_there_is_no_other_split(name: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="split"):
        find_task(name)(tmp_path, split="validation")


@pytest.mark.parametrize("name", ["aqua", "bbh", "gsm_hard", "math_500", "mt_bench_pairs", "vicuna_pairs"])
def test_a_test_set_has_no_train_split(name: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="canary" if name == "bbh" else "no split 'train'"):
        find_task(name)(tmp_path, split="train")


def test_train_rows_are_never_read_as_test(tmp_path: Path) -> None:
    row = {"question": "How many are 1 and 1?", "answer": "#### 2"}
    train = written(tmp_path / "train.jsonl", row)
    with pytest.raises(DatasetError, match=r"is the train split, and 'test' was asked for. Say split='train'"):
        find_task("gsm8k")(train)
    assert find_task("gsm8k")(train, split="train").gold == {"gsm8k-train-0": "2"}


@pytest.mark.parametrize(
    ("rows", "told"),
    [([{"question": "1 and 1?", "answer": "2"}], "row 1: the answer '2' closes with no"),
     ([{"question": "1 and 1?", "answer": "so\n#### none"}], "row 1: ' none' is no answer that can be read"),
     ([{"question": "1 and 1?", "answer": "#### 2"}, {"question": "2 and 2?"}], "row 2: has no 'answer'; it holds question"),
     ([{"question": "1 and 1?", "answer": "#### 2"}, {"question": "2 and 2?", "answer": " "}], "row 2: answer is ' ', where"),
     ([{"question": "1 and 1?", "answer": None}], "row 1: answer is None, where"),
     ([{"question": "", "answer": "#### 2"}], "row 1: question is '', where"),
     (["not json"], "line 1 is no JSON"), (["[1, 2]"], "row 1 is 1, where an object was expected"), ([""], "holds no rows"),
     (['{"question": "a"}', '{"question":'], "line 2 is no JSON")],
)  # fmt: skip
def test_a_row_without_its_parts_is_told_with_its_place(tmp_path: Path, rows: list[Any], told: str) -> None:
    with pytest.raises(DatasetError, match=told) as caught:
        find_task("gsm8k")(written(tmp_path / "test.jsonl", *rows))
    assert str(tmp_path / "test.jsonl") in str(caught.value)
    assert "https://github.com/openai/grade-school-math" in str(caught.value)


def test_a_byte_order_mark_and_empty_lines_do_no_harm(tmp_path: Path) -> None:
    row = json.dumps({"question": "1 and 1?", "answer": "#### 1,002"})
    (tmp_path / "test.jsonl").write_bytes(b"\xef\xbb\xbf" + f"{row}\r\n\r\n{row}\r\n".encode())
    assert find_task("gsm8k")(tmp_path).gold == {"gsm8k-test-0": "1002", "gsm8k-test-1": "1002"}


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_leaves_something(tmp_path: Path, limit: int) -> None:
    written(tmp_path / "test.jsonl", {"question": "1 and 1?", "answer": "#### 2"})
    with pytest.raises(DatasetError, match=f"limit={limit} leaves nothing to ask"):
        find_task("gsm8k")(tmp_path, limit=limit)


def indexed(folder: Path, split: Any, rows: int = 3) -> Path:
    """A set of Reasoning Teachers of our own."""
    told = [{"question": f"Is {at} even?", "answer": "no" if at % 2 else "yes"} for at in range(rows)]
    written(folder / "data/split/coin_flip__default.json", split)
    return written(folder / "dataset/coin_flip.json", told)


def test_indices_tell_which_rows_are_test(tmp_path: Path) -> None:
    file = indexed(tmp_path, {"train": [0], "test": [2, 1]})
    for path in (tmp_path, file):
        assert find_task("coin_flip")(path).gold == {"coin_flip-1": "no", "coin_flip-2": "yes"}
        assert find_task("coin_flip")(path, split="train").gold == {"coin_flip-0": "yes"}


@pytest.mark.parametrize(
    ("split", "told"),
    [({"train": [0], "test": [2]}, "has 1 train and 1 test rows, and .* 3"), ({"train": [0, 1], "test": [1, 2]}, "each row once"),
     ({"train": [0, 1], "test": [3]}, "each row once"), ({"test": [0, 1, 2]}, "names no rows of train and test"),
     ({"train": ["0"], "test": ["1", "2"]}, "names no rows"), ("no json", "names no rows")],
)  # fmt: skip
def test_a_split_of_other_rows_is_refused(tmp_path: Path, split: Any, told: str) -> None:
    indexed(tmp_path, split)
    with pytest.raises(DatasetError, match=told):
        find_task("coin_flip")(tmp_path)


def test_without_its_split_a_set_is_not_read(tmp_path: Path) -> None:
    file = indexed(tmp_path, {"train": [0], "test": [1, 2]})
    split = (tmp_path / "data/split/coin_flip__default.json").rename(tmp_path / "mine.json")
    with pytest.raises(DatasetError, match=r"no coin_flip__default.json beside .* Say split_file="):
        find_task("coin_flip")(file)
    assert len(find_task("coin_flip")(file, split_file=split).gold) == 2
    with pytest.raises(DatasetError, match="is a folder, where a file was expected"):
        find_task("coin_flip")(file, split_file=tmp_path)


@pytest.mark.parametrize("name", ["svamp", "strategy_qa", "commonsense_qa"])
def test_a_split_file_for_a_file_that_is_one_split_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match=r"split_file='split.json' tells of rows of Reasoning Teachers' file"):
        find_task(name)(tmp_path, split_file="split.json")


def test_the_choices_of_commonsense_qa_read_alike_in_both_of_its_files(tmp_path: Path) -> None:
    """The row is that of the excerpt, as the authors' own file has it."""
    texts = ["bank", "library", "department store", "mall", "new york"]
    stem = (
        "A revolving door is convenient for two direction travel, but it also serves as a security measure at a what?"
    )
    choices = [{"label": letter, "text": text} for letter, text in zip("ABCDE", texts, strict=True)]
    row = {
        "answerKey": "A",
        "id": "1afa02df",
        "question": {"question_concept": "revolving door", "choices": choices, "stem": stem},
    }
    own = find_task("commonsense_qa")(written(tmp_path / "dev_rand_split.jsonl", row))
    excerpt = find_task("commonsense_qa")(EXCERPTS)
    assert excerpt.gold == {"commonsense_qa-3": "A", "commonsense_qa-4": "A", "commonsense_qa-5": "B"}
    assert own.gold == {"commonsense_qa-1afa02df": "A"}
    assert own.problems[0].question == excerpt.problems[0].question
    assert len(find_task("commonsense_qa")(EXCERPTS, split="train").gold) == 3
    secret = {key: value for key, value in row.items() if key != "answerKey"}
    with pytest.raises(DatasetError, match="row 1: has no 'answerKey'"):
        find_task("commonsense_qa")(written(tmp_path / "test.jsonl", secret))
    with pytest.raises(DatasetError, match="choices are no list of label and text"):
        find_task("commonsense_qa")(
            written(tmp_path / "test.jsonl", row | {"question": {"stem": stem, "choices": ["bank"]}})
        )


def test_math_500_has_one_id_in_both_of_its_files(tmp_path: Path) -> None:
    theirs = {"problem": "$1+1$?", "answer": "2", "subject": "Algebra", "level": 1, "unique_id": "test/algebra/1.json"}
    rstar = {
        "problem": "$1+1$?",
        "id": "test-algebra-1",
        "extra_info": {"answer": "2", "subject": "Algebra", "level": 1},
    }
    one = find_task("math_500")(written(tmp_path / "test.jsonl", theirs))
    other = find_task("math_500")(written(tmp_path / "MATH_test_all.json", [rstar]))
    assert one.gold == other.gold == {"math_500-test-algebra-1": "2"}
    assert one.categories == other.categories == {"math_500-test-algebra-1": "Algebra, level 1"}


def test_an_id_that_stands_twice_is_refused(tmp_path: Path) -> None:
    row = {"ID": "chal-1", "Body": "One has 2", "Question": "How many?", "Answer": 2.0, "Type": "Addition"}
    written(tmp_path / "SVAMP.json", [row, row])
    with pytest.raises(DatasetError, match="row 2: the problem 'svamp-chal-1' stands there a second time"):
        find_task("svamp")(tmp_path)
    task = find_task("svamp")(tmp_path, limit=1)
    assert (task.problems[0].question, task.gold) == ("One has 2. How many?", {"svamp-chal-1": "2"})


def test_strategy_qa_wants_a_truth_value(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="row 1: the answer is 'maybe', where true or false was expected"):
        find_task("strategy_qa")(
            written(tmp_path / "dev.json", [{"qid": "1", "question": "Is it?", "answer": "maybe"}])
        )


@pytest.mark.parametrize(
    ("file", "subtask", "told"),
    [("navigate.json", "snarks", "no file of the sub-task snarks"), ("mine.json", None, "no file of the sub-task that its name")],
)  # fmt: skip
def test_a_file_of_big_bench_hard_is_told_by_its_name(
    tmp_path: Path, file: str, subtask: str | None, told: str
) -> None:
    path = written(tmp_path / file, {"canary": "...", "examples": [{"input": "Yes or no?", "target": "Yes"}]})
    with pytest.raises(DatasetError, match=told):
        find_task("bbh")(path, subtask=subtask)


def test_big_bench_hard_wants_examples_and_known_sub_tasks(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="sub-task of BIG-Bench Hard named 'arithmetic'"):
        find_task("bbh")(tmp_path, subtask="arithmetic")
    with pytest.raises(DatasetError, match="has no list 'examples'"):
        find_task("bbh")(written(tmp_path / "navigate.json", {"canary": "..."}))
    with pytest.raises(DatasetError, match=r"holds no \./snarks.json"):
        find_task("bbh")(tmp_path, subtask="snarks")
    one = written(tmp_path / "navigate.json", {"examples": [{"input": "Yes or no?", "target": "Yes"}]})
    task = find_task("bbh")(one)
    assert (task.name, task.gold, task.categories) == (
        "bbh/navigate",
        {"bbh-navigate-0": "yes"},
        {"bbh-navigate-0": "navigate"},
    )
