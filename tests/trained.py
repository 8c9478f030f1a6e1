"""Data sets and trainers of the lab model that tests of training share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langdistill.lab import WEIGHTS
from langdistill.students.train.job import planned
from langdistill.students.train.objective import Objective
from langdistill.students.train.recipe import MINIATURE, Recipe

FEW = MINIATURE.model_copy(update={"steps": 6, "batch_size": 4, "save_every": 2})


def row(question: str, answer: str, **more: Any) -> dict[str, Any]:
    return {
        "prompt": [{"role": "user", "content": question}],
        "completion": [{"role": "assistant", "content": answer}],
        **more,
    }


def write(folder: Path, rows: Sequence[dict[str, Any]], **manifest: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    (folder / "manifest.json").write_text(json.dumps({"hash": "abc", **manifest}))
    return folder


def trainer_of(
    folder: Path, rows: list[dict[str, Any]], *, objective: Objective | str = "sft", recipe: Recipe = FEW, seed: int = 0
) -> Any:
    """The trainer that `train` would make."""
    from langdistill.students.libraries import quiet

    data = write(folder / "data", rows)
    job = planned(data, WEIGHTS, folder / "s", objective=objective, recipe=recipe, seed=seed)
    with quiet():
        return job.objective.trainer(job.materials(folder / "work"))


def token_losses(conversations: list[list[dict[str, Any]]]) -> list[list[float]]:
    """The loss of each token of the last message and its end, in float64, each conversation by itself. A reference."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS)
    model = AutoModelForCausalLM.from_pretrained(WEIGHTS, dtype=torch.float64)
    found: list[list[float]] = []
    for messages in conversations:
        whole = tokenizer.apply_chat_template(messages)["input_ids"]
        asked = tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True)["input_ids"]
        assert whole[: len(asked)] == asked
        with torch.no_grad():
            said = model(torch.tensor([whole])).logits[0].log_softmax(-1)
        found.append([-float(said[at - 1, whole[at]]) for at in range(len(asked), len(whole))])
    return found


def losses_of(rows: list[dict[str, Any]]) -> list[list[float]]:
    """The same of rows."""
    return token_losses([[*one["prompt"], *one["completion"]] for one in rows])
