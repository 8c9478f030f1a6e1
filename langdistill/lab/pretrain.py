"""Pre-train the lab model from nothing: ``python -m langdistill.lab.pretrain --seed 0 --out DIR``.

One seed decides the corpus, the initial weights and the order of batches, so on one machine and build the same
command makes the same weights. The folder is written beside its place and renamed at the end: it is there whole or
not at all.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from langdistill.errors import MissingExtra, StudentError
from langdistill.folders import check_place, written_beside
from langdistill.lab.card import model_card
from langdistill.lab.corpus import COPYING_SHARE, documents
from langdistill.lab.draws import Document

if TYPE_CHECKING:
    import torch

REPORT_EVERY = 100
"""Steps between two lines of progress."""


@dataclass(frozen=True)
class Settings:
    """Everything that a run depends on besides the code."""

    seed: int = 0
    documents: int = 76_000
    steps: int | None = None
    """Stop after this many steps; `None`: one pass over the documents."""
    batch_tokens: int = 1600
    """Most tokens of a batch, padding included. Small batches matter more than their number: copying is learnt by
    updates."""
    prompt_weight: float = 0.05
    """Loss weight of tokens that are not the assistant's."""
    muon_rate: float = 3e-3
    """Rate of the matrices inside the layers."""
    adam_rate: float = 3e-3
    """Rate of embeddings and norms."""
    weight_decay: float = 0.05
    warm_up: float = 0.03
    """Share of the steps over which the rates rise; afterwards they fall along a cosine to a twentieth."""
    hidden_size: int = 128
    intermediate_size: int = 384
    layers: int = 4
    heads: int = 4
    """Of 32 dimensions each, the least that common servers take."""
    initial_deviation: float = 0.05
    """Wider than usual: with 0.02 copying does not form within the corpus."""


class Encoded(NamedTuple):
    """A document as token ids, with a loss weight for each."""

    ids: list[int]
    weights: list[float]


Batch = list[Encoded]


def encode(tokenizer: Any, batch: Sequence[Document], prompt_weight: float) -> list[Encoded]:
    """Documents as ids; weight 1 on the assistant's text and its end, `prompt_weight` elsewhere."""
    texts = [tokenizer.apply_chat_template(list(document), tokenize=False) for document in batch]
    assistant, end = (tokenizer.convert_tokens_to_ids(token) for token in ("<|assistant|>", tokenizer.eos_token))
    return [
        weigh(ids, assistant, end, prompt_weight) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]
    ]


def weigh(ids: list[int], assistant: int, end: int, prompt_weight: float) -> Encoded:
    """Weight 1 from after an assistant marker up to the end token, both texts and markers of others `prompt_weight`."""
    weights, speaking = list[float](), False
    for id in ids:
        weights.append(1.0 if speaking else prompt_weight)
        speaking = id == assistant or (speaking and id != end)
    return Encoded(ids, weights)


def batches(encoded: Sequence[Encoded], most_tokens: int, rng: Random, window: int = 4000) -> Iterator[Batch]:
    """Batches of similar length: shuffled, sorted within windows, and the batches of a window shuffled again."""
    order = rng.sample(encoded, len(encoded))
    for start in range(0, len(order), window):
        full, current = list[Batch](), Batch()
        for one in sorted(order[start : start + window], key=lambda each: len(each.ids)):
            if current and len(one.ids) * (len(current) + 1) > most_tokens:
                full.append(current)
                current = []
            current.append(one)
        full.append(current)
        yield from rng.sample(full, len(full))


