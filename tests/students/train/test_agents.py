"""Agents are learnt from real recorded runs: what they say carries loss, what tools return and users say does not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import pytest

from langdistill.datasets.containers import write_parquet
from langdistill.datasets.formats.fitting import find_format, fitted
from langdistill.datasets.masking import masking
from langdistill.datasets.shapes import columns_of
from langdistill.datasets.targets.whole_agent import whole_agent
from langdistill.groups import Group
from langdistill.records import Example, Trace
from langdistill.stores.importing import find_importer
from langdistill.students.libraries import quiet
from langdistill.students.train.job import planned
from langdistill.students.train.rows.masked import masked_rows
from langdistill.students.train.training import train
from tests.datasets.formats.examples import tokenizer
from tests.trained import FEW, write

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]

GLAIVE = ("sharegpt", "llamafactory_demo/glaive_toolcall_en_demo.json")
REASONS = ("openai_chat", "llamafactory_demo/reason_tool_use_demo_50.jsonl")
SWE, TOOLBENCH, FIREACT = ("swe_agent", "swe_agent"), ("toolbench", "toolbench/answer"), ("fireact", "fireact/trajs")
ENDS = ("<|im_end|>", "<|end|>", "<|eot_id|>", "<end_of_turn>")
LONG = 10**6


@cache
def runs(folder: Path, source: tuple[str, str]) -> list[Example]:
    """The first 20 of a file."""
    traces = (one for one in find_importer(source[0])(folder / source[1]) if isinstance(one, Trace))
    return [row for one in islice(traces, 20) for row in whole_agent()(Group(one.problem, (one,))).examples]


def rows_of(examples: Sequence[Example], format: str = "trl") -> list[dict[str, Any]]:
    return [fitted(find_format(format), one)[0].row for one in examples]


def spans(row: dict[str, Any], tokens: Any) -> list[tuple[bool, str]]:
    """The texts of a prepared row in turns: whether it carries loss, and what it says."""
    pairs = zip(row["input_ids"], row["labels"], strict=True)
    runs = groupby(pairs, key=lambda pair: pair[1] != -100)
    return [(trained, tokens.decode([token for token, _ in run])) for trained, run in runs]


@pytest.mark.parametrize("format", ["trl", "trl_messages"])
@pytest.mark.parametrize(
    ("source", "template"),
    [
        (GLAIVE, "qwen3"),
        (GLAIVE, "qwen2_5"),
        (REASONS, "qwen3_5_think"),
        (SWE, "nemotron_3_nano"),
        (TOOLBENCH, "lfm2_2_5_v2"),
        (FIREACT, "llama3"),
        (FIREACT, "gemma3"),
        (FIREACT, "phi3"),
    ],
)
def test_what_the_agent_says_carries_loss_and_nothing_else(
    data: Path, source: tuple[str, str], template: str, format: str
) -> None:
    examples = runs(data, source)
    tokens = tokenizer(template)
    prepared = masked_rows(rows_of(examples, format), tokens, LONG)
    for example, row in zip(examples, prepared, strict=True):
        told = spans(row, tokens)
        learnt = [text for trained, text in told if trained]
        said = [one for one in example.target if one["role"] == "assistant"]
        others = [one for one in [*example.messages, *example.target] if one["role"] != "assistant"]
        assert len(learnt) == len(said)
        assert all(text.strip().endswith(ENDS) for text in learnt)
        for text, message in zip(learnt, said, strict=True):
            assert str(message["content"] or "").strip() in text
            assert all(call["function"]["name"] in text for call in message.get("tool_calls") or ())
        unlearnt = "".join(text for trained, text in told if not trained)
        for message in others:
            words = str(message["content"]).strip()
            assert words in unlearnt or words.replace("\n", "") in unlearnt.replace("\n", "")


def test_an_error_that_the_agent_recovered_from_is_learnt_with_what_came_after(data: Path) -> None:
    recovered = "Please read this error message carefully and then retry"
    run = next(one for one in runs(data, SWE) if any(recovered in str(said["content"]) for said in one.target))
    [row] = masked_rows(rows_of([run]), tokenizer("qwen3"), LONG)
    told = spans(row, tokenizer("qwen3"))
    learnt = [text for trained, text in told if trained]
    assert not any(recovered in text for text in learnt)
    [at] = [at for at, (_, text) in enumerate(told) if recovered in text]
    before, after = told[at - 1][1], told[at + 1][1]
    assert '"name": "edit"' in before
    assert '"name": "edit"' in after
    assert before != after
    assert len(learnt) == sum(one["role"] == "assistant" for one in run.target)


def prepared_by_trl(folder: Path, rows: list[dict[str, Any]], tokens: Any, **more: Any) -> list[dict[str, Any]]:
    """The same rows as TRL's trainer prepares them by itself.

    They come through Parquet of ours, which Hugging Face reads as it was written: `Dataset.from_list` would give every tool and
    every call all arguments of all others, as nulls, and the template prints them.
    """
    import datasets
    from transformers import AutoConfig, AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    folder.mkdir()
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_parquet(folder / "rows.jsonl", folder / "rows.parquet", columns_of(rows))
    config = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model("llama", vocab_size=len(tokens), **config))
    args = SFTConfig(
        output_dir=str(folder), use_cpu=True, bf16=False, report_to=[], max_length=None, disable_tqdm=True, **more
    )
    with quiet():
        loaded = datasets.Dataset.from_parquet(str(folder / "rows.parquet"), cache_dir=str(folder / "cache"))
        return list(SFTTrainer(model=model, args=args, train_dataset=loaded, processing_class=tokens).train_dataset)  # type: ignore[arg-type]


@pytest.mark.parametrize("format", ["trl", "trl_messages"])
@pytest.mark.parametrize(
    ("source", "template", "pad"),
    [
        (GLAIVE, "qwen3", "<|im_end|>"),
        (REASONS, "qwen3_5_think", "<|endoftext|>"),
        (SWE, "nemotron_3_nano", "<|im_end|>"),
        (TOOLBENCH, "lfm2_2_5_v2", "<|endoftext|>"),
        (FIREACT, "phi3", "<|im_end|>"),
    ],
)
def test_trl_prepares_the_same_tokens_and_labels(
    data: Path, source: tuple[str, str], template: str, pad: str, format: str, tmp_path: Path
) -> None:
    tokens = tokenizer(template, pad=pad)
    mask = masking(tokens)
    rows = [row for row in rows_of(runs(data, source)[:12], format) if mask.check(row)]
    ours = masked_rows(rows, tokens, LONG)
    theirs = prepared_by_trl(tmp_path / "trl", rows, tokens, assistant_only_loss=True)
    assert [(one["input_ids"], one["labels"]) for one in theirs] == [(one["input_ids"], one["labels"]) for one in ours]
    assert len(ours) >= 4


def test_trl_prepares_the_same_of_plain_answers_for_the_lab_model(tmp_path: Path) -> None:
    """The lab model's template marks nothing: for one answer after a prompt the mask of the completion is enough."""
    from transformers import AutoTokenizer

    from langdistill.lab import WEIGHTS
    from tests.trained import row

    tokens = AutoTokenizer.from_pretrained(WEIGHTS)
    rows = [row(f"What is {'very ' * at}?", "Think. " * at + "yes") for at in range(6)]
    theirs = prepared_by_trl(tmp_path / "trl", rows, tokens)
    assert [(one["input_ids"], one["labels"]) for one in theirs] == [
        (one["input_ids"], one["labels"]) for one in masked_rows(rows, tokens, LONG)
    ]


