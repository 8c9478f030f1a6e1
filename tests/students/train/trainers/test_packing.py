"""Packed rows are trained as rows alone, or not at all; and what saves memory changes no weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import StudentError
from langdistill.lab import WEIGHTS
from langdistill.students.train.job import planned
from langdistill.students.train.trainers.packing import check_apart
from langdistill.students.train.training import train
from tests.trained import FEW, losses_of, row, trainer_of, write

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]

ROWS = [row(f"What is the capital of {'very ' * at}X?", "y" * (at + 1)) for at in range(8)]
PACKED = FEW.model_copy(update={"packing": True, "max_length": 128, "batch_size": 2})


def test_a_packed_row_has_the_loss_that_it_has_alone(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path, ROWS, recipe=PACKED)
    rows = {tuple(one["input_ids"]): at for at, one in enumerate(planned_rows(tmp_path))}
    losses = losses_of(ROWS)
    trainer.model.eval()
    seen: list[int] = []
    for batch in trainer.get_train_dataloader():
        starts = (batch["position_ids"] == 0).tolist()
        packed = [
            at for ids, new in zip(batch["input_ids"].tolist(), starts, strict=True) for at in whose(ids, new, rows)
        ]
        told = sum(sum(losses[at]) for at in packed) / sum(len(losses[at]) for at in packed)
        assert trainer.compute_loss(trainer.model, dict(batch)).item() == pytest.approx(told, rel=2e-6)
        assert set(batch) == {"input_ids", "labels", "position_ids"}, "a mask of padding would let rows see each other"
        seen += packed
    assert sorted(seen) == list(range(8))
    assert len(trainer.train_dataset) == 3


def planned_rows(folder: Path) -> list[dict[str, Any]]:
    return planned(folder / "data", WEIGHTS, folder / "s", objective="sft", recipe=PACKED, seed=0).prepared


def whose(ids: list[int], new: list[bool], rows: dict[tuple[int, ...], int]) -> list[int]:
    """Which rows a sequence is made of; padding is none."""
    starts = [at for at, here in enumerate(new) if here]
    parts = [tuple(ids[start:end]) for start, end in zip(starts, [*starts[1:], len(ids)], strict=True)]
    return [rows[part] for part in parts if len(part) > 1]


def test_rows_that_see_each_other_would_have_another_loss(tmp_path: Path) -> None:
    """What is avoided: the same batch with a mask of padding in the place of positions."""
    import torch

    trainer = trainer_of(tmp_path, ROWS, recipe=PACKED)
    trainer.model.eval()
    batch = next(iter(trainer.get_train_dataloader()))
    right = trainer.compute_loss(trainer.model, dict(batch)).item()
    mixed = {**batch, "attention_mask": torch.ones_like(batch["labels"])}
    del mixed["position_ids"]
    assert abs(trainer.compute_loss(trainer.model, mixed).item() - right) > 0.01


def test_a_packed_student_is_trained(tmp_path: Path) -> None:
    student = train(write(tmp_path / "data", ROWS), WEIGHTS, tmp_path / "s", recipe=PACKED)
    assert (student.last.steps, student.last.rows) == (6, 8)


def model(kind: str, **more: Any) -> Any:
    """A tiny model of random weights."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    config = {"hidden_size": 32, "num_hidden_layers": 2, "vocab_size": 300, **more}
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **config))


HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 64}
TWO: list[dict[str, Any]] = [{"input_ids": list(range(10, 22))}, {"input_ids": list(range(30, 41))}]


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_models_whose_rows_stay_apart(attention: str) -> None:
    for kind, more in {"llama": HEADS, "qwen3": {**HEADS, "head_dim": 8}}.items():
        check_apart(model(kind, attn_implementation=attention, **more), TWO, 0)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("mamba", {}),
        ("lfm2", {**HEADS, "layer_types": ["conv", "full_attention"]}),
        ("opt", {"ffn_dim": 64, "word_embed_proj_dim": 32, "num_attention_heads": 4}),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_models_whose_rows_would_see_each_other_are_refused(kind: str, more: dict[str, Any]) -> None:
    with pytest.raises(StudentError, match="cannot be trained on packed rows: they would see each other"):
        check_apart(model(kind, **more), TWO, 0)


@pytest.mark.parametrize("adapter", ["lora", "full"])
def test_gradient_checkpointing_gives_the_same_weights(adapter: str, tmp_path: Path) -> None:
    data = write(tmp_path / "data", ROWS)
    plain = FEW.model_copy(update={"adapter": adapter, "dropout": 0.1})
    made = [
        train(data, WEIGHTS, tmp_path / "s", recipe=plain.model_copy(update={"gradient_checkpointing": on}))
        for on in (False, True)
    ]
    assert made[0].weights == made[1].weights
