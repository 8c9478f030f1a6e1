"""How much memory a training needs on one device, by part, before anything is loaded.

    weights      every parameter, in 4 bytes; of a base in four bits (QLoRA, 2305.14314) linear layers take 0.52 and the rest 2
    gradients    of the trained parameters, in 4 bytes
    optimizer    AdamW's two moments of the trained parameters, in 4 bytes each
    activations  what a pass keeps for the way back: batch_size x the longest row x layers x (6.5 hidden + 2 query + 2 key or value +
                 4 intermediate widths), in 4 bytes, or 2 in bf16, and a layer more for the gradients on the way back. With gradient
                 checkpointing one hidden width a layer, and those and one layer whole. A LoRA keeps its rank at each map besides.

The count of widths is of a decoder layer with a gated feed-forward network and an attention that keeps no matrix of scores (SDPA);
other models differ. Not counted: the program and its libraries, logits (trainers of TRL compute them in pieces), the allocator's
fragments, and a second model such as a teacher or the reference of a whole-weight preference training.

Beside the resident memory that the lab model was seen to take (SFT on a processor, batches of 32 rows, less what the program took
before): LoRA, rows of 211 tokens, 1 % too low; all weights 9 %; all weights, 111 tokens, 21 %; LoRA with gradient checkpointing
27 % too high. That is with an allocator that gives memory back (MALLOC_MMAP_THRESHOLD_=65536); with the C library's own settings it
was 1.4 to 3.7 times as much, most with gradient checkpointing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langdistill.records import Record
from langdistill.students.libraries import imported
from langdistill.students.train.materials import Materials
from langdistill.students.train.recipe import Recipe

FOUR_BITS = 0.52
"""Bytes of a parameter in NF4 with its doubly quantised constants."""
KEPT = {"hidden": 6.5, "query": 2, "key": 2, "intermediate": 4}
"""Widths that a layer keeps for the way back, a token: counted on Llama with autograd's saved tensors."""
ON_THE_WAY_BACK = 1
"""Layers' worth of gradients of activations."""


class Memory(Record):
    """Bytes, on one device."""

    weights: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All parts."""
        return self.weights + self.gradients + self.optimizer + self.activations


@dataclass(frozen=True)
class Parameters:
    """How many there are."""

    every: int
    """The adapter's included."""
    trained: int
    linear: int
    """In the base's linear layers, without its output layer: what is kept in four bits."""


def parameters(materials: Materials, head: str, labels: int) -> Parameters:
    """Counted on a model without weights.

    Args:
        materials: of the training.
        head: what its students give.
        labels: of a classifier.
    """
    torch, transformers = imported("torch"), imported("transformers")
    config = transformers.AutoConfig.from_pretrained(str(materials.base), local_files_only=True)
    kind = transformers.AutoModelForCausalLM
    if head != "text":
        kind, config.num_labels = transformers.AutoModelForSequenceClassification, 1 if head == "score" else labels
    with torch.device("meta"):
        model = kind.from_config(config)
        linear = sum(one.weight.numel() for name, one in model.named_modules() if isinstance(one, torch.nn.Linear) and "lm_head" not in name)  # fmt: skip
        adapter = _adapter(materials, head)
        model = imported("peft").get_peft_model(model, adapter) if adapter else model
    sizes = [(one.numel(), one.requires_grad) for one in model.parameters()]
    return Parameters(sum(n for n, _ in sizes), sum(n for n, trained in sizes if trained), linear)


def _adapter(materials: Materials, head: str) -> Any:
    """The LoRA that will be trained: a new one, or that of an earlier stage."""
    if materials.recipe.adapter == "full":
        return None
    if earlier := materials.earlier_adapter:
        return imported("peft").LoraConfig.from_pretrained(str(earlier))
    return materials.adapter("CAUSAL_LM" if head == "text" else "SEQ_CLS")


def memory(counted: Parameters, config: dict[str, Any], recipe: Recipe, longest: int, *, bf16: bool) -> Memory:
    """The estimate of the module's formula.

    Args:
        counted: parameters.
        config: of the text model, as its configuration tells it.
        recipe: of the training.
        longest: tokens of the longest row, or of a packed sequence.
        bf16: whether it computes in two bytes.
    """
    weights = 4 * counted.every
    if recipe.adapter == "qlora":
        new = counted.trained
        weights = int(FOUR_BITS * counted.linear + 2 * (counted.every - new - counted.linear) + 4 * new)
    tokens, layers = recipe.batch_size * longest, int(config.get("num_hidden_layers", 1))
    width, layer = _widths(config, recipe)
    kept = ON_THE_WAY_BACK * layer + (layers * width + layer if recipe.gradient_checkpointing else layers * layer)
    return Memory(
        weights=weights,
        gradients=4 * counted.trained,
        optimizer=8 * counted.trained,
        activations=round(tokens * kept * (2 if bf16 else 4)),
    )


def _widths(config: dict[str, Any], recipe: Recipe) -> tuple[int, float]:
    """The hidden width, and how many numbers a layer keeps, a token."""
    hidden, heads = int(config["hidden_size"]), int(config.get("num_attention_heads") or 1)
    each = int(config.get("head_dim") or hidden // heads)
    key = each * int(config.get("num_key_value_heads") or heads)
    inner = int(config.get("intermediate_size") or 4 * hidden)
    widths = {"hidden": hidden, "query": each * heads, "key": key, "intermediate": inner}
    ranks = 0 if recipe.adapter == "full" else 7 * recipe.rank  # one LoRA at each of a layer's linear maps
    return hidden, sum(times * widths[name] for name, times in KEPT.items()) + ranks
