from __future__ import annotations

import json
from pathlib import Path

import pytest

from langdistill import agreement, harvest
from langdistill.datasets.reading import read_dataset
from langdistill.datasets.targets.one_sample import one_sample
from langdistill.errors import DatasetError, StoreError, UnknownName
from langdistill.records import Call, Reply, Trace
from langdistill.stores.sqlite import SQLiteStore

CANARY = "zebra-7431"


def trace(problem: str, answers: list[str | None], run: str = "", started: float = 0.0) -> Trace:
    texts = [f"I reason about {CANARY}.\nAnswer: {answer}" if answer else f"{CANARY}\n{CANARY}" for answer in answers]
    replies = [Reply(message={"role": "assistant", "content": text}) for text in texts]
    return Trace(
        id=f"{run}{problem}",
        name="teacher",
        input=[{"role": "user", "content": f"question {problem}"}],
        output=[{"role": "assistant", "content": answers[0] or CANARY}],
        calls=[
            Call(id="c", candidate=True, prompt=[{"role": "user", "content": CANARY}], replies=replies, started=started)
        ],
        metadata={"problem": problem},
        started=started,
    )


def store(path: Path, traces: list[Trace]) -> Path:
    opened = SQLiteStore(path)
    opened.add(traces)
    opened.close()
    return path


GOOD = [trace(f"p{i:02}", ["4", "4", "5"]) for i in range(30)]
BAD = [trace("tied", ["1", "2"]), trace("split", ["1", "1", "2", "3", "4"]), trace("mute", [None, None])]


def test_the_funnel_and_what_is_written(tmp_path: Path) -> None:
    dataset = (
        harvest(store(tmp_path / "t.db", [*GOOD, *BAD]), graph="teacher")
        .filter(agreement(min_share=0.5))
        .write(tmp_path / "d")
    )
    assert [(stage["stage"], stage["kept"], stage["reasons"]) for stage in dataset.funnel] == [
        ("harvest", 33, {}),
        ("target", 31, {"no-answer": 1, "tied": 1}),
        ("agreement", 30, {"split-vote": 1}),
    ]
    rows = dataset.rows()
    assert len(rows) == 30
    assert rows[0]["completion"] == [{"content": "4", "role": "assistant"}]
    assert 0 < dataset.manifest["rows"]["validation"] < 15
    rejects = [json.loads(line) for line in (tmp_path / "d" / "rejects.jsonl").read_text().splitlines()]
    assert {(reject["problem"], reject["reason"]) for reject in rejects} == {
        ("tied", "tied"),
        ("split", "split-vote"),
        ("mute", "no-answer"),
    }
    assert read_dataset(tmp_path / "d").hash == dataset.hash


def test_no_token_of_the_thinking_is_in_any_byte(tmp_path: Path) -> None:
    path = store(tmp_path / "t.db", [*GOOD, *BAD])
    kept = SQLiteStore(path)
    assert all(CANARY in trace.model_dump_json() for trace in kept.traces())
    kept.close()
    harvest(path).filter(agreement()).write(tmp_path / "d")
    assert not [file for file in (tmp_path / "d").rglob("*") if CANARY.encode() in file.read_bytes()]


def test_the_hash_is_that_of_the_content(tmp_path: Path) -> None:
    one = harvest(store(tmp_path / "1.db", GOOD)).write(tmp_path / "1")
    later = [trace(f"p{i:02}", ["4", "4", "5"], "other-", 9.0) for i in reversed(range(30))]
    two = harvest(store(tmp_path / "2.db", later)).write(tmp_path / "2")
    assert one.hash == two.hash
    assert (tmp_path / "1" / "train.jsonl").read_bytes() == (tmp_path / "2" / "train.jsonl").read_bytes()
    three = harvest(tmp_path / "1.db").write(tmp_path / "3", seed=1)
    assert three.hash != one.hash, "another split is another data set"
    four = harvest(store(tmp_path / "4.db", [*GOOD[1:], trace("p00", ["6"])])).write(tmp_path / "4")
    assert four.hash != one.hash


def test_a_problem_keeps_its_side_when_others_go(tmp_path: Path) -> None:
    whole = harvest(store(tmp_path / "1.db", GOOD)).write(tmp_path / "1")
    less = harvest(store(tmp_path / "2.db", GOOD[::2])).write(tmp_path / "2")
    assert {row["problem"] for row in less.rows("validation")} <= {row["problem"] for row in whole.rows("validation")}


