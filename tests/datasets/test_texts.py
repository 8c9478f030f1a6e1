from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from langdistill.datasets.harvest import harvest
from langdistill.datasets.texts import texts_of
from langdistill.errors import DatasetError
from langdistill.records import Trace
from langdistill.testing.memory import MemoryStore


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("Q", "Q"),
        ({"instruction": "Sort.", "input": "3 1", "output": "1 3"}, "Sort.\n3 1"),
        ({"instruction": "Sort.", "input": "", "output": "1 3"}, "Sort."),
        ({"question": "Q", "answer": "A"}, "Q"),
        ({"Body": "B", "Question": "Q", "Answer": 3}, "B\nQ"),
        ({"problem": "P", "solution": "S", "id": 1}, "P"),
        ({"prompt": "P", "completion": "C"}, "P"),
        ({"prompt": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}], "completion": []}, "U"),
        (
            {
                "messages": [
                    {"role": "user", "content": "U"},
                    {"role": "assistant", "content": "A"},
                    {"role": "user", "content": "V"},
                ]
            },
            "U\nV",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "U"}]}]}, "U"),
        ({"conversations": [{"from": "human", "value": "U"}, {"from": "gpt", "value": "A"}]}, "U"),
    ],
)
def test_the_question_of_a_row(row: Any, text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([row]))
    (tmp_path / "b.jsonl").write_text(json.dumps(row) + "\n\n")
    (tmp_path / "c.json").write_text(json.dumps(row) + "\n" + json.dumps(row))
    assert texts_of(tmp_path / "a.json").items == texts_of(str(tmp_path / "b.jsonl")).items == (text,)
    assert texts_of(tmp_path / "c.json").items == (text, text)


@pytest.mark.parametrize(
    ("file", "count"),
    [
        ("gsm8k/test.jsonl", 1319), ("svamp/SVAMP.json", 1000), ("strategyqa/dev.json", 229), ("rstar_data/MATH_test_all.json", 500),
        ("self_instruct/user_oriented_instructions.jsonl", 252), ("llamafactory_demo/glaive_toolcall_en_demo.json", 300),
        ("pal/aqua.jsonl", 254), ("fireact/alpaca_format/hotpotqa.json", 500), ("fireact/gpt_format/hotpotqa.jsonl", 500),
    ],
)  # fmt: skip
def test_real_files(data: Path, file: str, count: int) -> None:
    found = texts_of(data / file).items
    assert len(found) == count
    assert all(found)


def test_the_folder_of_a_data_set(tmp_path: Path) -> None:
    store = MemoryStore()
    store.add(
        [
            Trace(id=f"t{at}", name="g", input=[{"role": "user", "content": f"Q{at}"}], answer="4",
                  output=[{"role": "assistant", "content": "Answer: 4"}], metadata={"problem": f"p{at}"})
            for at in range(5)
        ]
    )  # fmt: skip
    harvest(store).write(tmp_path / "data", validation=0.4)
    assert sorted(texts_of(tmp_path / "data").items) == [f"Q{at}" for at in range(5)]
    with pytest.raises(DatasetError, match="no data set"):
        texts_of(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "q\n1", "no file that texts are read from"),
        ("a.jsonl", '{"question": "Q"}\n{"question": ', "Line 2"),
        ("a.json", "[{]", "Line 1"),
        ("a.jsonl", '{"q": "Q", "a": "A"}', "the fields 'q', 'a'"),
        ("a.json", "[1]", "it is int"),
        ("a.json", '[{"messages": []}]', "Row 1"),
    ],
)
def test_what_cannot_be_read(name: str, content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DatasetError, match=words):
        texts_of(tmp_path / name)


def test_what_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Check the path"):
        texts_of(tmp_path / "none.jsonl")
    given: Any = ["a", 3]
    with pytest.raises(DatasetError, match="int"):
        texts_of(given)
    assert texts_of([]).items == ()
