from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from langdistill.lab.tasks import task
from langdistill.records import Trace
from langdistill.stores.sqlite import SQLiteStore
from langdistill.students.card import read_student


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "langdistill", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("command", ["demo", "harvest", "train", "evaluate"])
def test_every_command_explains_itself(command: str) -> None:
    told = run(command, "--help")
    assert told.returncode == 0
    assert f"langdistill {command}" in told.stdout


@pytest.mark.parametrize("words", [[], ["traces"]])
def test_a_bare_command_is_its_help_and_no_more(words: list[str]) -> None:
    told = run(*words)
    assert told.returncode == 2
    assert "Usage: python -m langdistill" in told.stdout
    assert "langdistill: " not in told.stderr


def test_the_version() -> None:
    assert run("--version").stdout.startswith("langdistill 0.")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["demo", "--task", "chess"], "There is no task named 'chess'. Known: arithmetic, coin"),
        (["demo", "--strategy", "guessing"], "There is no strategy named 'guessing'"),
        (["harvest", "nothing.db", "--out", "d"], "There is no trace store at 'nothing.db'"),
        (["train", "nothing", "--base", "nowhere", "--out", "s"], "There is no base model 'nowhere'"),
        (["evaluate", "nothing", "--task", "coin"], "There is no student in 'nothing'"),
        (["harvest"], "Missing argument"),
        (["fly"], "No such command"),
    ],
)
def test_bad_input_is_one_paragraph_and_code_2(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = run(*words)
    assert told.returncode == 2
    assert said in told.stderr
    assert "Traceback" not in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1


def test_harvest_writes_a_data_set(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    store.add(
        [Trace(id=f"t{i}", name="g", input=[{"role": "user", "content": f"q{i}"}], answer="4") for i in range(12)]
    )
    store.close()
    told = run("harvest", tmp_path / "t.db", "--out", tmp_path / "d")
    assert told.returncode == 0, told.stderr
    assert ["agreement", "12", "0", "12"] in [line.split() for line in told.stdout.splitlines()]
    assert "12 rows in" in told.stdout
    again = run("harvest", tmp_path / "t.db", "--out", tmp_path / "d")
    assert again.returncode == 2
    assert "exists" in again.stderr


@pytest.mark.slow
def test_from_a_store_to_a_measured_student(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    coins = task("coin").draw(24, seed=0, pool="train")
    store.add(
        [
            Trace(
                id=p.id,
                name="g",
                input=[{"role": "user", "content": p.question}],
                answer=coins.gold[p.id],
                metadata=p.metadata,
            )
            for p in coins.problems
        ]
    )
    store.close()
    assert run("harvest", tmp_path / "t.db", "--out", tmp_path / "d").returncode == 0
    trained = run("train", tmp_path / "d", "--base", "lab", "--epochs", "1", "--out", tmp_path / "s")
    assert trained.returncode == 0, trained.stderr
    assert "Student in" in trained.stdout
    words = ["evaluate", tmp_path / "s", "--task", "coin", "--limit", "20", "--out", tmp_path / "runs"]
    measured = run(*words, "--report", tmp_path / "r.html")
    assert measured.returncode == 0, measured.stderr
    assert "s-v1-" in measured.stdout
    assert "McNemar exact p" in measured.stdout
    assert (tmp_path / "r.html").is_file()
    assert read_student(tmp_path / "s").measurements["coin"]["n"] == 20
    refused = run("train", tmp_path / "d", "--base", "lab", "--recipe", "cake", "--out", tmp_path / "other")
    assert refused.returncode == 2
    assert (
        "There is no recipe named 'cake'. Known: agent_distillation, cot_collection, lion, miniature," in refused.stderr
    )