def test_without_assistant_only_loss_trl_would_learn_what_tools_return(data: Path, tmp_path: Path) -> None:
    """TRL's default for prompt-completion rows takes the loss on all of the completion."""
    tokens = tokenizer("qwen3")
    rows = rows_of(runs(data, TOOLBENCH))
    theirs = prepared_by_trl(tmp_path / "trl", rows, tokens)
    assert any(trained and '{"error": ""' in text for trained, text in spans(theirs[0], tokens))
    assert not any(
        trained and '{"error": ""' in text for trained, text in spans(masked_rows(rows, tokens, LONG)[0], tokens)
    )


@pytest.fixture
def agent_base(tmp_path: Path) -> Path:
    """A tiny model of random weights with a real template, whose padding is its end."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    tokens = tokenizer("qwen3", pad="<|im_end|>")
    config = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config["max_position_embeddings"] = 8192
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model("llama", vocab_size=len(tokens), **config))
    model.save_pretrained(tmp_path / "base")
    tokens.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def test_a_padding_token_that_is_the_end_hides_no_end_and_teaches_none(
    data: Path, agent_base: Path, tmp_path: Path
) -> None:
    recipe = FEW.model_copy(update={"max_length": 8192, "steps": 2})
    examples = runs(data, GLAIVE)[:8]
    folder = write(tmp_path / "data", rows_of(examples))
    job = planned(folder, agent_base, tmp_path / "s", objective="sft", recipe=recipe, seed=0)
    assert job.tokenizer.pad_token_id == job.tokenizer.eos_token_id
    with quiet():
        trainer = job.objective.trainer(job.materials(tmp_path / "work"))
    end, ends = job.tokenizer.eos_token_id, 0
    for batch in trainer.get_train_dataloader():
        padding = batch["attention_mask"] == 0
        assert padding.any()
        assert (batch["labels"][padding] == -100).all()
        ends += int((batch["labels"] == end).sum())
    assert ends == sum(one["role"] == "assistant" for example in examples for one in example.target)
    student = train(folder, agent_base, tmp_path / "s", recipe=recipe)
    assert (student.last.rows, student.last.steps) == (8, 2)