def tensors(batch: Batch, pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and weights of shape (documents, tokens), padded at the right."""
    import torch

    longest = max(len(one.ids) for one in batch)
    ids = torch.tensor([one.ids + [pad] * (longest - len(one.ids)) for one in batch])
    return ids, torch.tensor([one.weights + [0.0] * (longest - len(one.ids)) for one in batch])


def new_model(settings: Settings, tokenizer: Any) -> Any:
    """A Llama with random weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(settings.seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=settings.hidden_size,
            intermediate_size=settings.intermediate_size,
            num_hidden_layers=settings.layers,
            num_attention_heads=settings.heads,
            num_key_value_heads=settings.heads,
            max_position_embeddings=tokenizer.model_max_length,
            initializer_range=settings.initial_deviation,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def optimisers(model: Any, settings: Settings) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for embeddings and norms."""
    import torch

    from langdistill.lab.muon import Muon

    inside = [weight for name, weight in model.named_parameters() if weight.dim() == 2 and "embed" not in name]
    known = {id(weight) for weight in inside}
    rest = [weight for weight in model.parameters() if id(weight) not in known]
    return [
        Muon(inside, lr=settings.muon_rate, weight_decay=settings.weight_decay),
        torch.optim.AdamW(rest, lr=settings.adam_rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def rate_factor(step: int, steps: int, warm_up: float) -> float:
    """Share of the full rate at a step, from 0: warm-up, then a cosine down to 0.05."""
    return min(1.0, (step + 1) / max(1.0, warm_up * steps)) * (0.05 + 0.475 * (1 + math.cos(math.pi * step / steps)))


def loss_of(model: Any, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted mean cross-entropy of the next tokens, in nats."""
    import torch

    logits, wanted, weight = model(input_ids=ids).logits[:, :-1], ids[:, 1:], weights[:, 1:]
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="none")
    return (loss * weight.flatten()).sum() / weight.sum()


def train(model: Any, plan: Sequence[Batch], settings: Settings, pad: int) -> int:
    """Train on the batches in order; the number of tokens it saw, padding included."""
    import torch

    chosen, started, seen, average = optimisers(model, settings), time.monotonic(), 0, 0.0
    full_rates = [optimiser.param_groups[0]["lr"] for optimiser in chosen]
    model.train()
    for step, batch in enumerate(plan):
        ids, weights = tensors(batch, pad)
        loss = loss_of(model, ids, weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser, rate in zip(chosen, full_rates, strict=True):
            optimiser.param_groups[0]["lr"] = rate * rate_factor(step, len(plan), settings.warm_up)
            optimiser.step()
        model.zero_grad(set_to_none=True)
        seen += ids.numel()
        average = loss.item() if step == 0 else 0.97 * average + 0.03 * loss.item()
        if (step + 1) % REPORT_EVERY == 0 or step + 1 == len(plan):
            speed = seen / (time.monotonic() - started)
            print(
                f"step {step + 1}/{len(plan)}  loss {average:.4f}  {seen / 1e6:.2f}M tokens  {speed:.0f} tokens/s",
                flush=True,
            )
    return seen


def plan_of(settings: Settings, tokenizer: Any) -> list[Batch]:
    """All batches of a run: the copying phase first, each phase shuffled within itself."""
    written = [document for _, document in documents(settings.seed, settings.documents)]
    encoded, rng = encode(tokenizer, written, settings.prompt_weight), Random(settings.seed)
    cut = math.ceil(settings.documents * COPYING_SHARE)
    plan = [batch for part in (encoded[:cut], encoded[cut:]) for batch in batches(part, settings.batch_tokens, rng)]
    return plan[: settings.steps]


def pretrain(out: Path, settings: Settings, *, overwrite: bool = False) -> Path:
    """Make a model and write it to a folder: fp16 safetensors, tokenizer, generation settings, model card.

    Raises:
        StudentError: the folder exists and may not be overwritten.
        MissingExtra: torch or transformers is not installed.
    """
    check_place(out, overwrite=overwrite, mark="model.safetensors", error=StudentError)
    try:
        import torch

        from langdistill.lab.tokenizer import build_tokenizer

        tokenizer: Any = build_tokenizer()
    except ImportError as missing:
        raise MissingExtra(missing.name or "torch", "train") from missing
    torch.use_deterministic_algorithms(True)
    started = time.monotonic()
    model, plan = new_model(settings, tokenizer), plan_of(settings, tokenizer)
    tokens, seconds = train(model, plan, settings, tokenizer.pad_token_id), time.monotonic() - started
    card = model_card(
        asdict(settings), parameters=model.num_parameters(), steps=len(plan), tokens=tokens, seconds=seconds
    )
    with written_beside(out) as folder:
        write_model(model, tokenizer, folder)
        (folder / "README.md").write_text(card, "utf-8")
    return out


def write_model(model: Any, tokenizer: Any, folder: Path) -> None:
    """fp16 safetensors with greedy decoding as the default, and the tokenizer."""
    from transformers import GenerationConfig

    ids = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    model.generation_config = GenerationConfig(do_sample=False, max_length=tokenizer.model_max_length, **ids)
    model.half().save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    tokenizer.save_pretrained(folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m langdistill.lab.pretrain", description="Pre-train the lab model.")
    parser.add_argument("--seed", type=int, default=0, help="of the corpus, the weights and the batches")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--steps", type=int, help="stop after this many steps (default: one pass over the corpus)")
    parser.add_argument("--documents", type=int, default=Settings.documents, help="size of the corpus")
    parser.add_argument("--overwrite", action="store_true", help="replace the folder if it exists")
    given = parser.parse_args(arguments)
    settings = Settings(seed=given.seed, documents=given.documents, steps=given.steps)
    try:
        print(f"Wrote {pretrain(given.out, settings, overwrite=given.overwrite)}")
    except (StudentError, MissingExtra) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
