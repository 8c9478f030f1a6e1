from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

QUESTION = 'Take the last letters of the words in "{}" and concatenate them.'


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "langdistill", "evaluate", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        cwd=cwd,
    )


@pytest.mark.slow
@pytest.mark.xdist_group("lab_model")
def test_problems_of_ones_own_are_measured_and_the_same_command_asks_nothing_again(tmp_path: Path) -> None:
    rows = [
        {"id": at, "question": QUESTION.format(name), "answer": name[2] + name[-1], "category": name[0]}
        for at, name in enumerate(("Ada Kurt", "Ada Rosa", "Eva Kurt"))
    ]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ["lab", "--problems", "own.jsonl", "--samples", "3", "--alone", "--report", "r.html", "--price", "x=1,2"]
    told = run(*words, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    for said in ("lab/weights", "accuracy", "majority of all", "By category", "Report: r.html"):
        assert said in told.stdout, said
    [folder] = [path for path in (tmp_path / "runs/evaluate").iterdir() if path.is_dir()]
    results = (folder / "results.jsonl").read_bytes()
    assert len(results.splitlines()) == 3
    again = run(*words, cwd=tmp_path)
    assert again.stdout == told.stdout
    assert (folder / "results.jsonl").read_bytes() == results


@pytest.mark.slow
@pytest.mark.xdist_group("lab_model")
def test_a_published_task_is_read_from_the_folder_of_data(tmp_path: Path, data: Path) -> None:
    told = run("lab", "--task", "gsm8k", "--data", data / "gsm8k", "--limit", "2", "--alone", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert [line.split("│")[2].strip() for line in told.stdout.splitlines() if line.startswith("│ n ")] == ["2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lab"], "Give one of --task NAME and --problems FILE"),
        (["lab", "--task", "letters", "--problems", "p.jsonl"], "Give one of"),
        (["lab", "--task", "chess"], "There is no task named 'chess'. Known: aqua, arithmetic"),
        (["lab", "--task", "gsm8k", "--data", "nowhere"], "nowhere"),
        (["lab", "--problems", "nowhere.jsonl"], "No problems can be read from"),
        (["lab", "--problems", "nowhere.jsonl", "--extract", "tea"], "There is no reader of answers named 'tea'"),
        (["lab", "--task", "letters", "--price", "x=1"], "'x=1' is no price"),
        (["lab", "--task", "coin", "--limit", "2", "--against", "lab"], "would be compared with itself"),
        (["nobody", "--task", "coin"], "There is no student in 'nobody'"),
    ],
)
def test_bad_input_is_one_paragraph_and_code_2(words: list[str], said: str, tmp_path: Path) -> None:
    told = run(*words, cwd=tmp_path)
    assert told.returncode == 2, told.stdout
    assert said in told.stderr
    assert "Traceback" not in told.stderr
