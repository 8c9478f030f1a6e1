"""Tokens per second of training beside a plain TRL script on the same rows, in turns, in one run; and the losses they end at.

    python benchmarks/training.py
    python benchmarks/training.py --size 0.5b --peak 989e12     where there is an accelerator

The plain script is what TRL's documentation shows: `SFTTrainer` on prompt-completion rows with a LoRA, and the same arguments as
ours. Ours checks every row, saves checkpoints and writes a card besides; what both are timed for is stated in the table. With a
size that is not "lab" the model is a randomly initialised Llama, in bf16 where the accelerator has it, and the share of the
accelerator's peak is told (6 operations a parameter and token; with LoRA 4, as the frozen weights get no gradient).
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from langdistill.intervals import student_interval
from langdistill.lab import WEIGHTS
from langdistill.lab.tasks import task
from langdistill.students.libraries import quiet
from langdistill.students.train.job import planned
from langdistill.students.train.recipe import MINIATURE, Recipe
from langdistill.students.train.training import run
from langdistill.versions import installed

RESULTS = Path(__file__).with_name("results") / "training.json"
SIZES: dict[str, dict[str, int]] = {
    "0.5b": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "num_key_value_heads": 8,
             "intermediate_size": 4096, "vocab_size": 32_000},
    "1b": {"hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8,
           "intermediate_size": 8192, "vocab_size": 32_000},
}  # fmt: skip


def base_of(size: str, folder: Path) -> Path:
    """The lab model, or a randomly initialised Llama with the lab's tokenizer."""
    if size == "lab":
        return WEIGHTS
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    shutil.copytree(WEIGHTS, folder, ignore=shutil.ignore_patterns("*.safetensors", "config.json"))
    torch.manual_seed(0)
    lab = json.loads((WEIGHTS / "config.json").read_text())
    ends = {key: lab[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id") if key in lab}
    LlamaForCausalLM(LlamaConfig(**SIZES[size], max_position_embeddings=2048, **ends)).to(
        torch.bfloat16
    ).save_pretrained(folder)
    return folder


def data_set(folder: Path, rows: int, turns: int) -> Path:
    """Reasoned answers of the lab's corpus as prompt-completion rows, `turns` of them one after another in a row."""
    rng = Random(0)
    writers = [task(name).writers["steps"] for name in ("letters", "arithmetic")]
    lines: list[dict[str, Any]] = []
    for at in range(rows):
        said = [message for _ in range(turns) for message in writers[at % 2](rng)]
        lines.append({"prompt": said[:-1], "completion": said[-1:]})
    folder.mkdir()
    (folder / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "manifest.json").write_text(json.dumps({"hash": "benchmark", "format": "trl"}))
    return folder


def ours(data: Path, base: Path, out: Path, recipe: Recipe) -> dict[str, float]:
    """One training by `train`."""
    began = time.perf_counter()
    student = run(planned(data, base, out, objective="sft", recipe=recipe, seed=0))
    told = student.measurements["training"]
    return {"whole": time.perf_counter() - began, "training": told["seconds"], "loss": told["loss"]}


def plain(data: Path, base: Path, out: Path, recipe: Recipe) -> dict[str, float]:
    """The same by TRL alone."""
    import torch
    from datasets import load_dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, PrinterCallback, ProgressCallback
    from trl import SFTConfig, SFTTrainer

    began = time.perf_counter()
    cuda = torch.cuda.is_available()
    arguments = SFTConfig(
        output_dir=str(out),
        max_steps=recipe.steps or -1,
        per_device_train_batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=recipe.warmup,
        max_length=None,
        use_cpu=not cuda,
        bf16=cuda,
        gradient_checkpointing=False,
        report_to=[],
        save_strategy="no",
        logging_steps=max(1, (recipe.steps or 50) // 50),
        disable_tqdm=True,
        seed=0,
        dataloader_pin_memory=cuda,
    )
    with quiet():
        trainer = SFTTrainer(
            model=AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
            args=arguments,
            train_dataset=load_dataset("json", data_files=str(data / "train.jsonl"), split="train"),
            peft_config=LoraConfig(
                r=recipe.rank, lora_alpha=recipe.alpha, target_modules="all-linear", task_type="CAUSAL_LM"
            ),
        )
        for printing in (PrinterCallback, ProgressCallback):
            trainer.remove_callback(printing)
        trained = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - trained
        trainer.save_model(str(out))
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return {"whole": time.perf_counter() - began, "training": seconds, "loss": losses[-1]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=["lab", *SIZES], default="lab")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rows", type=int, default=800)
    parser.add_argument("--turns", type=int, default=1, help="questions and answers of a row: longer rows")
    parser.add_argument("--peak", type=float, help="operations a second of the accelerator in bf16")
    given = parser.parse_args()
    recipe = MINIATURE.model_copy(update={"steps": given.steps, "max_length": 2048, "learning_rate": 1e-3})
    found: dict[str, list[dict[str, float]]] = {"ours": [], "plain": []}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        data, base = data_set(folder / "data", given.rows, given.turns), base_of(given.size, folder / "base")
        tokens = planned(data, base, folder / "s", objective="sft", recipe=recipe, seed=0).tokens
        seen = tokens / given.rows * recipe.batch_size * given.steps
        for at in range(given.rounds + 1):
            for name, way in (("ours", ours), ("plain", plain)):
                told = way(data, base, folder / f"{name}-{at}", recipe)
                if at:  # the first round warms up
                    found[name].append(told)
                    print(f"{at} {name}: {seen / told['training']:.0f} tokens/s, loss {told['loss']:.4f}", flush=True)
    result = summary(found, seen, base, given)
    if given.size == "lab":
        RESULTS.write_text(json.dumps(result, indent=1))
    print(json.dumps(result, indent=1))


def summary(
    found: dict[str, list[dict[str, float]]], seen: float, base: Path, given: argparse.Namespace
) -> dict[str, Any]:
    """Medians, and the ratio of paired rounds with its interval."""
    ratios = {
        part: [plain[part] / ours[part] for ours, plain in zip(found["ours"], found["plain"], strict=True)]
        for part in ("training", "whole")
    }
    told: dict[str, Any] = {
        "command": f"python benchmarks/training.py --rounds {given.rounds} --steps {given.steps} --rows {given.rows}",
        "versions": installed("langdistill", "torch", "transformers", "peft", "trl"),
        "size": given.size,
        "rounds": given.rounds,
        "steps": given.steps,
        "tokens": round(seen),
        "loss": {name: [one["loss"] for one in runs] for name, runs in found.items()},
        "tokens_per_second": {
            name: round(seen / median(one["training"] for one in runs)) for name, runs in found.items()
        },
        "seconds": {name: round(median(one["whole"] for one in runs), 2) for name, runs in found.items()},
        "ratio": {part: [median(some), *student_interval(some)] for part, some in ratios.items()},
    }
    if given.peak:
        told["mfu"] = mfu(base, told["tokens_per_second"], given.peak)
    return told


def mfu(base: Path, speed: dict[str, int], peak: float) -> dict[str, float]:
    """The share of the accelerator's peak."""
    from safetensors import safe_open

    [weights] = base.glob("*.safetensors")
    with safe_open(weights, "pt") as file:
        parameters = sum(file.get_tensor(name).numel() for name in file.keys())  # noqa: SIM118
    return {name: 4 * parameters * tokens / peak for name, tokens in speed.items()}


if __name__ == "__main__":
    main()
