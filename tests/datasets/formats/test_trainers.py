"""The trainers of TRL take the rows as they are, and their loss is where the masking says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from langdistill.datasets.containers import lines_hash
from langdistill.datasets.formats.fitting import find_format, fitted
from langdistill.datasets.masking import masking
from langdistill.datasets.reading import Dataset
from langdistill.records import Example
from tests.datasets.formats.examples import AGENT, THINKS, example, tokenizer

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

PAIR = example(rejected=[{"role": "assistant", "content": "No."}], margin=0.5)


def rows_of(format: str, *examples: Example) -> list[dict[str, Any]]:
    return [one.row for of in examples for one in fitted(find_format(format), of)]


def as_dataset(rows: list[dict[str, Any]], folder: Path) -> Any:
    """As the package gives them to a trainer."""
    import orjson

    (folder / "train.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    (folder / "validation.jsonl").touch()
    made = Dataset(folder, {"hash": lines_hash(rows), "rows": {"train": len(rows), "validation": 0}})
    return made.to_datasets()["train"]


def tiny(tokenizer: Any) -> Any:
    """A model of two layers, with weights of chance."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2
        )
    )


def saved(tokenizer: Any, folder: Path) -> str:
    """The folder of such a model: DPO and KTO load it again as the reference."""
    tiny(tokenizer).save_pretrained(folder / "model")
    return str(folder / "model")


def settings(folder: Path, **more: Any) -> dict[str, Any]:
    return {
        "output_dir": str(folder / "out"), "use_cpu": True, "bf16": False, "report_to": [], "max_steps": 1,
        "per_device_train_batch_size": 2, "max_length": None, "save_strategy": "no", "disable_tqdm": True,
        "gradient_checkpointing": False, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("format", "examples", "options", "pad"),
    [
        ("trl", [example(), THINKS], {"completion_only_loss": True}, "<|im_end|>"),
        ("trl", [example(), THINKS, AGENT], {"assistant_only_loss": True}, "<|endoftext|>"),
        ("trl_messages", [example(), AGENT], {"assistant_only_loss": True}, "<|im_end|>"),
    ],
)
def test_the_loss_of_sft_is_what_the_masking_says(
    format: str, examples: list[Example], options: dict[str, Any], pad: str, tmp_path: Path
) -> None:
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    rows, reads = rows_of(format, *examples), tokenizer("qwen3", pad=pad)
    mask = masking(reads, assistant_only=options.get("assistant_only_loss"))
    trainer = SFTTrainer(
        model=tiny(reads),
        args=SFTConfig(**settings(tmp_path, **options)),
        train_dataset=as_dataset(rows, tmp_path),
        processing_class=reads,
    )
    batch = trainer.data_collator([trainer.train_dataset[at] for at in range(len(rows))])
    for row, ids, labels in zip(rows, batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True):
        [told] = mask.check(row)
        assert reads.decode([label for label in labels if label != -100]) == "".join(told.trained)
        assert reads.decode(ids).startswith(told.text)
        trained = sum(span.tokens for span in told.spans if span.trained)
        assert sum(label != -100 for label in labels) == trained
    trainer.train()
    assert trainer.state.global_step == 1


def test_dpo_takes_pairs(tmp_path: Path) -> None:
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    rows, reads = rows_of("trl_preference", PAIR, PAIR), tokenizer("qwen3")
    trainer = DPOTrainer(
        model=saved(reads, tmp_path),
        args=DPOConfig(**settings(tmp_path)),
        train_dataset=as_dataset(rows, tmp_path),
        processing_class=reads,
    )
    first = trainer.train_dataset[0]
    chosen, rejected = masking(reads).check(rows[0])
    assert [reads.decode(first["chosen_ids"])] == chosen.trained
    assert [reads.decode(first["rejected_ids"])] == rejected.trained
    trainer.train()


def test_kto_takes_labelled_answers(tmp_path: Path) -> None:
    from trl.trainer.kto_config import KTOConfig
    from trl.trainer.kto_trainer import KTOTrainer

    rows, reads = rows_of("trl_unpaired", PAIR, example(good=True)), tokenizer("qwen3")
    trainer = KTOTrainer(
        model=saved(reads, tmp_path),
        args=KTOConfig(**settings(tmp_path)),
        train_dataset=as_dataset(rows, tmp_path),
        processing_class=reads,
    )
    assert [row["label"] for row in trainer.train_dataset] == [True, False, True]
    trainer.train()


def test_a_reward_model_takes_pairs(tmp_path: Path) -> None:
    from transformers import LlamaConfig, LlamaForSequenceClassification
    from trl.trainer.reward_config import RewardConfig
    from trl.trainer.reward_trainer import RewardTrainer

    rows, reads = rows_of("trl_preference", PAIR, PAIR), tokenizer("qwen3")
    config = LlamaConfig(
        vocab_size=len(reads), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, num_labels=1
    )  # fmt: skip
    trainer = RewardTrainer(
        model=LlamaForSequenceClassification(config),
        args=RewardConfig(**settings(tmp_path)),
        train_dataset=as_dataset(rows, tmp_path),
        processing_class=reads,
    )
    assert trainer.train_dataset[0]["margin"] == 0.5
    trainer.train()