def test_one_sample_takes_no_vote(tmp_path: Path) -> None:
    dataset = harvest(store(tmp_path / "t.db", [trace("p", ["5", "4", "4"])])).target(one_sample).write(tmp_path / "d")
    assert dataset.rows("train")[0]["completion"][0]["content"] == "5"


def test_a_folder_that_exists_is_refused_and_replaced_only_when_told(tmp_path: Path) -> None:
    path = store(tmp_path / "t.db", GOOD)
    harvest(path).write(tmp_path / "d")
    (tmp_path / "d" / "mine").write_text("keep")
    with pytest.raises(DatasetError, match="exists"):
        harvest(path).write(tmp_path / "d")
    assert (tmp_path / "d" / "mine").exists()
    harvest(path).write(tmp_path / "d", overwrite=True)
    assert not (tmp_path / "d" / "mine").exists()
    assert {file.name for file in tmp_path.iterdir()} == {"d", "t.db"}


def test_a_folder_of_something_else_is_never_overwritten(tmp_path: Path) -> None:
    path = store(tmp_path / "t.db", GOOD)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("keep")
    with pytest.raises(DatasetError, match=r"holds no manifest.json"):
        harvest(path).write(tmp_path / "home", overwrite=True)
    assert (tmp_path / "home" / "letter.txt").read_text() == "keep"


def test_a_manifest_with_another_hash_is_told(tmp_path: Path) -> None:
    dataset = harvest(store(tmp_path / "t.db", GOOD)).write(tmp_path / "d")
    manifest = tmp_path / "d" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(dataset.hash, "0" * 64))
    with pytest.raises(DatasetError, match=r"changed after it was written: manifest.json"):
        read_dataset(tmp_path / "d")


def test_a_problem_without_one_question_is_dropped(tmp_path: Path) -> None:
    silent = trace("silent", ["4"]).model_copy(update={"input": []})
    other = trace("p00", ["4"], run="again").model_copy(update={"input": [{"role": "user", "content": "another"}]})
    harvested = harvest(store(tmp_path / "t.db", [*GOOD, silent, other])).run()
    assert {(one["problem"], one["reason"]) for one in harvested.rejects} == {
        ("silent", "no-question"),
        ("p00", "mixed-questions"),
    }


def test_what_a_failed_call_had_streamed_is_no_vote(tmp_path: Path) -> None:
    failed = trace("p9", ["4"])
    failed = failed.model_copy(update={"calls": [failed.calls[0].model_copy(update={"error": "cut off"})]})
    harvested = harvest(store(tmp_path / "t.db", [*GOOD, failed])).run()
    assert [(one["problem"], one["reason"], one["votes"]) for one in harvested.rejects] == [("p9", "no-answer", {})]


def test_nothing_to_harvest_and_nothing_left(tmp_path: Path) -> None:
    path = store(tmp_path / "t.db", BAD)
    with pytest.raises(DatasetError, match=r"No trace was selected .*holds 3 of 'teacher'"):
        harvest(path, graph="other").write(tmp_path / "d")
    with pytest.raises(DatasetError, match=r"No row is left of 3 problems. The stage 'target' took most: 2"):
        harvest(path).filter(agreement(min_share=0.9)).write(tmp_path / "d")
    with pytest.raises(StoreError, match="no trace store"):
        harvest(tmp_path / "none.db").write(tmp_path / "d")
    with pytest.raises(UnknownName, match="no format named 'csv'"):
        harvest(store(tmp_path / "g.db", GOOD)).write(tmp_path / "d", format="csv")
    assert not (tmp_path / "d").exists()


def test_a_changed_data_set_is_told(tmp_path: Path) -> None:
    harvest(store(tmp_path / "t.db", GOOD)).write(tmp_path / "d")
    with (tmp_path / "d" / "train.jsonl").open("a") as file:
        file.write("{}\n")
    with pytest.raises(DatasetError, match=r"was changed after it was written: train\.jsonl"):
        read_dataset(tmp_path / "d")
    with pytest.raises(DatasetError, match="is no data set"):
        read_dataset(tmp_path / "nothing")


@pytest.mark.parametrize("validation", [-0.1, 1, 1.5])
def test_a_share_that_is_none(tmp_path: Path, validation: float) -> None:
    with pytest.raises(DatasetError, match="no share to keep aside"):
        harvest(store(tmp_path / "t.db", GOOD)).write(tmp_path / "d", validation=validation)
