from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from langdistill.datasets.harvest import harvest
from langdistill.groups import Group, Rows
from langdistill.lab import WEIGHTS
from langdistill.records import Example, Trace
from langdistill.testing.memory import MemoryStore


def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "langdistill", "dataset", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def target(group: Group) -> Rows:
        asked: Any = [{"role": "user", "content": f"{group.problem}\x1b[31m?"}]
        said: Any = [{"role": "assistant", "content": f"answer to {group.problem}"}]
        return Rows((Example(messages=asked, target=said, problem=group.problem, trace="t", traces=["t"]),))

    store = MemoryStore()
    store.add(Trace(id=f"t{at}", name="g", metadata={"problem": f"p{at}"}) for at in range(4))
    place = tmp_path_factory.mktemp("preview")
    harvest(store).target(target).write(place / "lines", validation=0)
    harvest(store).target(target).write(place / "parquet", validation=0, container="parquet")
    harvest(store).target(target).write(place / "openai", validation=0, format="openai")
    harvest(store).target(target).write(place / "sharegpt", validation=0, format="sharegpt")
    return place


@pytest.mark.parametrize("container", ["lines", "parquet"])
def test_what_carries_loss_is_in_brackets_where_there_is_no_colour(folder: Path, container: str) -> None:
    told = run("preview", folder / container, "--tokenizer", WEIGHTS, "--rows", "2")
    assert told.returncode == 0, told.stderr
    assert "<|begin|><|user|>p0\\x1b[31m?<|end|><|assistant|>⟦answer to p0<|end|>⟧" in told.stdout
    assert "── train 0, p0: completion, " in told.stdout
    assert " tokens carry loss\n" in told.stdout
    assert told.stdout.endswith("2 of 4 rows, format trl\n")
    assert "p2" not in told.stdout


def test_colour_where_it_is_wanted(folder: Path) -> None:
    told = run("preview", folder / "lines", "--tokenizer", WEIGHTS, "--rows", "1", FORCE_COLOR="1", TERM="xterm")
    assert "\x1b[1;32manswer to p0<|end|>\x1b[0m" in told.stdout
    assert "⟦" not in told.stdout


@pytest.mark.parametrize("format", ["lines", "openai", "sharegpt"])
def test_without_a_tokenizer_the_messages_are_shown(folder: Path, format: str) -> None:
    told = run("preview", folder / format, "--rows", "1")
    assert "user: p0\\x1b[31m?\n⟦assistant: answer to p0⟧\n" in told.stdout


def test_bad_input_is_one_paragraph_and_code_2(folder: Path, tmp_path: Path) -> None:
    for words, said in [
        (["preview", tmp_path / "none"], "is no data set"),
        (["preview", folder / "lines", "--tokenizer", tmp_path], "There is no tokenizer at"),
        (
            ["preview", folder / "sharegpt", "--tokenizer", WEIGHTS],
            "is no conversation that a chat template could print",
        ),
        (["preview", folder / "lines", "--rows", "0"], "Invalid value for '--rows'"),
    ]:
        told = run(*words)
        assert told.returncode == 2
        assert said in told.stderr
        assert "Traceback" not in told.stderr
