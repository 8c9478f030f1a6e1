"""What cannot be trained is told before any weights are loaded, and nothing is written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import DatasetError, StudentError
from langdistill.lab import WEIGHTS
from langdistill.students.causal import check_causal, context_of
from langdistill.students.train.job import Job, planned
from langdistill.students.train.recipe import MINIATURE, ORDINARY, Recipe
from tests.trained import row, write

ROWS = [row(f"What is {i}?", "yes") for i in range(8)]
LONG = row("What is " + "9 " * 600 + "?", "yes")
CONTEXT = 512


def base_like_the_lab(folder: Path, **config: Any) -> Path:
    shutil.copytree(WEIGHTS, folder)
    told = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(told | config))
    return folder


def job(
    folder: Path, rows: list[dict[str, Any]], base: Path = WEIGHTS, recipe: Recipe = MINIATURE, **manifest: Any
) -> Job:
    return planned(write(folder / "data", rows, **manifest), base, folder / "s", objective="sft", recipe=recipe, seed=0)


def bert(folder: Path) -> Path:
    return base_like_the_lab(folder, architectures=["BertForMaskedLM"], model_type="bert")


def encoder_decoder(folder: Path) -> Path:
    return base_like_the_lab(folder, architectures=["T5ForConditionalGeneration"], is_encoder_decoder=True)


def classifier(folder: Path) -> Path:
    return base_like_the_lab(folder, architectures=["LlamaForSequenceClassification"])


def without_weights(folder: Path) -> Path:
    (base_like_the_lab(folder) / "model.safetensors").unlink()
    return folder


def cut_off(folder: Path) -> Path:
    weights = base_like_the_lab(folder) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-7])
    return folder


def not_safetensors(folder: Path) -> Path:
    (base_like_the_lab(folder) / "model.safetensors").write_bytes(b"<html>not found</html>")
    return folder


def pointer(folder: Path) -> Path:
    (base_like_the_lab(folder) / "model.safetensors").write_bytes(b"")
    return folder


def a_part_missing(folder: Path) -> Path:
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (base_like_the_lab(folder) / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def broken_config(folder: Path) -> Path:
    (base_like_the_lab(folder) / "config.json").write_text("{")
    return folder


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (bert, "is a BertForMaskedLM, no causal language model"),
        (encoder_decoder, "is a T5ForConditionalGeneration, no causal language model"),
        (classifier, "no causal language model"),
        (without_weights, "has no weights"),
        (cut_off, "bytes, and its header tells of"),
        (not_safetensors, "does not begin as a safetensors file"),
        (pointer, "does not begin as a safetensors file"),
        (a_part_missing, "model-00001-of-00002.safetensors.* cannot be read: No such file"),
        (broken_config, "config.json of the base .* cannot be read"),
    ],
)
def test_a_base_that_cannot_be_trained(make: Callable[[Path], Path], says: str, tmp_path: Path) -> None:
    with pytest.raises(StudentError, match=says):
        job(tmp_path, ROWS, make(tmp_path / "base"))
    assert not (tmp_path / "s").exists()


def test_the_lab_model_can_be_trained_and_its_context_is_known() -> None:
    check_causal(WEIGHTS)
    assert context_of(WEIGHTS) == CONTEXT


@pytest.mark.parametrize(
    ("config", "context"),
    [({"max_position_embeddings": None, "n_positions": 7}, 7), ({"text_config": {"max_position_embeddings": 9}}, 9)],
)
def test_the_context_by_other_names(config: dict[str, Any], context: int, tmp_path: Path) -> None:
    assert context_of(base_like_the_lab(tmp_path / "base", **config)) == context


def test_a_tokenizer_without_a_chat_template(tmp_path: Path) -> None:
    base = base_like_the_lab(tmp_path / "base")
    (base / "chat_template.jinja").unlink()
    with pytest.raises(DatasetError, match="has no chat template"):
        _ = job(tmp_path, ROWS, base).prepared


def test_a_base_without_a_tokenizer(tmp_path: Path) -> None:
    base = base_like_the_lab(tmp_path / "base")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (base / name).unlink(missing_ok=True)
    with pytest.raises(StudentError, match="has no tokenizer"):
        _ = job(tmp_path, ROWS, base).prepared


def test_rows_that_teach_nothing_are_counted(tmp_path: Path) -> None:
    empty = {"prompt": ROWS[0]["prompt"], "completion": []}
    asking = {"prompt": ROWS[0]["prompt"], "completion": [{"role": "user", "content": "and?"}]}
    silent = row("What?", "  ")
    with pytest.raises(
        DatasetError, match=r"Of 11 rows .* 3 teach nothing: the assistant says nothing \(the first is row 9\)"
    ):
        _ = job(tmp_path, [*ROWS, empty, asking, silent]).prepared


def test_rows_longer_than_the_recipe_are_counted_and_not_cut(tmp_path: Path) -> None:
    recipe = MINIATURE.model_copy(update={"max_length": 10})
    with pytest.raises(DatasetError, match=r"Of 9 rows .* 9 are longer than 10 tokens \(the first is row 1\)"):
        _ = job(tmp_path, [LONG, *ROWS], recipe=recipe).prepared


def test_rows_longer_than_the_models_context_whatever_the_recipe_says(tmp_path: Path) -> None:
    assert ORDINARY.max_length > CONTEXT
    with pytest.raises(
        DatasetError, match=r"1 are longer than 512 tokens .* a max_length of 1024 does not make it longer"
    ):
        _ = job(tmp_path, [LONG, *ROWS], recipe=ORDINARY).prepared


def test_a_max_length_above_the_context_does_no_harm_to_shorter_rows(tmp_path: Path) -> None:
    assert len(job(tmp_path, ROWS, recipe=ORDINARY).prepared) == 8


def test_validation_rows_are_not_cut_either(tmp_path: Path) -> None:
    made = job(tmp_path, ROWS)
    (tmp_path / "data" / "validation.jsonl").write_text(json.dumps(LONG) + "\n")
    made = planned(tmp_path / "data", WEIGHTS, tmp_path / "s", objective="sft", recipe=MINIATURE, seed=0)
    with pytest.raises(DatasetError, match=r"Rows for validation: Of 1 rows .* longer than 512 tokens"):
        _ = made.held_out


def test_packing_into_sequences_beyond_the_context(tmp_path: Path) -> None:
    with pytest.raises(StudentError, match=r"cannot be packed into sequences of 1024 tokens: the context .* is 512"):
        job(tmp_path, ROWS, recipe=ORDINARY.model_copy(update={"packing": True}))


def test_where_padding_is_the_end_every_turn_still_learns_to_end(tmp_path: Path) -> None:
    base = base_like_the_lab(tmp_path / "base")
    told = json.loads((base / "tokenizer_config.json").read_text())
    told["pad_token"] = told["eos_token"]
    (base / "tokenizer_config.json").write_text(json.dumps(told))
    said = [
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": "and then?"},
        {"role": "assistant", "content": "two"},
    ]
    made = job(tmp_path, [{"prompt": [{"role": "user", "content": "count"}], "completion": said}, *ROWS], base)
    assert made.tokenizer.pad_token_id == made.tokenizer.eos_token_id
    end = made.tokenizer.eos_token_id
    first, second = made.prepared[0]["labels"], made.prepared[1]["labels"]
    assert (first.count(end), second.count(end)) == (2, 1)
    batch = collated(made, tmp_path)
    assert [row.tolist().count(end) for row in batch["labels"]] == [2, 1]
    places = batch["attention_mask"] == 0
    assert places.any(), "the shorter row is padded"
    assert (batch["labels"][places] == -100).all()


def collated(made: Job, folder: Path) -> Any:
    """The first two rows as the trainer's own collator makes a batch of them."""
    from langdistill.students.libraries import quiet

    with quiet():
        trainer = made.objective.trainer(made.materials(folder / "work"))
    columns = ("input_ids", "labels")
    return trainer.data_collator([{name: one[name] for name in columns} for one in made.prepared[:2]])
