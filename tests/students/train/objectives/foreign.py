"""A tiny model whose tokenizer and chat template are none of the lab model's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.students.train.objectives.material import ANSWERS, QUESTIONS

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '[Q]' if message.role == 'user' else '[A]' }}{{ message.content }}{{ eos_token }}"
    "{% endfor %}{% if add_generation_prompt %}[A]{% endif %}"
)


def foreign_tokenizer() -> Any:
    """Byte-level BPE, learnt from the questions and answers."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    learnt = Tokenizer(models.BPE())
    learnt.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    learnt.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    special = ["<s>", "</s>", "[Q]", "[A]"]
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    learnt.train_from_iterator([*QUESTIONS, *ANSWERS], trainer)
    found = PreTrainedTokenizerFast(tokenizer_object=learnt, bos_token="<s>", eos_token="</s>", pad_token="</s>")
    found.chat_template = TEMPLATE
    return found


def foreign_model(folder: Path) -> Path:
    """Two layers with random weights."""
    from transformers import LlamaConfig, LlamaForCausalLM, set_seed

    from langdistill.students.libraries import hushed

    tokenizer = foreign_tokenizer()
    set_seed(0)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
        num_key_value_heads=2,
        **sizes,
    )
    with hushed():
        LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
