"""A real server of vLLM with the lab model, started once, and students with real adapters."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import LangdistillError
from langdistill.lab import WEIGHTS
from langdistill.students.bases import base_digest
from langdistill.students.card import Stage, Student
from langdistill.students.serving.endpoint import Endpoint
from langdistill.students.serving.interpreter import vllm_interpreter
from langdistill.students.train.recipe import MINIATURE
from langdistill.students.versioned import CARD, next_version

SMALL = "--kv-cache-memory-bytes 128M --block-size 32 --max-num-seqs 32 --max-loras 2 --max-cpu-loras 3"
"""Fewer places than the tests load adapters."""
Make = Callable[..., Student]


@pytest.fixture(scope="session")
def vllm_python() -> str:
    """The Python that has vLLM; tests that need it skip, visibly, where there is none."""
    try:
        return vllm_interpreter().python
    except LangdistillError as error:
        if os.environ.get("LANGDISTILL_CI"):
            pytest.fail(f"{error} These tests must not be skipped here")
        pytest.skip(f"{error} Or name a Python that has vLLM in LANGDISTILL_VLLM")


@pytest.fixture(scope="session")
def told(vllm_python: str, make: Make, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What `langdistill serve` prints: the lab model and a student of it, served until Ctrl-C."""
    student = make(tmp_path_factory.mktemp("first") / "first", seed=3)
    words = ["-m", "langdistill", "serve", str(student.folder.parent), "--port", "0", "--vllm-python", vllm_python]
    errors = tmp_path_factory.mktemp("log") / "errors"
    with errors.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, *words, "--extra", SMALL], stdout=subprocess.PIPE, stderr=file, text=True
        )
    assert process.stdout
    with process.stdout:
        lines = list(takewhile(lambda line: "Ctrl-C" not in line, process.stdout))
    assert process.poll() is None, errors.read_text()
    yield "".join(lines)
    [group] = children(process.pid)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0, errors.read_text()
    assert members(group) == []


@pytest.fixture(scope="session")
def server(told: str) -> Endpoint:
    """Address and key of a running server, as it told them."""
    facts = dict(line.split(maxsplit=1) for line in told.splitlines()[:2])
    return Endpoint(facts["url"], facts["key"])


def children(process: int) -> list[int]:
    return [int(one) for one in _ps("-o", "pid=", "--ppid", str(process))]


def members(group: int) -> list[int]:
    """Processes of a group that have not ended."""
    lines = (line.split() for line in _ps("-eo", "pgid=,pid=,stat="))
    return [int(pid) for pgid, pid, state in lines if int(pgid) == group and not state.startswith("Z")]


def _ps(*words: str) -> list[str]:
    return subprocess.run(["ps", *words], capture_output=True, text=True, check=False).stdout.splitlines()


@pytest.fixture(scope="session")
def make() -> Make:
    """Make a version of a student: a card, and an adapter of random weights."""

    def made(place: Path, *, seed: int, rank: int = 8, **told: Any) -> Student:
        folder = next_version(place)
        write_adapter(folder, seed, rank)
        weights = hashlib.sha256((folder / "adapter_model.safetensors").read_bytes()).hexdigest()
        return write_card(folder, {"weights": weights, **told})

    return made


def write_adapter(folder: Path, seed: int, rank: int) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    base = AutoModelForCausalLM.from_pretrained(WEIGHTS, dtype=torch.float32)
    config = LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM"
    )
    get_peft_model(base, config).save_pretrained(folder)


def write_card(folder: Path, told: dict[str, Any]) -> Student:
    """A card for a folder of versions named `v1`, `v2` and so on."""
    stage = Stage(objective="sft", recipe=MINIATURE, dataset_hash="d" * 64, seed=0, rows=240, steps=250)
    facts = {
        "name": folder.parent.name, "version": int(folder.name[1:]), "base": str(WEIGHTS), "weights": "w" * 64,
        "base_digest": base_digest(WEIGHTS), "stages": [stage], "versions": {}, "made": "2026-01-31T12:00:00+00:00",
    }  # fmt: skip
    student = Student(folder=folder, **{**facts, **told})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CARD).write_text(student.model_dump_json(indent=2))
    return student
