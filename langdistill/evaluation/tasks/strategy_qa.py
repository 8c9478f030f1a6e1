"""StrategyQA: yes or no, by steps that the question does not name (Geva et al., 2101.02235)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from langdistill.answers import yes_no
from langdistill.evaluation.tasks.reading.index_splits import (
    is_indexed,
    question_and_answer,
    refuse_split_file,
    rows_of_split,
)
from langdistill.evaluation.tasks.reading.making import Item, task_of
from langdistill.evaluation.tasks.reading.rows import Row, rows_in
from langdistill.evaluation.tasks.reading.sources import Source
from langdistill.evaluation.tasks.taskset import TaskSet

SOURCE = Source(
    title="StrategyQA",
    file="dev.json or train.json, or their folder; or strategy_qa.json of Reasoning Teachers with its split",
    shape='an array of {"qid", "question", "answer": true or false}, or of {"question", "answer": "Yes" or "No"}',
    rows="test (dev.json) 229, train 2061; of Reasoning Teachers test 687, train 1603",
    answer="yes or no",
    licence="MIT",
    origin="https://github.com/eladsegal/strategyqa, data/strategyqa, or https://github.com/itsnamgyu/reasoning-teacher, dataset and data/split",
)
FILES = {"test": "dev.json", "train": "train.json"}
PROMPT = "{question}\nAnswer yes or no."


def strategy_qa(
    path: str | Path,
    *,
    split: str = "test",
    limit: int | None = None,
    seed: int | None = None,
    split_file: str | Path | None = None,
) -> TaskSet:
    """StrategyQA. The answer is yes or no, which the prompt says.

    The answers of the published test set are secret: what is tested on is ``dev.json``. The split of Reasoning Teachers is another one
    over the same 2,290 questions, so who trains on one must not test on the other.

    Args:
        path: ``dev.json``, ``strategy_qa.json``, or a folder that holds one.
        split: "test" or "train".
        limit: how many rows; `None` for all.
        seed: draws them; `None` takes the first ones.
        split_file: for ``strategy_qa.json``, which rows are train and test; `None` for the published one.

    Raises:
        DatasetError: there is no such file, or it is of another shape.
    """
    if is_indexed(path, "strategy_qa"):
        rows = rows_of_split(path, SOURCE, "strategy_qa", split, split_file)
        item = partial(question_and_answer, "strategy_qa")
    else:
        refuse_split_file(SOURCE, split_file)
        rows, item = rows_in(SOURCE.file_of_split(path, split, FILES), SOURCE), _item
    return task_of("strategy_qa", rows, item, extract=yes_no, prompt=PROMPT, limit=limit, seed=seed)


def _item(row: Row) -> Item:
    answer = row.value("answer")
    if not isinstance(answer, bool):
        raise row.refused(f"the answer is {answer!r}, where true or false was expected")
    return Item(f"strategy_qa-{row.text('qid')}", row.text("question"), "yes" if answer else "no")
